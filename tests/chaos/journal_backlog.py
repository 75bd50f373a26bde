"""P2 behind a journal: a backlog far larger than memory is opened, served and drained within the number that is set.

A journal is filled while nobody reads it. Then the process starts with `memory: 64MiB` in a cgroup of 24 MiB more, with a sink
that reads it all into a file, while new requests keep coming:

  it is ready at once (5 s), not killed, and sockets included never above the cgroup's limit
  new requests are answered while it drains
  every acknowledged event is in the file, in the order of the journal, once

    journal_backlog.py WEIR      WEIR_BACKLOG_MIB (2048; with WEIR_LONG=1 20480), or a quarter of the free space
"""
import http.client
import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cgroup import Cgroup  # noqa: E402
from weir_process import Weir, eventually, run_or_skip, set_binary, skip  # noqa: E402

LONG = os.environ.get("WEIR_LONG") == "1"
MIB = 1 << 20
MEMORY, MARGIN = 64 * MIB, 24 * MIB
WANTED_MIB = int(os.environ.get("WEIR_BACKLOG_MIB", 20480 if LONG else 2048))
EVENT, EVENTS, SENDERS = 1000, 400, 4
CONFIG = """
memory: 64MiB
reactors: 1
sources:
  orders: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, max_body: 512KiB, receive_buffer: 64KiB, ack_timeout: 30s }
journals:
  ingest: { type: disk, from: [orders], path: "@DIR/ingest", max_bytes: @MOSTMiB }
admin: { listen: "@ADMIN" }
"""
SINK = """
sinks:
  out: { type: file, from: [ingest], path: "@DIR/out.ndjson", on_failure: drop }
"""


def body(number, n, events):
    return b"".join((b'{"id":"%d-%d-%d","load":"' % (number, n, i)).ljust(EVENT - 3, b"x") + b'"}\n' for i in range(events))


def post(connection, text):
    connection.request("POST", "/events", body=text)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def fill(address, number, wanted, acked):
    """Until so many bytes are acknowledged; `acked` holds the first and the last event of each request."""
    connection, sent, n = http.client.HTTPConnection(*address, timeout=60), 0, 0
    while sent < wanted:
        n += 1
        if post(connection, body(number, n, EVENTS)) == 200:
            acked.append((number, n, EVENTS))
            sent += EVENTS * EVENT
        else:
            time.sleep(0.02)


class Newcomer(threading.Thread):
    """Small requests, one after the other, as long as the backlog is drained."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.over = address, threading.Event()
        self.acked, self.answers, self.seconds = [], {}, []

    def run(self):
        connection, n = http.client.HTTPConnection(*self.address, timeout=60), 0
        while not self.over.wait(0.02):
            n += 1
            began = time.monotonic()
            status = post(connection, body(SENDERS, n, 10))
            self.seconds.append(time.monotonic() - began)
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == 200:
                self.acked.append((SENDERS, n, 10))


def make_backlog(config, folder, wanted):
    weir, acked = Weir(config, folder).start(), []
    try:
        threads = [threading.Thread(target=fill, args=(weir.address, n, wanted / SENDERS, acked)) for n in range(SENDERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert weir.stop() == 0, weir.log()
    finally:
        weir.kill()
    return acked


def drain(config, folder, group, backlog):
    """A life in the cgroup, until all of it is in the file; its newcomers and its figures."""
    began = time.monotonic()
    weir = Weir(config + SINK, folder, preexec=group.join).start()
    ready = time.monotonic() - began
    newcomer, out = Newcomer(weir.address), os.path.join(folder, "out.ndjson")
    try:
        newcomer.start()
        began = time.monotonic()

        def drained():
            group.sample()
            time.sleep(0.05)
            assert not weir.exited(), f"it ended with {weir.process.returncode}, {group.kills()} killed for memory:\n{weir.log()}"
            return os.path.exists(out) and os.path.getsize(out) >= backlog

        eventually(drained, lambda: f"{os.path.getsize(out)} of {backlog} bytes drained:\n{weir.log()}", 60 + backlog / (10 * MIB))
        took = time.monotonic() - began
        newcomer.over.set()
        newcomer.join(60)
        kills = group.kills()
        assert weir.stop(60) == 0, weir.log()
        assert "every event is accounted for" in weir.log(), weir.log()
    finally:
        weir.kill()
    return newcomer, ready, took, kills


def judge(path, acked):
    """What was acknowledged against the file: each event once, those of a request in their order."""
    wanted = {f"{number}-{n}": events for number, n, events in acked}
    seen, wrong = {}, []
    with open(path, "rb", buffering=MIB) as f:
        for line in f:
            request, at = line[7:line.index(b'"', 7)].decode().rsplit("-", 1)
            if int(at) != seen.get(request, 0) or len(line) != EVENT:
                wrong.append(f"event {at} of request {request} stands where {seen.get(request, 0)} is due")
            seen[request] = int(at) + 1
    return wrong + [f"request {r}: {seen.get(r, 0)} of {n} events are there" for r, n in wanted.items() if seen.get(r) != n]


def main():
    set_binary(sys.argv[1])
    group = Cgroup("weir-backlog-test", MEMORY + MARGIN)
    if group.why_not:
        skip(group.why_not)
    folder = tempfile.mkdtemp(prefix="weir-backlog-")
    # The journal and the file it is drained into.
    mib = min(WANTED_MIB, int(shutil.disk_usage(folder).free / MIB / 4))
    config = CONFIG.replace("@MOST", str(2 * mib + 64))
    try:
        began = time.monotonic()
        acked = make_backlog(config, folder, mib * MIB)
        filled = time.monotonic() - began
        newcomer, ready, took, kills = drain(config, folder, group, len(acked) * EVENTS * EVENT)
        wrong = judge(os.path.join(folder, "out.ndjson"), acked + newcomer.acked)
    finally:
        shutil.rmtree(folder)
        group.remove()
    slowest = sorted(newcomer.seconds)
    answered, asked = newcomer.answers.get(200, 0), len(slowest)
    print(f"{mib} of {WANTED_MIB} MiB of backlog in {filled:.0f} s; ready after {ready:.2f} s, drained in {took:.1f} s ({mib / took:.0f} MiB/s)\n"
          f"cgroup version {1 if group.v1 else 2}: at most {group.peak / MIB:.1f} of {group.limit / MIB:.0f} MiB, sockets included ({group.peak_sockets / MIB:.1f})\n"
          f"meanwhile {asked} requests, answers {newcomer.answers}, median {slowest[asked // 2] * 1e3:.0f} ms, p99 {slowest[asked * 99 // 100] * 1e3:.0f} ms")
    assert kills == 0, f"{kills} processes were killed for memory"
    assert group.peak <= group.limit, f"{group.peak} bytes are above the limit of {group.limit}"
    assert ready < 5, f"it took {ready:.1f} s to open {mib} MiB"
    assert asked > 10 and answered >= 0.9 * asked, f"{answered} of {asked} new requests were taken while it drained"
    assert not wrong, f"{len(wrong)} findings: {wrong[:5]}"
    print("passed")


if __name__ == "__main__":
    run_or_skip(main)
