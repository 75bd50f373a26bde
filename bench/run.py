#!/usr/bin/env python3
"""The driver behind `make bench`: CPU per event of the server process, as a ratio to a floor measured in the same run.

Absolute figures of a shared machine move by factors between runs of the same binary; the ratio of two runs a second
apart moves far less. So every scenario is a number of interleaved pairs (who goes first alternates), each pair gives
one ratio, and the median and the spread of the ratios are what is judged. See README.md.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import selfcheck
from journal_runs import LOG_RUNS, OPEN_GIB, OPEN_TARGET_MS, log_pairs, open_large
from kafka_runs import KAFKA_RUNS, kafka_pairs
from servers import BenchError, Tools, run_tool
from streams import STREAMS, stream_pairs

SLICES, WARM_UP_SHARE, FILL_ROUNDS, AS_EXPECTED = 6, 0.05, 20, 0.99


@dataclass(frozen=True)
class Scenario:
    title: str
    config: str      # of Weir
    floor: str       # mode of bench_floor that keeps the same promise
    events: int      # a request
    requests: int    # a run
    target: float    # highest ratio to the floor that is still met
    per: str = "event"
    connections: int = 64
    drained: bool = False  # what is answered is not done yet: CPU is read once the server rests
    wall: bool = False     # judged by requests a second: the target is how many times the floor's may be Weir's
    bare: bool = False  # floor = floor 204 + bare insert loop, with as many rows a transaction as the floor server had

    @property
    def refused(self):
        return self.config == "door.yaml"


SCENARIOS = {
    "file_100": Scenario("http -> file, 100 events a request", "http_file.yaml", "file", 100, 12_000, 1.5),
    "file_1": Scenario("http -> file, 1 event a request", "http_file.yaml", "file", 1, 24_000, 1.5),
    "sqlite_100": Scenario("http -> sqlite, 100 events a request", "http_sqlite.yaml", "sqlite", 100, 2_400, 1.4,
                           bare=True),
    "sqlite_1": Scenario("http -> sqlite, 1 event a request", "http_sqlite.yaml", "sqlite", 1, 12_000, 1.4, bare=True),
    "journal_100": Scenario("http -> journal, 100 events a request", "http_journal.yaml", "file", 100, 12_000, 1.5),
    "journal_1": Scenario("http -> journal, 1 event, 256 clients", "http_journal.yaml", "file", 1, 24_000, 1.43,
                          per="request", connections=256, wall=True),
    "journal_sqlite": Scenario("journal before sqlite, against without", "http_journal_sqlite.yaml",
                               "http_sqlite.yaml", 100, 2_400, 1.25, drained=True),
    "door_100": Scenario("refused at the door, 100 events", "door.yaml", "204", 100, 18_000, 1.3, per="request"),
    "door_1": Scenario("refused at the door, 1 event", "door.yaml", "204", 1, 36_000, 1.3, per="request"),
}
# bench_handoff's contenders against its floor, in the same table: (events an item) -> target.
HANDOFF = {"handoff_16": (16, 1.5), "handoff_256": (256, 1.5)}
ALONE = [*HANDOFF, *STREAMS, *LOG_RUNS, "log_open", *KAFKA_RUNS]  # without a floor server of bench_floor


class Contestant:
    """One server that is measured in slices: CPU of its process, and what the load saw."""

    def __init__(self, tools, server, scenario, kind, refused=False):
        self.tools, self.server, self.scenario, self.kind, self.refused = tools, server, scenario, kind, refused
        self.cpu_us, self.loads = 0.0, []

    def warm_up(self):
        requests = max(100, int(self.scenario.requests * WARM_UP_SHARE))
        for i in range(FILL_ROUNDS):
            load = self.tools.load(self.server, self.scenario.events, requests, f"warm{i}", seconds=10, idle_stop=0.3,
                                   connections=self.scenario.connections)
            if not self.refused or load["refused"] >= AS_EXPECTED * requests:
                return
        raise BenchError(f"the flow was not full after {FILL_ROUNDS} rounds: {load['statuses']}")

    def rest(self):
        """Until it has nothing to do any more."""
        end, before = time.monotonic() + 20, self.server.cpu()
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.server.cpu()
            if now - before < 0.003:
                return
            before = now
        raise BenchError(f"{self.kind} was still busy 20 s after its load")

    def slice(self, number):
        requests = max(1, self.scenario.requests // SLICES)
        if self.scenario.drained:
            self.rest()
        before = self.server.cpu()
        load = self.tools.load(self.server, self.scenario.events, requests, f"slice{number}", seconds=20,
                               idle_stop=0.3 if self.refused else 2, connections=self.scenario.connections)
        if self.scenario.drained:
            self.rest()
        self.cpu_us += (self.server.cpu() - before) * 1e6
        wanted = load["refused"] if self.refused else load["ok"]
        if wanted < AS_EXPECTED * requests:
            raise BenchError(f"{self.kind} answered {load['statuses']}, {requests - load['answered']} not at all; "
                             f"{requests} times {'503 or 429' if self.refused else '2xx'} was expected")
        self.loads.append(load)

    def result(self):
        answered = sum(load["answered"] for load in self.loads)
        units = answered * (self.scenario.events if self.scenario.per == "event" else 1)
        seconds = sum(load["seconds"] for load in self.loads)
        spent = seconds * 1e6 if self.scenario.wall else self.cpu_us
        return {"us": spent / units, "cpu_us": self.cpu_us / units, "answered": answered, "seconds": seconds,
                "p50_us": statistics.median(x["p50_us"] for x in self.loads),
                "p99_us": statistics.median(x["p99_us"] for x in self.loads)}


class BareLoop:
    """The insert loop alone, in step with the floor server's slices and with that server's rows a transaction."""

    def __init__(self, process, floor):
        self.process, self.floor, self.cpu_us, self.events, self.rows = process, floor, 0.0, 0, []
        self.seen = {"groups": 0, "grouped_events": 0}

    def slice(self, _):
        now = self.floor.server.ask()
        groups, events = (now[k] - self.seen[k] for k in ("groups", "grouped_events"))
        self.seen = now
        rows = max(1, min(10_000, round(events / max(groups, 1))))
        done = self.process.ask(f"{rows} {events}")
        self.rows.append(rows)
        self.cpu_us += done["cpu_us"]
        self.events += done["events"]

    def result(self):
        return {"us": self.cpu_us / self.events, "rows": statistics.median(self.rows)}


class Runner:
    def __init__(self, tools, against):
        self.tools, self.against = tools, against

    def pair(self, scenario, turn):
        """All servers of a pair stand side by side and are loaded in turn, slice by slice, so that whatever else the
        machine does falls on all of them alike."""
        kind = scenario.config
        if self.against:
            kind = scenario.floor if self.against == "same" else self.against
        with contextlib.ExitStack() as stack:
            def stand(what, refused=False):
                server = stack.enter_context(self.tools.server(what))
                contestant = Contestant(self.tools, server, scenario, what, refused)
                contestant.warm_up()
                return contestant

            weir = stand(kind, scenario.refused and not self.against)
            floor, door, bare = stand(scenario.floor), None, None
            side = [floor]
            if scenario.bare:
                door = stand("204")
                bare = BareLoop(stack.enter_context(self.tools.bare()), floor)
                side = [floor, door, bare]
            for i in range(SLICES):
                for contestant in [weir, *side] if (i + turn) % 2 else [*side, weir]:
                    contestant.slice(i)
            measured = floor.result()
            if bare:
                parts = {"server_us": measured["us"], "door_us": door.result()["us"], "bare_us": bare.result()["us"],
                         "rows": bare.result()["rows"]}
                measured |= parts | {"us": parts["door_us"] + parts["bare_us"]}
            return {"floor": measured, "weir": weir.result(), "ratio": weir.result()["us"] / measured["us"]}

    def pairs(self, scenario, count, deadline):
        out = []
        while len(out) < count and time.monotonic() < deadline:
            out.append(self.pair(scenario, len(out)))
        return out


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def row(title, floors, weirs, ratios, target, wanted_pairs):
    ratio = statistics.median(ratios)
    verdict = "met" if ratio <= target else "missed"
    if len(ratios) < wanted_pairs:
        verdict += f" ({len(ratios)} pairs: out of time)"
    middle = statistics.median(floors)
    digits = 2 if middle >= 1 else 3 if middle >= 0.1 else 4
    print(f"{title:<38} {spread(floors, digits):>24} {spread(weirs, digits):>24} {spread(ratios):>18} {target:>6.2f}  "
          f"{verdict}", flush=True)
    return {"target": target, "met": ratio <= target, "ratio": ratio}


def note_loads(pairs):
    """Reported, never judged: what a wall clock saw on this machine in this hour."""
    for who in ("floor", "weir"):
        loads = [p[who] for p in pairs]
        rate = [x["answered"] / max(x["seconds"], 1e-9) for x in loads]
        print(f"    {who:<6} {spread(rate, 0)} requests/s, p50 {spread([x['p50_us'] for x in loads], 0)} us, "
              f"p99 {spread([x['p99_us'] for x in loads], 0)} us")
    if "server_us" in pairs[0]["floor"]:
        full = [p["weir"]["us"] / p["floor"]["server_us"] for p in pairs]
        rows = [p["floor"]["rows"] for p in pairs]
        parts = [spread([p["floor"][k] for p in pairs]) for k in ("door_us", "bare_us", "server_us")]
        print(f"    floor = 204 {parts[0]} + bare insert {parts[1]}, {spread(rows, 0)} rows a transaction; "
              f"the floor server does both in {parts[2]}, ratio to it {spread(full)}")


def run_http(name, scenario, runner, args, deadline):
    pairs = runner.pairs(scenario, args.pairs, deadline)
    if not pairs:
        raise BenchError("no time left: give more with --minutes, or fewer scenarios with --only")
    result = row(scenario.title, [p["floor"]["us"] for p in pairs], [p["weir"]["us"] for p in pairs],
                 [p["ratio"] for p in pairs], scenario.target, args.pairs)
    note_loads(pairs)
    return {name: result | {"unit": f"us CPU per {scenario.per}", "pairs": pairs}}


def run_handoff(name, tools, args):
    events, target = HANDOFF[name]
    measured = run_tool([tools.build / "bench_handoff", "--events", events, "--pairs", args.pairs], 60)
    results = {}
    for contender, pairs in measured["contenders"].items():
        ratios = [p["contender_ns"] / p["floor_ns"] for p in pairs]
        result = row(f"hand-off {events} an item: {contender}", [p["floor_ns"] / 1e3 for p in pairs],
                     [p["contender_ns"] / 1e3 for p in pairs], ratios, target, args.pairs)
        results[f"{name}_{contender}"] = result | {"unit": "us CPU per event", "pairs": pairs}
    same_thread = ", ".join(f"{what} {ns:.1f} ns" for what, ns in measured["same_thread_ns"].items())
    print(f"    same thread: {same_thread} an event")
    return results


def run_stream(name, tools, args, deadline):
    pairs, stream = stream_pairs(name, tools, args.pairs, deadline), STREAMS[name]
    if not pairs:
        raise BenchError("no time left: give more with --minutes, or fewer scenarios with --only")
    result = row(stream.title, [p["floor"]["us"] for p in pairs], [p["weir"]["us"] for p in pairs],
                 [p["ratio"] for p in pairs], stream.target, args.pairs)
    for who in ("floor", "weir"):
        print(f"    {who:<6} {spread([p[who]['rate'] / 1e6 for p in pairs])} M events/s")
    return {name: result | {"unit": "us CPU per event", "pairs": pairs}}


def run_kafka(name, tools, args, deadline):
    pairs, run = kafka_pairs(name, tools, args.pairs, deadline), KAFKA_RUNS[name]
    if not pairs:
        raise BenchError("no time left: give more with --minutes, or fewer scenarios with --only")
    result = row(run.title, [p["floor"]["us"] for p in pairs], [p["weir"]["us"] for p in pairs],
                 [p["ratio"] for p in pairs], run.target, args.pairs)
    if run.rows:
        parts = [spread([p["floor"][k] for p in pairs]) for k in ("read_us", "insert_us")]
        print(f"    floor = bare librdkafka {parts[0]} + bare unnest {parts[1]}")
    return {name: result | {"unit": "us CPU per message", "pairs": pairs}}


def run_log(name, tools, args):
    pairs, run = log_pairs(name, tools, args.pairs), LOG_RUNS[name]
    result = row(run.title + " (ns wall a byte)", [p["floor"]["wall"] for p in pairs], [p["weir"]["wall"] for p in pairs],
                 [p["ratio"] for p in pairs], run.target, args.pairs)
    print(f"    CPU    {spread([p['weir']['cpu'] / p['floor']['cpu'] for p in pairs])} of the floor's, "
          f"{spread([p['weir']['cpu'] for p in pairs])} ns a byte")
    return {name: result | {"unit": "ns wall clock per byte of text", "pairs": pairs}}


def run_open(name, tools, args):
    figures = open_large(tools, args.pairs)
    worst = max(figures["ms"])
    print(f"log: open {OPEN_GIB} GiB {spread(figures['ms'], 0)} ms, at most {OPEN_TARGET_MS}: "
          f"{'met' if worst <= OPEN_TARGET_MS else 'missed'}", flush=True)
    return {name: figures | {"target_ms": OPEN_TARGET_MS, "met": worst <= OPEN_TARGET_MS}}


def about_this_machine():
    commit = subprocess.run(["git", "-C", Path(__file__).parent, "rev-parse", "--short", "HEAD"], capture_output=True,
                            text=True, check=False).stdout.strip()
    return {"when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
            "kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()}


def arguments():
    root = Path(__file__).resolve().parent.parent
    p = argparse.ArgumentParser(description="CPU per event of weir as a ratio to a floor measured side by side")
    p.add_argument("--build", default=root / "build/release", help="folder with bench_floor, bench_load, bench_handoff")
    p.add_argument("--weir", default=None, help="the weir binary (default: BUILD/weir)")
    p.add_argument("--out", default=root / "build/bench/results.json", help="where the figures go")
    p.add_argument("--only", action="append", help="run these scenarios: " + ", ".join([*SCENARIOS, *ALONE]))
    p.add_argument("--pairs", type=int, default=7, help="interleaved pairs a scenario (default 7)")
    p.add_argument("--quick", action="store_true", help="3 pairs: a look, not a measurement")
    p.add_argument("--minutes", type=float, default=6.5, help="stop starting new pairs after this time")
    p.add_argument("--against", choices=["same", "204", "file", "sqlite"],
                   help="measure a floor instead of weir: the driver's own test (same: the ratio has to be about 1)")
    p.add_argument("--self-check", action="store_true", help="check that what is answered is stored, kill -9 included")
    args = p.parse_args()
    args.weir = args.weir or Path(args.build) / "weir"
    args.pairs = 3 if args.quick else args.pairs
    unknown = [n for n in args.only or [] if n not in [*SCENARIOS, *ALONE]]
    if unknown or args.pairs < 1:
        p.error(f"no such scenario: {', '.join(unknown)}" if unknown else "--pairs must be at least 1")
    return args


def measure(args, tools, names):
    runner, results, failures = Runner(tools, args.against), {}, 0
    end = time.monotonic() + args.minutes * 60
    print(f"{'scenario (CPU of the server process)':<38} {'floor us':>24} {'weir us':>24} {'ratio':>18} {'target':>6}")
    for i, name in enumerate(names):
        # An even share of what is left, so that a slow scenario cannot starve the ones behind it.
        deadline = time.monotonic() + max(0.0, end - time.monotonic()) / (len(names) - i)
        try:
            if name in HANDOFF:
                results |= run_handoff(name, tools, args)
            elif name in LOG_RUNS:
                results |= run_log(name, tools, args)
            elif name == "log_open":
                results |= run_open(name, tools, args)
            elif name in KAFKA_RUNS:
                results |= run_kafka(name, tools, args, deadline)
            elif name in STREAMS:
                results |= run_stream(name, tools, args, deadline)
            else:
                results |= run_http(name, SCENARIOS[name], runner, args, deadline)
        except BenchError as e:
            failures += 1
            results[name] = {"failed": str(e)}
            print(f"{name}: failed: {e}", flush=True)
    return results, failures


def main():
    args = arguments()
    try:
        tools = Tools(args.build, args.weir)
        if args.self_check:
            return selfcheck.run(tools)
        if not args.against and not tools.weir.exists():
            raise BenchError(f"{tools.weir} is not built: cmake --preset release -DWEIR_BENCH=ON && ninja -C build/release")
    except BenchError as e:
        print(e, file=sys.stderr)
        return 2
    # The short ones first: what they do not need of their share of the time is left to the others.
    names = args.only or [*([] if args.against else ALONE), *SCENARIOS]
    machine, began = about_this_machine(), time.monotonic()
    results, failures = measure(args, tools, names)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    figures = {"machine": machine, "against": args.against or "weir", "results": results}
    Path(args.out).write_text(json.dumps(figures, indent=1))
    missed = sum(1 for r in results.values() if r.get("met") is False)
    print(f"{len(results)} results in {time.monotonic() - began:.0f} s: {missed} missed, {failures} failed; "
          f"figures in {os.path.relpath(args.out)}")
    # A missed target on a shared machine is news, not an error; a run that could not be made is one.
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
