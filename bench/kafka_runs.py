"""From a real Kafka to nowhere and to PostgreSQL, beside a bare librdkafka loop and a bare libpq loop.

Whoever reads a topic does so from its beginning, as a group of its own; floor and weir take turns. CPU of the whole
process over all messages, start included on both sides. Kafka and PostgreSQL share the machine: rates say nothing."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from servers import BenchError, Server, free_port, run_tool

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))


@dataclass(frozen=True)
class KafkaRun:
    title: str
    config: str
    events: int
    target: float
    rows: bool = False  # the floor inserts them too


KAFKA_RUNS = {
    "kafka_blackhole": KafkaRun("kafka -> blackhole", "kafka_blackhole.yaml", 1_000_000, 1.5),
    "kafka_postgres": KafkaRun("kafka -> postgres, primary key", "kafka_postgres.yaml", 500_000, 1.4, rows=True),
}


@contextlib.contextmanager
def postgres(needed):
    if not needed:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as base:
        os.chmod(base, 0o711)
        script = ROOT / "scripts" / "postgres"
        done = subprocess.run([script, "up", base + "/db"], capture_output=True, text=True)
        if done.returncode:
            raise BenchError("no PostgreSQL: " + done.stderr.strip())
        try:
            yield done.stdout.strip().splitlines()[-1]
        finally:
            subprocess.run([script, "down", base + "/db", "--mode", "immediate"], capture_output=True)


def weir_reads(tools, run, env):
    """CPU until everything has its fate."""
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        port = free_port()
        server = Server([tools.weir, "run", tools.here / run.config], Path(folder), port, env | {"ADMIN_PORT": str(port)})
        try:
            server.wait_until_open()
            begin, end = time.monotonic(), time.monotonic() + 120
            while stored(port) < run.events:
                if time.monotonic() > end:
                    raise BenchError(f"weir has stored {stored(port)} of {run.events} events within two minutes")
                time.sleep(0.5)  # being asked costs CPU too
            took = time.monotonic() - begin
            time.sleep(1.2)  # the last commit
            return {"us": server.cpu() * 1e6 / run.events, "seconds": took}
        finally:
            server.stop()


def stored(port):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/api/graph")
    graph = json.loads(connection.getresponse().read())
    connection.close()
    return graph["sinks"][0]["stored"]


def floor_reads(tools, run, kafka, topic, group, url):
    read = run_tool([tools.build / "bench_floor_kafka", "--brokers", kafka.address, "--topic", topic, "--events",
                     run.events, "--group", group], 180)
    parts = {"us": read["cpu_us"] / read["events"], "seconds": read["seconds"]}
    if run.rows:
        rows = run_tool([tools.build / "bench_postgres", "--url", url, "--pairs", 1, "--rows", 1000], 120)
        parts |= {"read_us": parts["us"], "insert_us": rows["floor_cpu_ns"] / 1e3}
        parts["us"] += parts["insert_us"]
    return parts


def kafka_pairs(name, tools, count, deadline):
    from kafka_cluster import KafkaCluster
    run, pairs = KAFKA_RUNS[name], []
    kafka = KafkaCluster()
    try:
        with postgres(run.rows) as url:
            topic = kafka.create("bench-" + name.replace("_", "-"), 6)
            subprocess.run([tools.build / "bench_floor_kafka", "--brokers", kafka.address, "--topic", topic, "--events",
                            str(run.events), "--produce"], check=True, timeout=180)
            while len(pairs) < count and time.monotonic() < deadline:
                n, pair = len(pairs), {}
                env = {"BROKERS": kafka.address, "TOPIC": topic, "GROUP": f"weir-{n}", "URL": url, "TABLE": f"t{n}"}
                for who in ("weir", "floor") if n % 2 else ("floor", "weir"):
                    pair[who] = (weir_reads(tools, run, env) if who == "weir"
                                 else floor_reads(tools, run, kafka, topic, f"floor-{n}", url))
                pairs.append(pair | {"ratio": pair["weir"]["us"] / pair["floor"]["us"]})
    finally:
        kafka.stop()
    return pairs
