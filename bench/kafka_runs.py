"""From a real Kafka to nowhere and to PostgreSQL, beside a bare librdkafka loop and a bare libpq loop; and two
processes in one group beside one.

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
    rows: bool = False      # the floor inserts them too
    members: int = 1        # processes in one group; more than one: beside one, instead of beside the floor

    @property
    def postgres(self):
        return "postgres" in self.config


KAFKA_RUNS = {
    "kafka_blackhole": KafkaRun("kafka -> blackhole", "kafka_blackhole.yaml", 1_000_000, 1.5),
    "kafka_postgres": KafkaRun("kafka -> postgres, primary key", "kafka_postgres.yaml", 500_000, 1.4, rows=True),
    "kafka_two": KafkaRun("two in a group -> postgres, against one", "kafka_postgres.yaml", 2_000_000, 1.1, members=2),
}
READ_LIMIT_S = 120


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


@contextlib.contextmanager
def weir(tools, run, env):
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        port = free_port()
        server = Server([tools.weir, "run", tools.here / run.config], Path(folder), port, env | {"ADMIN_PORT": str(port)})
        try:
            server.wait_until_open()
            yield server
        finally:
            server.stop()


def weir_reads(tools, run, env, members=1):
    """CPU of all members until everything has its fate; the second joins when the first one reads already."""
    with contextlib.ExitStack() as stack:
        servers, begin, done = [stack.enter_context(weir(tools, run, env))], time.monotonic(), [0]
        while sum(done) < run.events or len(servers) < members or not arrived(run, env):
            if time.monotonic() > begin + READ_LIMIT_S:
                raise BenchError(f"{done} of {run.events} events were stored within two minutes")
            if done[-1] > 0 and len(servers) < members:
                servers.append(stack.enter_context(weir(tools, run, env)))
            time.sleep(0.5)  # being asked costs CPU too
            done = [stored(server.port) for server in servers]
        took = time.monotonic() - begin
        time.sleep(1.2)  # the last commit
        done = [stored(server.port) for server in servers]
        if min(done) == 0:
            raise BenchError(f"a member of the group had nothing to do: {done} events stored")
        return {"us": sum(server.cpu() for server in servers) * 1e6 / run.events, "seconds": took, "stored": done,
                "twice": sum(done) - run.events}


def arrived(run, env):
    """Whether each event is there. What a group hands over may be delivered by both, so members' counts do not say."""
    if run.members == 1:
        return True
    psql = Path(os.environ.get("WEIR_POSTGRES_BIN", "/usr/lib/postgresql/15/bin")) / "psql"
    count = f"SELECT count(*) FROM {env['TABLE']}"
    done = subprocess.run([psql, env["URL"], "-Atc", count], capture_output=True, text=True)
    if done.returncode:
        raise BenchError("the rows cannot be counted: " + done.stderr.strip())
    return int(done.stdout) == run.events


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


def one_pair(run, tools, kafka, topic, url, n):
    """`floor` is what it is measured beside: the bare loops, or one process alone."""
    def env(who):
        return {"BROKERS": kafka.address, "TOPIC": topic, "GROUP": f"weir-{who}-{n}", "URL": url, "TABLE": f"{who}{n}"}

    def read(who):
        if who == "weir":
            return weir_reads(tools, run, env(who), run.members)
        if run.members > 1:
            return weir_reads(tools, run, env("alone"))
        return floor_reads(tools, run, kafka, topic, f"floor-{n}", url)

    pair = {who: read(who) for who in (("weir", "floor") if n % 2 else ("floor", "weir"))}
    return pair | {"ratio": pair["weir"]["us"] / pair["floor"]["us"]}


def kafka_pairs(name, tools, count, deadline):
    from kafka_cluster import KafkaCluster
    run, pairs = KAFKA_RUNS[name], []
    kafka = KafkaCluster()
    try:
        with postgres(run.postgres) as url:
            topic = kafka.create("bench-" + name.replace("_", "-"), 6)
            subprocess.run([tools.build / "bench_floor_kafka", "--brokers", kafka.address, "--topic", topic, "--events",
                            str(run.events), "--produce"], check=True, timeout=180)
            while len(pairs) < count and time.monotonic() < deadline:
                pairs.append(one_pair(run, tools, kafka, topic, url, len(pairs)))
    finally:
        kafka.stop()
    if run.members > 1 and pairs:
        twice = ", ".join(f"{p['weir']['twice']} ({' + '.join(map(str, p['weir']['stored']))})" for p in pairs)
        print(f"    delivered twice of {run.events}: {twice}")
    return pairs
