"""P1 behind a journal: what is acknowledged once it is committed reaches every consumer, whatever kills the process.

Clients as in kill9.py, a source with `acks: stored` into a journal, and three consumers of it, each with a place of its
own: two files and SQLite, which is held up in a part of the rounds so that it falls behind. The process is killed at random
instants, at starting, and at every crash point of the journal, each at least five times. After the last restart, and when everybody
has read to the end:

  each consumer    holds every acknowledged id, no id that was not sent, every event as it was sent, no torn line
  SQLite           exactly once
  the files        no id more often than it was sent, plus once for each crash that found it stored and behind the
                   consumer's saved place: what at-least-once allows, and counted

    journal_kill9.py WEIR [--points SOURCE]      as kill9.py; WEIR_LONG=1: 200 rounds
"""
import collections
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import journal_files  # noqa: E402
import kill9  # noqa: E402
from stalls import Locked  # noqa: E402
from weir_process import Weir, eventually, set_binary  # noqa: E402

LONG = os.environ.get("WEIR_LONG") == "1"
FILES, PER_POINT = ("a", "c"), 5
# Small segments, so that a second of load fills many and gives many up.
CONFIG = """
memory: 128MiB
sources:
  orders: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, max_body: 64KiB, ack_timeout: 10s }
journals:
  ingest: { type: disk, from: [orders], path: "@DIR/ingest", max_bytes: 64MiB, segment: 64KiB }
sinks:
  a: { type: file, from: [ingest], path: "@DIR/a.ndjson", on_failure: drop }
  b: { type: sqlite, from: [ingest], path: "@DIR/events.db", on_failure: drop }
  c: { type: file, from: [ingest], path: "@DIR/c.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""


class Client(kill9.Client):
    """Leaves the sinks time to keep up, and the judge little enough to read."""

    def exchange(self, connection, request):
        time.sleep(0.01)
        return super().exchange(connection, request)


class Lines:
    """How often each id stands in a file that grows."""

    def __init__(self, path):
        self.path, self.read_to = path, 0
        self.times, self.torn = collections.Counter(), []

    def read_on(self, to_the_end=False):
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as f:
            f.seek(self.read_to)
            new = f.read()
        # What a kill cut short is taken away by the next start.
        whole = new if to_the_end else new[: new.rfind(b"\n") + 1]
        self.read_to += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            parts = line.split('"', 4)
            if len(parts) > 3 and line == kill9.event(parts[3]):
                self.times[parts[3]] += 1
            else:
                self.torn.append(f"{self.path} holds what nobody sent: {line!r}")


class JournalChaos(kill9.Chaos):
    prefix = "weir-journal-kill9-"

    def __init__(self, seed):
        super().__init__(seed)
        self.clients = [Client(n, seed) for n in range(kill9.CLIENTS)]
        self.files = {name: Lines(os.path.join(self.folder, f"{name}.ndjson")) for name in FILES}
        self.journal = os.path.join(self.folder, "ingest")
        self.database = os.path.join(self.folder, "events.db")
        self.may_hold_up = True
        self.again = {name: collections.Counter() for name in FILES}  # what a consumer may get once more
        self.windows = {name: [] for name in FILES}

    def start(self, crash_at=None):
        env = {"WEIR_CRASH_AT": crash_at} if crash_at else {}
        self.weir = Weir(CONFIG, self.folder, env=env, http=self.address)
        self.weir.spawn()

    def play(self, until_dead):
        locked = None
        if self.may_hold_up and self.dice.random() < 0.3 and os.path.exists(self.database):
            eventually(lambda: self.weir.exited() or self.weir.ready(), self.weir.log)
            locked = lock(self.database)
        try:
            super().play(until_dead)
        finally:
            if locked:
                locked.release()
        self.note_windows()

    def note_windows(self):
        """What each file holds already though its place was not saved behind it."""
        for name, file in self.files.items():
            file.read_on()
            place = journal_files.cursor(self.journal, name)
            if place is None:
                continue
            behind = [json.loads(line)["id"] for _, line in journal_files.events(self.journal, place)]
            twice = [id for id in behind if id in file.times]
            self.again[name].update(twice)
            self.windows[name].append(len(twice))

    def life(self):
        """Some longer than the second in which cursors are saved: a place that is saved too far shows only then."""
        return self.dice.uniform(0, 0.4) if self.dice.random() < 0.6 else self.dice.uniform(0.9, 1.6)

    def at_random(self):
        early = self.deaths["starting"]
        super().at_random()
        if self.deaths["starting"] > early:
            self.note_windows()

    def at_point(self, name):
        slow = "cursor" in name or "retir" in name  # the keeper's, once a second
        visit = self.dice.randint(1, 3 if slow else 4 if "segment" in name else 60)
        self.may_hold_up = "retir" not in name  # nothing is given up while one of them stands still
        self.start(f"{name}:{visit}")
        try:
            self.play(lambda: eventually(self.weir.exited, lambda: f"it dies at {name}:{visit}\n{self.weir.log()}", 60))
        finally:
            self.weir.kill()
            self.may_hold_up = True
        self.deaths[name] += 1


def lock(path):
    try:
        return Locked(path)
    except sqlite3.OperationalError:  # not made yet, or busy
        return None


def judge(chaos):
    acked, times = {}, {}
    for client in chaos.clients:
        for request in client.requests():
            times.update((id, request.sent) for id in request.ids)
        for request in client.acked:
            acked.update((id, request) for id in request.ids)
    wrong = [line for client in chaos.clients for line in client.trouble]
    rows = sqlite3.connect(chaos.database).execute("select id, event from events").fetchall()
    wrong += [f"b: {id} was altered: {text}" for id, text in rows if text != kill9.event(id)]
    held = {"b": collections.Counter(id for id, _ in rows)}
    wrong += [f"b: {id} stands there {n} times" for id, n in held["b"].items() if n > 1]
    for name in FILES:
        chaos.files[name].read_on(to_the_end=True)
        held[name] = chaos.files[name].times
        wrong += chaos.files[name].torn
        wrong += [f"{name}: {id} stands there {n} times, was sent {times.get(id, 0)} times and may have been repeated "
                  f"{chaos.again[name][id]} times" for id, n in held[name].items() if n > times.get(id, 0) + chaos.again[name][id]]
    for name, ids in held.items():
        wrong += [f"{name}: {id} was acknowledged, first sent in round {r.round}, and is lost" for id, r in acked.items() if id not in ids]
        wrong += [f"{name}: {id} was never sent" for id in ids if not times.get(id)]
    for name in FILES:
        doubled, windows = sum(held[name].values()) - len(held[name]), sorted(chaos.windows[name])
        print(f"  {name}: {len(held[name])} ids, {doubled} repeats; a crash left {windows[len(windows) // 2]} events behind the saved "
              f"place in the middle, {windows[-1]} at most", flush=True)
        wrong += [] if windows[-1] else [f"{name}: no crash came between a delivery and its place: this shows little"]
    print(f"{len(times)} ids sent, {len(acked)} acknowledged, {len(rows)} in SQLite")
    return wrong, acked


def crash_points(source):
    """The journal's, of those in the source."""
    return [p for p in kill9.all_crash_points(source) if p.startswith("journal.")]


def main():
    set_binary(sys.argv[1])
    points = kill9.points_wanted(crash_points)
    per_point = int(os.environ.get("WEIR_CHAOS_PER_POINT", 10 if LONG else PER_POINT))
    at_random = int(os.environ.get("WEIR_CHAOS_ROUNDS", 200 - len(points) * per_point if LONG else 12))
    kill9.rounds(JournalChaos(kill9.chosen_seed()), points, per_point, at_random, judge)


if __name__ == "__main__":
    main()
