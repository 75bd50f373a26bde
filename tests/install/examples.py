#!/usr/bin/env python3
"""examples.py BUILD EXAMPLES COMPILER: installs the library into a scratch folder, builds the examples there with
find_package(weir) alone, runs each and looks for the line that makes its point; then one of them with pkg-config alone.
find_package refuses GCC."""
import os
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
    "retried_call": r"40 operations: \d+ worked",
    "sized_queue": r"at 4000/s .*bound (1999|2000)\b",
}


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def with_pkg_config(prefix, examples, work, compiler):
    files = sorted(prefix.rglob("*.pc"))
    if [f.name for f in files] != [f"weir-{layer}.pc" for layer in ("async", "base", "component", "flow")]:
        sys.exit(f"pkg-config files installed: {[str(f) for f in files]}")
    os.environ["PKG_CONFIG_PATH"] = str(files[0].parent)
    for layer, example in (("async", "bounded_channel"), ("flow", "sized_queue")):
        flags = run("pkg-config", "--cflags", "--libs", f"weir-{layer}").split()
        binary = work / f"{example}_by_pkg_config"
        run(compiler, "-O1", examples / f"{example}.cc", "-o", binary, *flags)
        if not re.search(POINT[example], run(binary)):
            sys.exit(f"{example}, built with pkg-config, does not say {POINT[example]}")
    run("pkg-config", "--exists", "--print-errors", "weir-component")


def refuses_gcc(prefix, work):
    work.mkdir()
    # No compiler is needed to be refused because of it.
    (work / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(with_gcc LANGUAGES NONE)\n"
                                         "set(CMAKE_CXX_COMPILER_ID GNU)\nfind_package(weir 0.1 REQUIRED)\n")
    done = subprocess.run(["cmake", "-S", work, "-B", work / "build", f"-DCMAKE_PREFIX_PATH={prefix}"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    said = " ".join(done.stdout.split())
    if done.returncode == 0 or "GCC 12 miscompiles coroutines" not in said or "clang++-19" not in said:
        sys.exit(f"find_package(weir) with GCC ended with {done.returncode} and said: {said}")


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
        with_pkg_config(prefix, pathlib.Path(examples), work, compiler)
        refuses_gcc(prefix, pathlib.Path(scratch, "gcc"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
