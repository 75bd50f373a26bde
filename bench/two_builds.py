#!/usr/bin/env python3
"""Two builds of Weir side by side: is the new one slower than the one before?

    two_builds.py BEFORE [AFTER] [--pairs N] [--only NAME] [--minutes M]

BEFORE and AFTER (default build/release) are build folders with weir and the programs of bench/. The scenarios are those
of run.py. In each pair the same scenario runs on both builds, slice by slice where a server stays up, and who goes
first alternates; the ratio after / before of each pair is printed as median and spread. A ratio above 1.03 is a
slower build.
"""
import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path

from journal_runs import LOG_RUNS, log_pairs
from run import HANDOFF, SCENARIOS, SLICES, Contestant, spread
from servers import BenchError, Tools, run_tool
from streams import STREAMS, scratch

MOST = 1.03


def http_pair(builds, scenario, turn):
    with contextlib.ExitStack() as stack:
        sides = []
        for tools in builds:
            server = stack.enter_context(tools.server(scenario.config))
            sides.append(Contestant(tools, server, scenario, scenario.config, scenario.refused))
            sides[-1].warm_up()
        for i in range(SLICES):
            for side in sides if (i + turn) % 2 else reversed(sides):
                side.slice(i)
        return [side.result()["us"] for side in sides]


def in_turn(builds, turn, measure):
    figures = [0.0, 0.0]
    for i in (0, 1) if turn % 2 else (1, 0):
        figures[i] = measure(builds[i])
    return figures


def stream_pair(builds, stream, turn):
    def measure(tools):
        with scratch() as folder:
            return stream.measure(tools, "weir", folder, stream.events)[0]
    return in_turn(builds, turn, measure)


def handoff_pair(builds, events, turn):
    """Each build's queue as a ratio to the floor that its own program measured in the same second."""
    def measure(tools):
        found = run_tool([tools.build / "bench_handoff", "--events", events, "--pairs", 3], 60)["contenders"]
        return statistics.median(p["contender_ns"] / p["floor_ns"] for pairs in found.values() for p in pairs)
    return in_turn(builds, turn, measure)


def log_pair(builds, name, turn):
    return in_turn(builds, turn, lambda tools: log_pairs(name, tools, 1)[0]["ratio"])


def measures():
    """name -> (title, unit, function of the two builds and the number of the pair)"""
    found = {}
    for name, (events, _) in HANDOFF.items():
        found[name] = (f"hand-off, {events} events an item", "x floor", lambda b, t, n=events: handoff_pair(b, n, t))
    for name, run in LOG_RUNS.items():
        found[name] = (run.title, "x floor", lambda b, t, n=name: log_pair(b, n, t))
    for name, stream in STREAMS.items():
        found[name] = (stream.title, "us CPU", lambda b, t, s=stream: stream_pair(b, s, t))
    for name, scenario in SCENARIOS.items():
        found[name] = (scenario.title, "us wall" if scenario.wall else "us CPU",
                       lambda b, t, s=scenario: http_pair(b, s, t))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path, nargs="?", default=Path(__file__).resolve().parent.parent / "build/release")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--only", action="append", choices=list(measures()))
    parser.add_argument("--minutes", type=float, default=12, help="an even share of this for each scenario")
    args = parser.parse_args()
    builds = [Tools(args.before, args.before / "weir"), Tools(args.after, args.after / "weir")]
    names, end, failures, slower = args.only or list(measures()), time.monotonic() + args.minutes * 60, 0, 0
    print(f"{'scenario':<40} {'':>8} {'before':>24} {'after':>24} {'after / before':>18}")
    for i, name in enumerate(names):
        title, unit, measure = measures()[name]
        deadline = time.monotonic() + max(0.0, end - time.monotonic()) / (len(names) - i)
        pairs = []
        try:
            while len(pairs) < args.pairs and (not pairs or time.monotonic() < deadline):
                pairs.append(measure(builds, len(pairs)))
        except BenchError as e:
            failures += 1
            print(f"{title:<40} failed: {e}", flush=True)
            continue
        ratios = [after / before for before, after in pairs]
        verdict = "" if statistics.median(ratios) <= MOST else "  slower"
        slower += bool(verdict)
        print(f"{title:<40} {unit:>8} {spread([b for b, _ in pairs]):>24} {spread([a for _, a in pairs]):>24} "
              f"{spread(ratios):>18}{verdict}{'' if len(pairs) == args.pairs else f'  ({len(pairs)} pairs)'}", flush=True)
    print(f"{len(names)} scenarios: {slower} slower by more than {MOST - 1:.0%}, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
