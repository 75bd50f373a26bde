#!/usr/bin/env python3
"""What a gateway keeps of a service that gets more than it can do: goodput, times, refusals, who is served.

    bench/overload.py BUILD_DIR                            all rows, Weir and the proxies that are installed: 15 minutes
    bench/overload.py BUILD_DIR --proxies weir --rows load_10,stall --runs 3

The service is `weir upstream` with 8 slots of exponential 10 ms: C = 800 a second, of which Weir and Envoy are told nothing.
The load is open (bench/open_load.cc): times count from when a request was due; clients leave after 1 s. A run whose sender
could not keep its schedule is marked with `late`, and says nothing of the proxy.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import proxies

C = 800.0
MIX = "5,15,50,20,10"
WARM, MEASURED = 2.0, 6.0


class Attempts(list):
    """Lines of bench_open_load: call, try, stream, priority, due, took, lag (seconds), status, told."""

    @classmethod
    def read(cls, path):
        out = cls()
        with open(path) as f:
            for line in f:
                call, number, stream, priority, due, took, lag, status, told = line.split("\t")
                out.append((int(call), int(number), stream, priority, int(due) / 1e6, int(took) / 1e6, int(lag) / 1e6,
                            int(status), int(told)))
        return out

    def window(self, begin, end, **only):
        at = {"stream": 2, "priority": 3}
        return Attempts(a for a in self if begin <= a[4] < end and all(a[at[k]] == v for k, v in only.items()))

    def good(self):
        return [a for a in self if 200 <= a[7] < 300 and a[5] <= 1]

    def refused(self):
        return [a for a in self if a[7] in (429, 503)]

    def calls(self):
        return len({a[0] for a in self})

    def success(self):
        """Calls that were answered in the end, of all calls of the window."""
        return len({a[0] for a in self.good()}) / max(1, self.calls())

    def p99_ms(self):
        return 1e3 * quantile([a[5] for a in self.good()], 0.99)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def recovery(all_, since, until, before):
    """Seconds until a window of 1 s is as good as those before: success within 5 %, p99 below twice theirs."""
    k = 0.0
    while since + k + 1 <= until:
        w = all_.window(since + k, since + k + 1)
        if w and w.success() >= 0.95 * before.success() and w.p99_ms() < 2 * before.p99_ms():
            return k
        k += 0.1
    return float("inf")


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder

    def run(self, proxy, streams, seconds, changes=(), seed=1, **options):
        """Attempts, and what the service and the proxy's memory were. `changes`: (second, query for the service)."""
        with proxies.start_service(self.build) as service, \
                proxies.start(proxy, self.build, self.folder, service.port, **options) as server:
            out = os.path.join(self.folder, "attempts.tsv")
            command = [os.path.join(self.build, "bench_open_load"), "--port", str(server.port), "--seconds", str(seconds),
                       "--seed", str(seed), "--out", out] + [x for s in streams for x in ("--stream", s)]
            load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            began = time.monotonic() + 0.05
            pss = [float("nan")]

            def change():
                for at, query in sorted([*changes, (0.8 * seconds, None)]):
                    time.sleep(max(0, began + at - time.monotonic()))
                    if query is None:
                        pss[0] = server.pss_mib()
                    else:
                        self.ask(service, query)
            changer = threading.Thread(target=change)
            changer.start()
            report = json.loads(load.communicate()[0])
            changer.join()
            facts = self.ask(service)
        attempts = Attempts.read(out)
        delivered = sum(1 for a in attempts if 200 <= a[7] < 300)
        return attempts, {"wasted": facts["answered"] + facts["wasted"] - delivered, "pss": pss[0], **report}

    @staticmethod
    def ask(service, query=None):
        url = f"http://127.0.0.1:{service.port}/.weir/upstream" + (f"?{query}" if query else "")
        request = urllib.request.Request(url, method="POST" if query else "GET")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def stream(rate, **more):
    return ";".join([f"rate={rate}", *(f"{k}={v}" for k, v in more.items())])


def load_row(factor, **options):
    def row(bench, proxy, seed):
        end = WARM + MEASURED
        all_, facts = bench.run(proxy, [stream(factor * C, mix=MIX)], end, seed=seed, **options)
        w = all_.window(WARM, end)
        critical, refused = w.window(0, end, priority="critical"), [a[5] for a in w.refused()]
        return {"goodput": len(w.good()) / MEASURED / min(C, factor * C), "success": w.success(), "p99_ms": w.p99_ms(),
                "refused_p50_ms": 1e3 * quantile(refused, 0.5), "refused_p90_ms": 1e3 * quantile(refused, 0.9),
                "refused_p99_ms": 1e3 * quantile(refused, 0.99), "refused_max_ms": 1e3 * max(refused, default=0),
                "critical": critical.success(), "critical_p99_ms": critical.p99_ms(),
                "left": sum(1 for a in w if a[7] == -1), "pss_mib": facts["pss"]}, facts
    return row


def spike(bench, proxy, seed):
    all_, facts = bench.run(proxy, [stream(0.5 * C, name="critical", mix="critical"),
                                    stream(f"0:{0.25 * C},3:{3 * C},9:{0.25 * C}", mix="batch")], 11, seed=seed)
    w = all_.window(3, 9)
    critical = w.window(3, 9, priority="critical")
    return {"goodput": len(w.good()) / 6 / C, "critical": critical.success(), "critical_p99_ms": critical.p99_ms()}, facts


def stall(bench, proxy, seed):
    all_, facts = bench.run(proxy, [stream(0.8 * C, mix=MIX)], 24, [(4, "stall=10s")], seed)
    stalled = all_.window(4.2, 13)
    return {"back_s": recovery(all_, 14, 24, all_.window(2, 3.9)), "wasted": facts["wasted"],
            "refused_p99_ms": 1e3 * quantile([a[5] for a in stalled.refused()], 0.99),
            "left": sum(1 for a in stalled if a[7] == -1)}, facts


def halves(query, back):
    def row(bench, proxy, seed):
        all_, facts = bench.run(proxy, [stream(0.8 * C, mix=MIX)], 18, [(4, query), (12, back)], seed)
        w = all_.window(6, 12)
        critical = w.window(6, 12, priority="critical")
        return {"goodput": len(w.good()) / 6 / (C / 2), "p99_ms": w.p99_ms(), "critical": critical.success(),
                "critical_p99_ms": critical.p99_ms(), "back_s": recovery(all_, 12, 18, all_.window(2, 4))}, facts
    return row


def doubles(bench, proxy, seed):
    all_, facts = bench.run(proxy, [stream(1.5 * C, mix=MIX)], 14, [(4, "slots=16")], seed)
    found = next((k / 10 for k in range(80) if all_.window(4 + k / 10, 5 + k / 10).success() >= 0.95), float("inf"))
    w = all_.window(6, 14)
    return {"goodput_C": len(w.good()) / 8 / C, "found_s": found, "p99_ms": w.p99_ms()}, facts


def storm(bench, proxy, seed):
    all_, facts = bench.run(proxy, [stream(f"0:{0.8 * C},4:{1.1 * C},14:{0.8 * C}", mix=MIX, again="naive", tries=4)], 22,
                            seed=seed)
    w = all_.window(6, 14)
    return {"goodput": len(w.good()) / 8 / C, "back_s": recovery(all_, 14, 22, all_.window(2, 4)),
            "attempts": len(w) / max(1, len({a[0] for a in w if a[1] == 1})), "p99_ms": w.p99_ms()}, facts


def tenants(bench, proxy, seed):
    options = {"guards": TENANT_GUARDS} if proxy == "weir" else {}
    all_, facts = bench.run(proxy, [stream(0.4 * C, name="polite", key="polite"), stream(5 * C, name="rude", key="rude")],
                            WARM + MEASURED, seed=seed, **options)
    w = all_.window(WARM, WARM + MEASURED)
    polite = w.window(0, 99, stream="polite")
    return {"goodput": len(w.good()) / MEASURED / C, "polite": polite.success(), "polite_p99_ms": polite.p99_ms()}, facts


def obedient(bench, proxy, seed):
    """As many obedient clients as make 2 C for 4 s, and what is left of them after that comes back when it was told."""
    all_, facts = bench.run(proxy, [stream(f"0:{2 * C},4:{0.5 * C}", again="retry-after", tries=9)], 12, seed=seed)
    came_back = [a for a in all_ if a[1] == 2]
    w = all_.window(WARM, 8)
    return {"admitted": sum(1 for a in came_back if a[7] == 200) / max(1, len(came_back)), "came_back": len(came_back),
            "goodput": len(w.good()) / 6 / C}, facts


def returners(factor):
    """The same for clients that say who they are, and at `factor` C: whether they are admitted on the try for which they
    came back, and how many of the slots are idle meanwhile."""
    def row(bench, proxy, seed):
        options = {"guards": CLIENT_KEY} if proxy == "weir" else {}
        all_, facts = bench.run(proxy, [stream(f"0:{factor * C},6:{0.5 * C}", again="retry-after", tries=9, client="X-Client")],
                                16, seed=seed, **options)
        came_back = [a for a in all_ if a[1] == 2]
        w = all_.window(WARM, 12)
        return {"admitted": sum(1 for a in came_back if a[7] == 200) / max(1, len(came_back)), "came_back": len(came_back),
                "idle": 1 - len(w.good()) / (12 - WARM) / C}, facts
    return row


CLIENT_KEY = """        client_key: "header:X-Client\""""
TENANT_GUARDS = """        guards: { fairness: { key: "header:X-Api-Key" } }"""

ROWS = {f"load_{f:g}": load_row(f) for f in (0.5, 0.8, 1, 1.4, 2, 5, 10)}
ROWS |= {"wait20_1": load_row(1, max_wait="20ms"), "wait20_2": load_row(2, max_wait="20ms"), "spike": spike, "stall": stall,
         "halves_slower": halves("time=exponential:20ms", "time=exponential:10ms"),
         "halves_slots": halves("slots=4", "slots=8"), "doubles": doubles, "storm": storm, "tenants": tenants,
         "obedient": obedient, "returners": returners(2), "returners_10": returners(10)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--proxies", default=",".join(proxies.PROXIES))
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--results", help="append a line of JSON for each run to this file")
    options = parser.parse_args()
    wanted = [p for p in options.proxies.split(",") if proxies.there(p)]
    for name in set(options.proxies.split(",")) - set(wanted):
        print(f"{name} is not installed: left out", flush=True)
    try:
        os.nice(-15)  # all that is measured comes before whatever else this machine does
    except PermissionError:
        print("this user may not raise its priority: what else runs here is measured too", flush=True)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        bench = Bench(options.build, folder)
        for row in options.rows.split(","):
            for proxy in wanted:
                for seed in range(1, options.runs + 1):
                    values, facts = ROWS[row](bench, proxy, seed)
                    late = "" if facts["kept_schedule"] else f"  LATE (p99 {facts['lag_p99_us'] / 1e3:.1f} ms)"
                    print(f"{row:<14}{proxy:<8} " + "  ".join(f"{k} {v:.4g}" for k, v in values.items()) + late, flush=True)
                    if options.results:
                        with open(options.results, "a") as f:
                            f.write(json.dumps({"row": row, "proxy": proxy, "seed": seed, **values, "load": facts}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
