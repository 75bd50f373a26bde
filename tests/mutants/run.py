#!/usr/bin/env python3
"""Breaks the engine on purpose, one way at a time, and expects a test to notice.

    run.py [--all] [--only WORD] [--jobs N] [--build DIR]        run.py --targets

Without --all: the mutants whose file or test changed since the last landing (scripts/changed-files), and a third of the
others, another one each day. DIR (build/dev) holds the tests, built (--targets names them). For each mutant it compiles the objects that hold
code of the changed file, with a copy of it in the file's place (clang's file overlay), links them before the libraries,
so that they stand in for what is there, runs the test and expects it to fail. Neither the sources nor DIR are touched.
Exits 1 when a mutant survives, 2 when a text no longer stands where it should or something does not build.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from mutants import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST_SECONDS = 180  # the model alone takes 50 of CPU; a test that hangs has noticed as well
SEEDS = {"WEIR_MODEL_FIRST": "1", "WEIR_MODEL_CASES": "10000"}  # the same every day: what is caught once stays caught


class Tree:
    """A build folder: what is compiled from what, and how."""

    def __init__(self, folder):
        self.folder = folder
        self.commands = {}  # object -> its command
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            words = shlex.split(entry["command"])
            self.commands[words[words.index("-o") + 1]] = (words, entry["file"])
        self.includes, owner = {}, None  # object or precompiled header -> the files it was made from
        for line in self.ninja("deps").splitlines():
            if line.startswith("    "):
                self.includes[owner].add(os.path.normpath(folder / line.strip()))
            elif ": " in line:
                owner = line.split(": ")[0]
                self.includes[owner] = set()

    def ninja(self, tool, *arguments):
        return subprocess.run(["ninja", "-C", str(self.folder), "--quiet", "-t", tool, *arguments], check=True,
                              capture_output=True, text=True).stdout

    def precompiled(self, words):
        return os.path.relpath(words[words.index("-include-pch") + 2], self.folder) if "-include-pch" in words else None

    def objects_with(self, target, file):
        """The objects of `target` in which there is code of `file`: its name stands in their tables of lines."""
        found = []
        for name in self.ninja("inputs", target).splitlines():
            if name not in self.commands:
                continue
            words, source = self.commands[name]
            if source == str(file):
                found.append(name)
            elif str(file) in self.includes.get(name, ()) or str(file) in self.includes.get(self.precompiled(words), ()):
                if b"\0" + file.name.encode() + b"\0" in (self.folder / name).read_bytes():
                    found.append(name)
        return found


def compile_mutated(tree, name, file, overlay, out):
    words, _ = tree.commands[name]
    words = list(words)
    words[words.index("-o") + 1] = str(out)
    if str(file) in tree.includes.get(tree.precompiled(words), ()):
        at = words.index("-include-pch")
        del words[at - 1:at + 3]
    return subprocess.run([*words, "-ivfsoverlay", str(overlay)], cwd=tree.folder, capture_output=True, text=True)


def link(tree, target, replaced, out):
    """As the build links it, with `replaced` (object -> other object) in their place or before the libraries."""
    command = tree.ninja("commands", target).strip().splitlines()[-1]
    words = shlex.split(command.removeprefix(": && ").removesuffix(" && :"))
    extra = [str(new) for old, new in replaced.items() if old not in words]
    words = [str(replaced.get(word, word)) for word in words]
    at = words.index("-o")
    words[at + 1] = str(out)
    return subprocess.run(words[:at] + extra + words[at:], cwd=tree.folder, capture_output=True, text=True)


def failing_test(tree, binary, test, **env):
    """The name of the first test that failed, or None. A crash and a hang are failures too."""
    process = subprocess.Popen([str(binary), "--gtest_filter=" + test, "--gtest_fail_fast"], cwd=tree.folder,
                               env={**os.environ, **SEEDS, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
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


def judge(tree, mutant, scratch):
    def stale(why):
        print(f"STALE   {mutant['name']}: {why}", flush=True)
        return 2

    file = ROOT / mutant["file"]
    text = file.read_text() if file.is_file() else ""
    if text.count(mutant["text"]) != 1:
        return stale(f"its text stands {text.count(mutant['text'])} times in {mutant['file']}")
    copy, overlay = scratch / file.name, scratch / "overlay.json"
    copy.write_text(text.replace(mutant["text"], mutant["instead"]))
    overlay.write_text(json.dumps({"version": 0, "use-external-names": False, "roots": [
        {"type": "file", "name": str(file), "external-contents": str(copy)}]}))
    replaced = {}
    for n, name in enumerate(tree.objects_with(mutant["target"], file)):
        replaced[name] = scratch / f"{n}.o"
        done = compile_mutated(tree, name, file, overlay, replaced[name])
        if done.returncode:
            return stale("does not compile: " + next((e for e in done.stderr.splitlines() if "error" in e), ""))
    if not replaced:
        return stale(f"{mutant['target']} has no code of {mutant['file']}")
    binary = scratch / mutant["target"]
    done = link(tree, mutant["target"], replaced, binary)
    if done.returncode:
        return stale("does not link: " + done.stderr[:300])
    caught = failing_test(tree, binary, mutant["filter"])
    objects = f"{len(replaced)} object" + ("s" if len(replaced) > 1 else "")
    print(f"caught: {mutant['name']} (by {caught}; {objects})" if caught else f"SURVIVED {mutant['name']} ({objects})", flush=True)
    return 0 if caught else 1


def todays(mutants):
    """Those that a change since the last landing concerns, and a third of the others."""
    changed = subprocess.run([ROOT / "scripts/changed-files"], check=True, capture_output=True, text=True).stdout.split()
    base = subprocess.run(["git", "show", os.environ.get("WEIR_BASE", "origin/main") + ":tests/mutants/mutants.py"],
                          cwd=ROOT, capture_output=True, text=True)
    known = base.stdout if base.returncode == 0 else ""
    day = int(time.time() // 86400)

    def concerns(mutant):
        folder = mutant["target"].removeprefix("weir_").removesuffix("_test").removesuffix("_random").replace("connector_", "connectors/")
        folder = folder if "/" in folder else "engine/" + folder
        return mutant["file"] in changed or mutant["name"] not in known or any(
            f.startswith(folder + "/") and "test" in os.path.basename(f) for f in changed)

    return [m for n, m in enumerate(mutants) if concerns(m) or n % 3 == day % 3]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="not only what has changed and a third of the others")
    parser.add_argument("--only", default="", help="mutants with this word in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants that are worked on at the same time")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--targets", action="store_true", help="print the tests that have to be built, and nothing else")
    args = parser.parse_args()
    if args.targets:
        print(" ".join(sorted({m["target"] for m in MUTANTS})))
        return
    mutants = [m for m in MUTANTS if args.only in m["name"]]
    if not mutants:
        parser.error(f"no mutant has {args.only} in its name")
    if not (args.all or args.only):
        mutants = todays(mutants)
    started = time.monotonic()
    tree = Tree(args.build.resolve())
    useless = set()
    for target, test in sorted({(m["target"], m["filter"]) for m in mutants}):
        if (failed := failing_test(tree, tree.folder / target, test, WEIR_MODEL_CASES="300")):
            print(f"USELESS {failed} of {target} fails without any mutant: what it should catch is not tried", flush=True)
            useless.add((target, test))

    def judge_in_a_folder(mutant):
        if (mutant["target"], mutant["filter"]) in useless:
            return 2
        with tempfile.TemporaryDirectory(prefix="weir-mutant-") as scratch:
            return judge(tree, mutant, pathlib.Path(scratch))

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(judge_in_a_folder, mutants))
    print(f"{results.count(0)} of {len(results)} caught ({len(MUTANTS)} there are) in {time.monotonic() - started:.0f} s")
    sys.exit(max(results, default=2))


if __name__ == "__main__":
    main()
