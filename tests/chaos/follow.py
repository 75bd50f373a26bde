"""P1 for files: every line that was written is found, whatever happens to the file and to the process.

An oracle. A writer appends numbered lines to a file that is followed with `acks: stored` into SQLite and a file, while the
file is rotated (also while it is still being written to), copied and truncated, truncated, deleted and made again, and the
process is stopped, and killed at random instants and at every crash point of the checkpoint. At the end:

  SQLite   holds every line's id exactly once, and no other
  the file holds every line's id, no other, no torn line; those that stand there twice are counted

Truncating loses what nobody has read yet, for every reader: so before the file is truncated or deleted while the process
is down the writer waits until its lines have arrived. Rotation waits for nothing, not even for the process to run.

Then a file of WEIR_FOLLOW_MIB is read at a budget of 16 MiB, all lines counted, and the memory it took printed.

    follow.py WEIR [--points]      WEIR_CHAOS_ROUNDS, WEIR_CHAOS_SEED, WEIR_FOLLOW_MIB change what is done;
                                   WEIR_LONG=1: 24 rounds and 2048 MiB instead of 8 and 512
"""
import collections
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from weir_process import Weir, eventually, sanitized, set_binary  # noqa: E402

LONG = os.environ.get("WEIR_LONG") == "1"
POINTS = ["file_source.before_checkpoint", "file_source.after_write", "file_source.after_sync", "file_source.after_rename"]
CONFIG = """
memory: 96MiB
sources:
  in: { type: file, path: "@DIR/app.log*", mode: follow, acks: stored, poll: 20ms, rotate_wait: 300ms, max_files: 1000, checkpoint: "@DIR/place" }
sinks:
  database: { type: sqlite, from: [in], path: "@DIR/events.db", on_failure: drop }
  log: { type: file, from: [in], path: "@DIR/out.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""


class Follow:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="weir-follow-")
        self.log = os.path.join(self.folder, "app.log")
        self.made = self.rotations = 0
        self.done = collections.Counter()
        self.out = open(self.log, "ab", buffering=0)

    def lines(self, n, end=True):
        for _ in range(n):
            self.made += 1
            line = json.dumps({"id": f"l-{self.made}", "load": "x" * self.dice.randrange(400)}).encode() + b"\n"
            cut = self.dice.randrange(len(line))
            if self.dice.random() < 0.05:  # a line that comes in two pieces
                self.out.write(line[:cut])
                time.sleep(0.002)
                line = line[cut:]
            self.out.write(line)

    def reopen(self):
        self.out.close()
        self.out = open(self.log, "ab", buffering=0)

    def start(self, crash_at=None):
        self.weir = Weir(CONFIG, self.folder, env={"WEIR_CRASH_AT": crash_at} if crash_at else {})
        self.weir.spawn()

    def arrived(self):
        """Everything written so far is in both sinks. False: the process died before."""
        eventually(lambda: self.weir.exited() or self.stored() == self.made == self.in_file(),
                   lambda: f"{self.made} lines arrive, {self.stored()} and {self.in_file()} did\n{self.weir.log()}", 60)
        return not self.weir.exited()

    def stored(self):
        try:
            with sqlite3.connect(f"file:{self.folder}/events.db?mode=ro", uri=True, timeout=5) as db:
                return db.execute("select count(*) from events").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def in_file(self):
        try:
            with open(f"{self.folder}/out.ndjson", "rb") as f:
                return len(set(re.findall(rb'"id": "(l-\d+)"[^\n]*\n', f.read())))
        except FileNotFoundError:
            return 0

    def rotate(self):
        self.rotations += 1
        os.rename(self.log, f"{self.log}.{self.rotations}")
        self.lines(self.dice.randrange(20))  # the writer has not noticed yet
        self.reopen()

    def copytruncate(self):
        if self.arrived():
            shutil.copy(self.log, os.path.join(self.folder, "copy"))
            os.truncate(self.log, 0)

    def delete(self):
        if self.arrived():
            os.remove(self.log)
            self.lines(self.dice.randrange(20) if not self.weir.exited() else 0)  # it is held open
            alive = self.arrived()
            self.reopen()
            if not alive:
                raise SystemExit("the process died while it alone held a deleted file: nothing can be said")

    def round(self, point):
        """One life of the process."""
        self.start(f"{point}:{self.dice.randint(1, 2)}" if point else None)
        eventually(lambda: self.weir.ready() or self.weir.exited(), self.weir.log)
        for _ in range(self.dice.randint(1, 4)):
            self.lines(self.dice.randrange(400))
            what = self.dice.choice((self.rotate, self.copytruncate, self.delete) if not point else (self.rotate,))
            what()
            self.done[what.__name__] += 1
            self.lines(self.dice.randrange(100))
        if point:
            eventually(self.weir.exited, lambda: f"it dies at {point}\n{self.weir.log()}", 30)
            self.done[point] += 1
        elif self.dice.random() < 0.3:
            assert self.weir.stop() == 0, self.weir.log()
            self.done["stop"] += 1
        else:
            time.sleep(self.dice.uniform(0, 0.2))
            self.weir.kill()
            self.done["kill"] += 1
        if self.weir.process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"ended with {self.weir.process.returncode}:\n{self.weir.log()}")
        self.lines(self.dice.randrange(50))  # while nobody looks
        if self.dice.random() < 0.3:
            self.rotate()

    def judge(self):
        wanted = {f"l-{n}" for n in range(1, self.made + 1)}
        with sqlite3.connect(f"{self.folder}/events.db") as db:
            stored = collections.Counter(json.loads(event)["id"] for (event,) in db.execute("select event from events"))
        found = collections.Counter()
        wrong = []
        with open(f"{self.folder}/out.ndjson") as f:
            for number, line in enumerate(f, 1):
                try:
                    found[json.loads(line)["id"]] += 1
                except ValueError:
                    wrong.append(f"out.ndjson:{number} is torn: {line[:80]!r}")
        for name, have in (("SQLite", stored), ("the file", found)):
            wrong += [f"{name}: {id} was written and is lost" for id in sorted(wanted - set(have))]
            wrong += [f"{name}: {id} was never written" for id in sorted(set(have) - wanted)]
        print(f"{self.made} lines written, {len(stored)} in SQLite ({sum(n - 1 for n in stored.values())} twice), "
              f"{len(found)} in the file ({sum(n - 1 for n in found.values())} twice); "
              + ", ".join(f"{what} {n}" for what, n in sorted(self.done.items())), flush=True)
        return wrong


def oracle(points):
    seed = os.environ.get("WEIR_CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))
    rounds = int(os.environ.get("WEIR_CHAOS_ROUNDS", "24" if LONG else "8"))
    follow = Follow(seed)
    plan = points * (2 if LONG else 1) + [None] * rounds
    follow.dice.shuffle(plan)
    print(f"seed {seed}: {len(plan)} rounds in {follow.folder}", flush=True)
    for point in plan:
        follow.round(point)
    follow.start()
    try:
        follow.arrived()
        follow.weir.assert_balanced()
        assert follow.weir.stop() == 0, follow.weir.log()
        assert "every event is accounted for" in follow.weir.log(), follow.weir.log()
    finally:
        follow.weir.kill()
    wrong = follow.judge()
    if wrong:
        print("\n".join(wrong[:50]) + f"\nFAILED: {len(wrong)} findings, seed {seed}, kept in {follow.folder}")
        sys.exit(1)
    shutil.rmtree(follow.folder)


def large_file(mib):
    folder = tempfile.mkdtemp(prefix="weir-large-")
    try:
        block = "".join(json.dumps({"id": "@BLOCK@-%04d" % n, "load": "x" * 220}) + "\n" for n in range(4096))
        per_block = block.count("\n")
        blocks = (mib << 20) // len(block)
        with open(os.path.join(folder, "large.log"), "w") as f:
            for n in range(blocks):
                f.write(block.replace("@BLOCK@", "%07d" % n))
        config = """
memory: @MEMORY
sources: { in: { type: file, path: "@DIR/large.log", acks: stored, max_files: 1, max_unsettled: 4MiB } }
sinks: { out: { type: blackhole, from: [in], pretend: durable, on_failure: drop } }
admin: { listen: "@ADMIN" }
reactors: 1
"""
        limit, last = 64, 0
        while limit != last:  # what its parts take, some of them by how much there is: the rest is what sources may fill
            probe, last = Weir(config.replace("@MEMORY", f"{limit}MiB"), folder), limit
            try:
                limit = -(-probe.start().ask("/api/graph")["memory"]["footprints"] // (1 << 20)) + 16
            finally:
                probe.kill()
            for name in os.listdir(folder):
                if "checkpoint" in name:
                    os.remove(os.path.join(folder, name))
        w = Weir(config.replace("@MEMORY", f"{limit}MiB"), folder)
        try:
            began = time.monotonic()
            w.start()
            budget = w.ask("/api/graph")["memory"]["budget"]
            assert budget <= 17 << 20, budget
            eventually(lambda: w.graph(source="in")["in"] >= blocks * per_block, lambda: str(w.ledger()), 600)
            took = time.monotonic() - began
            w.assert_balanced(60)
            with open(f"/proc/{w.process.pid}/status") as status:
                peak = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024
            assert w.graph(source="in")["in"] == blocks * per_block
            assert w.stop() == 0, w.log()
            print(f"{mib} MiB, {blocks * per_block} lines read in {took:.1f} s; most memory resident {peak:.1f} MiB; "
                  f"memory: {limit}MiB, of which sources may fill {budget / (1 << 20):.1f} MiB", flush=True)
            assert sanitized() or peak < limit, f"{peak:.1f} MiB resident, the limit set is {limit} MiB"
        finally:
            w.kill()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    set_binary(sys.argv[1])
    oracle(POINTS if "--points" in sys.argv[2:] else [])
    large_file(int(os.environ.get("WEIR_FOLLOW_MIB", "2048" if LONG else "512")))
