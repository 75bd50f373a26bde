#!/usr/bin/env python3
"""Breaks the engine on purpose, one way at a time, and expects a test to notice.

    run.py [--scratch DIR] [--only WORD] [--jobs N]

Copies the tree of git N times (one for each processor) into DIR (build/mutants), builds the tests there once, and for
each mutant of mutants.py: edits, builds its test, runs it, expects it to fail, and takes the edit back. Exits 1 when a
mutant survives, 2 when a text no longer stands where it should or something does not build. The folder is kept: the
next run builds only what has changed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from mutants import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST_SECONDS = 180  # the model alone takes 50 of CPU; a test that hangs has noticed as well


def sync(tree):
    """Copies what differs, so that unchanged files keep their times and ninja its work."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        source, copy = ROOT / name, tree / name
        if not source.is_file():
            continue
        data = source.read_bytes()
        if copy.is_file() and copy.read_bytes() == data:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)


def build(tree, targets):
    env = dict(os.environ, CCACHE_BASEDIR=str(tree))
    if not (tree / "build/dev/build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev"], cwd=tree, env=env, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-j2", "-C", "build/dev", *targets], cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode:
        print("\n".join(line for line in done.stdout.splitlines() if "error" in line)[:2000])
    return done.returncode == 0


def failing_test(tree, target, test):
    """The name of the first test that failed, or None. A crash and a hang are failures too."""
    command = [str(next((tree / "build/dev").rglob(target))), "--gtest_filter=" + test, "--gtest_fail_fast"]
    process = subprocess.Popen(command, cwd=tree / "build/dev", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return test + ", hanging"
    if process.returncode == 0:
        return None
    failed = [line.split("]")[1].split("(")[0].strip() for line in out.splitlines() if line.startswith("[  FAILED  ]")]
    return failed[0] if failed else test + ", stopped by a check"


def judge(tree, mutant):
    path = tree / mutant["file"]
    before = path.read_text()
    if before.count(mutant["text"]) != 1:
        print(f"STALE   {mutant['name']}: its text stands {before.count(mutant['text'])} times in {mutant['file']}")
        return 2
    try:
        path.write_text(before.replace(mutant["text"], mutant["instead"]))
        if not build(tree, [mutant["target"]]):
            print(f"STALE   {mutant['name']}: does not build")
            return 2
        caught = failing_test(tree, mutant["target"], mutant["filter"])
    finally:
        path.write_text(before)
    print(f"caught: {mutant['name']} (by {caught})" if caught else f"SURVIVED {mutant['name']}", flush=True)
    return 0 if caught else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=pathlib.Path, default=ROOT / "build/mutants")
    parser.add_argument("--only", default="", help="mutants with this word in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trees that are worked on at the same time")
    args = parser.parse_args()
    mutants = [m for m in MUTANTS if args.only in m["name"]]
    if not mutants:
        parser.error(f"no mutant has {args.only} in its name")
    tests = sorted({(m["target"], m["filter"]) for m in mutants})
    started = time.monotonic()
    trees = queue.Queue()
    for n in range(args.jobs):
        tree = args.scratch.resolve() / str(n)
        tree.mkdir(parents=True, exist_ok=True)
        sync(tree)
        if not build(tree, sorted({target for target, _ in tests})):
            sys.exit(2)
        trees.put(tree)
    for target, test in tests:
        if (failed := failing_test(tree, target, test)):
            print(f"{failed} fails without any mutant: nothing can be said")
            sys.exit(2)

    def judge_in_some_tree(mutant):
        mine = trees.get()
        try:
            return judge(mine, mutant)
        finally:
            trees.put(mine)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(judge_in_some_tree, mutants))
    print(f"{results.count(0)} of {len(results)} caught in {time.monotonic() - started:.0f} s")
    sys.exit(max(results, default=2))


if __name__ == "__main__":
    main()
