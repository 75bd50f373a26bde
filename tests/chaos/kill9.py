"""P1: what is acknowledged as stored survives kill -9.

An oracle. Clients send batches of events with unique ids to a flow with `acks: stored` into SQLite and a file at once, while the
process is killed: at random instants, at starting, and at every crash point named in the source, each at least five
times. Clients behave as real ones do: some send again what nobody answered, some give it up. After the last restart:

  SQLite   holds every acknowledged id exactly once, no id that was not sent, every event byte for byte
  the file holds every acknowledged id, no id that was not sent, no id more often than its request was sent, no torn line
  .torn    (what a start has cut off the file) holds beginnings of events that were sent, and nothing else

    kill9.py WEIR [--points SOURCE]      SOURCE: where to look for crash points; without it only random instants

WEIR_CHAOS_ROUNDS (random rounds), WEIR_CHAOS_PER_POINT and WEIR_CHAOS_SEED change what is done; the seed is printed.
"""
import collections
import glob
import http.client
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from weir_process import Weir, eventually, free_port, set_binary  # noqa: E402

CLIENTS = 6
CONFIG = """
memory: 96MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, max_body: 64KiB, ack_timeout: 10s }
sinks:
  database: { type: sqlite, from: [in], path: "@DIR/events.db" }
  log: { type: file, from: [in], path: "@DIR/events.ndjson", rotate_size: 8KiB }
admin: { listen: "@ADMIN" }
"""


def event(id):
    return json.dumps({"id": id, "load": "x" * (len(id) * 7 % 50)})


class Request:
    def __init__(self, ids, round):
        self.ids, self.round = ids, round
        self.sent = 0


class Client:
    """Sends one request after the other; what nobody answered it sends again, or gives up, as its dice say."""

    def __init__(self, number, seed):
        self.name, self.dice = f"c{number}", random.Random(f"{seed}/{number}")
        self.acked, self.abandoned, self.again = [], [], []
        self.trouble = []
        self.made = 0

    def next(self, round):
        if self.again:
            return self.again.pop()
        self.made += 1
        return Request([f"{self.name}-{self.made}-{i}" for i in range(self.dice.choice((1, 1, 3, 10, 40)))], round)

    def run(self, address, round, over):
        connection = http.client.HTTPConnection(*address, timeout=15)
        while not over.is_set():
            if not self.exchange(connection, self.next(round)):
                connection.close()
                over.wait(0.005)
        connection.close()

    def exchange(self, connection, request):
        body = "\n".join(event(id) for id in request.ids).encode()
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            self.again.append(request)  # it never left
            return False
        request.sent += 1
        try:
            connection.request("POST", "/events", body=body)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            (self.again if self.dice.random() < 0.7 else self.abandoned).append(request)
            return False
        if answer.status == 200:
            self.acked.append(request)
        elif answer.status == 503:
            self.again.append(request)
        else:
            self.trouble.append(f"{self.name}: an answer nobody expected: {answer.status} to {len(request.ids)} events")
        return True

    def drain(self, address):
        """After the last restart: everything that is still wanted arrives."""
        connection = http.client.HTTPConnection(*address, timeout=15)
        deadline = time.monotonic() + 60
        while self.again and time.monotonic() < deadline:
            if not self.exchange(connection, self.again.pop()):
                connection.close()
        connection.close()

    def requests(self):
        return self.acked + self.abandoned + self.again


class Chaos:
    prefix = "weir-kill9-"

    def __init__(self, seed):
        self.folder = tempfile.mkdtemp(prefix=self.prefix)
        self.seed, self.dice = seed, random.Random(seed)
        self.clients = [Client(n, seed) for n in range(CLIENTS)]
        self.address = ("127.0.0.1", free_port())
        self.round = 0
        self.deaths = collections.Counter()

    def start(self, crash_at=None):
        env = {"WEIR_CRASH_AT": crash_at} if crash_at else {}
        self.weir = Weir(CONFIG, self.folder, env=env, http=self.address)
        self.weir.spawn()

    def play(self, until_dead):
        """Clients against one life of the process."""
        self.round += 1
        over = threading.Event()
        threads = [threading.Thread(target=c.run, args=(self.address, self.round, over)) for c in self.clients]
        up = eventually(lambda: self.weir.exited() and "dead" or self.weir.ready() and "ready", self.weir.log)
        if up == "ready":
            for t in threads:
                t.start()
        until_dead()
        over.set()
        for t in threads if up == "ready" else []:
            t.join()
        code = self.weir.process.returncode
        if code != -signal.SIGKILL:
            raise SystemExit(f"round {self.round}: ended with {code} and not by kill -9:\n{self.weir.log()}")
        self.weir.process.stderr.close()

    def at_point(self, name):
        visit = self.dice.randint(1, 3 if "rotate" in name or "rename" in name or "dir" in name else 25)
        self.start(f"{name}:{visit}")
        try:
            self.play(lambda: eventually(self.weir.exited, lambda: f"it dies at {name}:{visit}\n{self.weir.log()}", 60))
        finally:
            self.weir.kill()
        self.deaths[name] += 1

    def life(self):
        return self.dice.uniform(0, 0.4)

    def at_random(self):
        self.start()
        if self.dice.random() < 0.1:  # while it starts
            time.sleep(self.dice.uniform(0, 0.03))
            self.weir.kill()
            self.round += 1
            self.deaths["starting"] += 1
            return

        def kill():
            time.sleep(self.life())
            self.weir.process.kill()
            self.weir.wait()

        self.play(kill)
        self.deaths["random"] += 1

    def end(self):
        """The last restart, then a stop that has to leave nothing."""
        self.start()
        eventually(lambda: self.weir.ready() or self.weir.exited(), self.weir.log)
        for client in self.clients:
            client.drain(self.address)
        self.weir.assert_balanced()
        code = self.weir.stop()
        assert code == 0, (code, self.weir.log())
        assert "every event is accounted for" in self.weir.log(), self.weir.log()


def judge(chaos):
    """What was promised against what is there; the findings, one line each."""
    acked, times = {}, {}
    for client in chaos.clients:
        for request in client.requests():
            times.update((id, request.sent) for id in request.ids)
        for request in client.acked:
            acked.update((id, request) for id in request.ids)
    wrong = [line for client in chaos.clients for line in client.trouble]
    rows = sqlite3.connect(os.path.join(chaos.folder, "events.db")).execute("select id, event from events").fetchall()
    stored = collections.Counter(id for id, _ in rows)
    wrong += [f"SQLite: {id} was acknowledged in round {r.round} or later and is lost" for id, r in acked.items() if id not in stored]
    wrong += [f"SQLite: {id} was never sent" for id in stored if not times.get(id)]
    wrong += [f"SQLite: {id} stands there {n} times" for id, n in stored.items() if n > 1]
    wrong += [f"SQLite: {id} was altered: {text}" for id, text in rows if text != event(id)]
    lines = collections.Counter()
    for name in glob.glob(os.path.join(chaos.folder, "events.ndjson*")):
        if name.endswith(".torn"):  # what a start has moved there: the beginning of an event that a kill has cut off
            with open(name) as f:
                wrong += [f"file: {name} holds what nobody sent: {line!r}" for line in f
                          if not any(event(id).startswith(line.rstrip("\n")) for id in times)]
            continue
        with open(name) as f:
            for number, line in enumerate(f, 1):
                id = json.loads(line)["id"] if line.startswith('{"id"') and line.endswith("}\n") else None
                if id is None or line != event(id) + "\n":
                    wrong.append(f"file: {name}:{number} is torn: {line!r}")
                else:
                    lines[id] += 1
    wrong += [f"file: {id} was acknowledged in round {r.round} or later and is lost" for id, r in acked.items() if id not in lines]
    wrong += [f"file: {id} stands there {n} times and was sent {times.get(id, 0)} times" for id, n in lines.items() if n > times.get(id, 0)]
    doubled = sum(1 for n in lines.values() if n > 1)
    print(f"{len(times)} ids sent, {len(acked)} acknowledged, {len(stored)} in SQLite, {len(lines)} in the file; "
          f"{doubled} stand twice in the file, all of requests sent again; "
          f"{len(set(stored) - set(acked))} are there though nobody was told", flush=True)
    return wrong, acked


def chosen_seed():
    return os.environ.get("WEIR_CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))


def all_crash_points(source):
    found = set()
    for folder in ("connectors", "engine", "lib"):
        for name in glob.glob(os.path.join(source, folder, "**", "*.cc"), recursive=True):
            if not name.endswith("_test.cc"):
                with open(name) as f:
                    found.update(re.findall(r'crash_point\("([^"]+)"\)', f.read()))
    assert found, f"no crash points in {source}"
    return sorted(found)


def crash_points(source):
    """Those of this configuration: follow.py reads files, journal_kill9.py has a journal, e2e/ingestion_faults.py a database."""
    return [p for p in all_crash_points(source) if not p.startswith(("file_source.", "journal.", "postgres."))]


def rounds(chaos, points, per_point, at_random, judge):
    """Kills it at every point and at random instants, in any order, and judges what is there at the end."""
    plan = [p for p in points for _ in range(per_point)] + [None] * at_random
    chaos.dice.shuffle(plan)
    print(f"seed {chaos.seed}: {len(plan)} rounds, {len(points)} crash points, in {chaos.folder}", flush=True)
    began = time.monotonic()
    for n, point in enumerate(plan, 1):
        chaos.at_point(point) if point else chaos.at_random()
        if n % 10 == 0:
            print(f"  round {n}: {sum(len(c.acked) for c in chaos.clients)} requests acknowledged, {time.monotonic() - began:.0f} s", flush=True)
    chaos.end()
    print("killed at: " + ", ".join(f"{name} {n}" for name, n in sorted(chaos.deaths.items())))
    wrong, acked = judge(chaos)
    assert acked, "nothing was acknowledged: the test shows nothing"
    for point in points:
        assert chaos.deaths[point] >= min(5, per_point), f"{point} was hit {chaos.deaths[point]} times"
    if wrong:
        print("\n".join(wrong[:50]) + f"\nFAILED: {len(wrong)} findings, seed {chaos.seed}, kept in {chaos.folder}")
        sys.exit(1)
    shutil.rmtree(chaos.folder)
    print(f"passed in {time.monotonic() - began:.0f} s")


def points_wanted(crash_points):
    return crash_points(sys.argv[3]) if sys.argv[2:3] == ["--points"] else []


def main():
    set_binary(sys.argv[1])
    points = points_wanted(crash_points)
    per_point = int(os.environ.get("WEIR_CHAOS_PER_POINT", "8"))
    at_random = int(os.environ.get("WEIR_CHAOS_ROUNDS", max(60, 140 - len(points) * per_point)))
    rounds(Chaos(chosen_seed()), points, per_point, at_random, judge)


if __name__ == "__main__":
    main()
