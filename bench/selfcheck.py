"""A floor that loses what it answered would flatter nobody: every acked id has to be found, every found id was sent.

Once with a server that is stopped in good order and once with one that is killed with -9 in the middle of the load.
"""

import json
import signal
import sqlite3
import threading
from pathlib import Path

from servers import BenchError

REQUESTS, KILLED_REQUESTS, EVENTS, CONNECTIONS, KILL_AFTER_S = 3000, 200_000, 20, 32, 0.3
STORES = {"file": "out", "sqlite": "out", "http_file.yaml": "out.ndjson", "http_sqlite.yaml": "out.db"}


def stored_ids(path):
    if path.read_bytes()[:6] == b"SQLite":
        with sqlite3.connect(path) as db:
            return [row[0] for row in db.execute("SELECT id FROM events")]
    # A line that a kill cut short was never answered.
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line)["id"] for line in whole.splitlines()]


def acked_ids(path):
    for line in path.read_text().splitlines():
        first, last = map(int, line.split())
        for n in range(first, last + 1):
            yield f"check-{n:012d}"


def check(tools, kind, kill):
    requests = KILLED_REQUESTS if kill else REQUESTS
    with tools.server(kind) as server:
        acked = server.folder / "acked"
        killer = threading.Timer(KILL_AFTER_S, server.process.send_signal, [signal.SIGKILL])
        if kill:
            killer.start()
        try:
            tools.load(server, EVENTS, requests, "check", connections=CONNECTIONS, acked=acked, seconds=20)
        except BenchError:
            if not kill:  # a load whose server is killed cannot connect again: that is how it notices
                raise
        killer.cancel()
        server.stop()
        promised = set(acked_ids(acked))
        found = stored_ids(server.folder / STORES[kind])
    lost, doubled = len(promised - set(found)), len(found) - len(set(found))
    foreign = sum(1 for i in found if not i.startswith("check-") or int(i[6:]) >= requests * EVENTS)
    # A kill that came before the first answer or after the last has shown nothing.
    shown = 0 < len(promised) < requests * EVENTS if kill else len(promised) == requests * EVENTS
    good = shown and not lost and not foreign and not doubled
    why_not = "" if good else "  FAILED"
    if not shown:
        why_not += f": answering {len(promised)} of {requests * EVENTS} shows nothing"
    print(f"{kind:<18} {'killed' if kill else 'stopped':<8} answered {len(promised):>6}, found {len(found):>6}: "
          f"{lost} lost, {foreign} foreign, {doubled} doubled{why_not}")
    return good


def run(tools):
    kinds = [k for k in STORES if not k.endswith(".yaml") or Path(tools.weir).exists()]
    good = [check(tools, kind, kill) for kind in kinds for kill in (False, True)]
    return 0 if all(good) else 1
