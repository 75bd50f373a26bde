#!/usr/bin/env python3
"""Ten tenants over HTTP, one of them with fifty times the load of its share: what does each get?

A destination that takes 20 ms an event, four at a time: 200 requests a second, so a share is 20. Nine tenants send 10 a
second each, one after the other on a schedule, so that slow answers cost them requests; the tenth has 100 clients that
send without pause. The table has a row for the nine together, one for the flood, and the sum, without guards and with
them; and what Weir spent of the CPU for each event that was stored and for each request that it answered. The destination
and the flood are processes of their own, so that neither slows the other, or the nine, but by the machine's cores.
Wall-clock figures: read, never judged.

Usage: bench/tenants.py WEIR [--seconds 10]
"""
import argparse
import http.client
import multiprocessing
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
import weir_process  # noqa: E402
from clients import events, ndjson, post  # noqa: E402
from http_server import OtherSide, Reply  # noqa: E402

CONFIG = """
memory: 256MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 256, client_key: X-Tenant%s }
sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:%d/in", workers: 4, batch: { max_events: 1 } }
admin: { listen: "@ADMIN" }
"""
CASES = {
    "no guards": "",
    "concurrency: 6, 100 ms": ", guards: { concurrency: { limit: 6, max_wait: 100ms } }",
    "the same and fairness": ", guards: { concurrency: { limit: 6, max_wait: 100ms }, fairness: { key: 'header:X-Tenant' } }",
    "adaptive and fairness": ", guards: { fairness: { key: 'header:X-Tenant' } }",
}
CALM, PER_SECOND, FLOOD = 9, 10, 100


class Tally:
    """What was answered until a moment: what comes after it, from queues that are full then, is no throughput."""

    def __init__(self, until):
        self.lock, self.stored, self.refused, self.times, self.until = threading.Lock(), 0, 0, [], until

    def take(self, other):
        self.stored, self.refused = self.stored + other[0], self.refused + other[1]
        self.times += other[2]

    def note(self, status, took):
        with self.lock:
            if time.monotonic() > self.until:
                return
            self.stored += status == 200
            self.refused += status != 200
            if status == 200:
                self.times.append(took)

    def row(self, name, seconds, wanted=0):
        times = sorted(self.times) or [0]
        p = [1000 * times[min(len(times) - 1, int(q * len(times)))] for q in (0.5, 0.99)]
        kept = 100 * self.stored / (wanted or max(1, self.stored + self.refused))
        return f"  {name:<16}{self.stored / seconds:8.1f}/s{kept:8.1f} %{p[0]:9.0f} ms{p[1]:9.0f} ms"


def send(address, tenant, n, tally, connection):
    began = time.monotonic()
    answer = post(address, ndjson(events(f"{tenant}-{n}", 1)), connection=connection, x_tenant=tenant)
    tally.note(answer.status, time.monotonic() - began)
    return answer


def calm(address, tenant, seconds, tally):
    own, began = http.client.HTTPConnection(*address, timeout=60), time.monotonic()
    for n in range(int(seconds * PER_SECOND)):
        time.sleep(max(0, began + n / PER_SECOND - time.monotonic()))
        if time.monotonic() - began > seconds:
            return
        send(address, tenant, n, tally, own)


def flood(address, client, over, tally):
    own, n = http.client.HTTPConnection(*address, timeout=60), 0
    while not over.is_set():
        n += 1
        if send(address, "flood", client * 10**6 + n, tally, own).status != 200:
            over.wait(0.1)  # 1000 a second of refused ones, which is 50 times a share


def destination(told):
    side = OtherSide(lambda n, ids: Reply(200, hang=0.02 * len(ids)))
    told.send(side.port)
    told.recv()
    side.close()


def flooding(address, until, told):
    over, tally = threading.Event(), Tally(until)
    threads = [threading.Thread(target=flood, args=(address, i, over, tally)) for i in range(FLOOD)]
    for thread in threads:
        thread.start()
    told.recv()
    over.set()
    for thread in threads:
        thread.join()
    told.send((tally.stored, tally.refused, tally.times))


class Beside:
    """A function in a process of its own, and the end of a pipe to it."""

    def __init__(self, run, *args):
        self.told, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=run, args=(*args, other), daemon=True)
        self.process.start()

    def end(self, answers=False):
        self.told.send("over")
        answer = self.told.recv() if answers else None
        self.process.join()
        return answer


def cpu_of(weir):
    with open(f"/proc/{weir.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def play(guards, seconds):
    side = Beside(destination)
    port = side.told.recv()
    with tempfile.TemporaryDirectory() as folder:
        weir = weir_process.Weir(CONFIG % (guards, port), folder).start()
        until, before = time.monotonic() + seconds, cpu_of(weir)
        nine, one = Tally(until), Tally(until)
        flood_of = Beside(flooding, weir.address, until)
        threads = [threading.Thread(target=calm, args=(weir.address, f"t{i}", seconds, nine)) for i in range(CALM)]
        for thread in threads:
            thread.start()
        time.sleep(max(0, until - time.monotonic()))
        spent = cpu_of(weir) - before
        one.take(flood_of.end(answers=True))
        for thread in threads:
            thread.join()
        limits = [g["at_most"] for g in weir.graph(source="in").get("guards", []) if "at_most" in g]
        weir.stop()
    side.end()
    return nine, one, spent, limits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weir")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    weir_process.set_binary(os.path.abspath(options.weir))
    for name, guards in CASES.items():
        nine, one, spent, limits = play(guards, options.seconds)
        print(f"{name}{'':<8}stored, of what was to be sent, p50, p99")
        print(nine.row("nine, 10/s each", options.seconds, CALM * int(PER_SECOND * options.seconds)))
        print(one.row("the flood", options.seconds))
        print(f"  {'together':<16}{(nine.stored + one.stored) / options.seconds:8.1f}/s   limit {limits or 'none'}   CPU: "
              f"{1e6 * spent / max(1, nine.stored + one.stored):.0f} us an event, "
              f"{1e6 * spent / max(1, sum(t.stored + t.refused for t in (nine, one))):.0f} us a request", flush=True)


if __name__ == "__main__":
    main()
