#!/usr/bin/env python3
"""examples.py BUILD EXAMPLES COMPILER: installs the library into a scratch folder, builds the examples there with
find_package(weir) alone, runs each and looks for the line that makes its point."""
import pathlib
import re
import subprocess
import sys
import tempfile

POINT = {  # example: what its output must say
    "bounded_channel": r"never more than 8 waited",
    "guarded_call": r"breaker opened 3 times and is closed now",
    "pool_service": r"discard_oldest +ran +\d+.* dropped [1-9]\d*",
    "credit_stream": r"never more than 4 messages or 4096 bytes",
    "sized_queue": r"at 4000/s .*bound (1999|2000)\b",
}


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=110)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def main():
    build, examples, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        prefix, work = pathlib.Path(scratch, "prefix"), pathlib.Path(scratch, "work")
        run("cmake", "--install", build, "--prefix", prefix, "--component", "library")
        left_over = [p for p in prefix.rglob("*") if p.name.endswith(("_test.h", ".cc"))]
        if left_over:
            sys.exit(f"installed, but nobody's business: {left_over}")
        for text in (p for p in prefix.rglob("*.cmake")):
            if str(pathlib.Path(build).parent.parent) in text.read_text():
                sys.exit(f"{text.name} points into the checkout; an installed package must not need it")
        run("cmake", "-G", "Ninja", "-S", examples, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Werror")
        run("cmake", "--build", work, "-j", "2")
        for example, point in POINT.items():
            said = run(work / example)
            print(f"--- {example}\n{said}", end="")
            if not re.search(point, said):
                sys.exit(f"{example}: nothing in its output matches {point}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
