"""A start that fails ends the process: every order of two kinds of source, and every way in which a start can fail.

What is open by then (listeners, a tail of a file, a thread that reads standard input, clients) must not keep the process:
exit 1 within two seconds, and one line that says why. While a start takes long the process can be asked and stopped.
"""
import concurrent.futures
import ctypes
import fcntl
import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import time

import weir_process
from clients import post
from stalls import Locked
from weir_process import PATIENCE, Weir, WeirTest, eventually, main, weir

WITHIN = max(2.0, PATIENCE / 10)
NOBODY_LISTENS = "127.0.0.1:1"
# Each kind of source as it works; @N is a name of its own, @PORT 0: the system gives a free one.
SOURCES = {
    "http": '{ type: http, listen: "127.0.0.1:@PORT", max_connections: 32 }',
    "tcp": '{ type: tcp, listen: "127.0.0.1:@PORT", max_connections: 32 }',
    "file": '{ type: file, path: "@DIR/@N.log", mode: follow, checkpoint: "@DIR/@N.checkpoint" }',
    "stdin": "{ type: stdin }",
    "generator": "{ type: generator, rate: 1/s }",
    "kafka": '{ type: kafka, brokers: ["%s"], topics: [t], group: g, connect_timeout: 200ms }' % NOBODY_LISTENS,
}
# How the second source can fail to open, and a word of what is said.
FAILING = {
    "http: port taken": ('{ type: http, listen: "127.0.0.1:@TAKEN", max_connections: 32 }', "in use"),
    "http: no certificate": ('{ type: http, listen: "127.0.0.1:@PORT", max_connections: 32, tls_certificate: "@DIR/none.pem", tls_key: "@DIR/none.pem" }', "none.pem"),
    "tcp: port taken": ('{ type: tcp, listen: "127.0.0.1:@TAKEN", max_connections: 32 }', "in use"),
    "tcp: no certificate": ('{ type: tcp, listen: "127.0.0.1:@PORT", max_connections: 32, tls_certificate: "@DIR/none.pem", tls_key: "@DIR/none.pem" }', "none.pem"),
    "file: no such file": ('{ type: file, path: "@DIR/@N.log", checkpoint: "@DIR/@N.checkpoint" }', "no such file"),
    "file: checkpoint owned": ('{ type: file, path: "@DIR/b.log", checkpoint: "@DIR/owned.checkpoint" }', "another process"),
    "file: permission": ('{ type: file, path: "@DIR/b.log", checkpoint: "@DIR/sealed/b.checkpoint" }', "permission"),
    "file: path missing": ('{ type: file, path: "@DIR/b.log", checkpoint: "@DIR/garbage.db/b.checkpoint" }', "checkpoint"),
    "kafka: broker": (SOURCES["kafka"], NOBODY_LISTENS),
}
# How what lies behind both can fail: the journals and sinks of the flow, and a word of what is said.
WORKING_SINK = '  out: { type: blackhole, from: [a, b], on_failure: drop }\n'
BEHIND = {
    "file sink: path": ('  out: { type: file, from: [a, b], on_failure: drop, path: "@DIR/garbage.db/out" }\n', "sink out"),
    "file sink: permission": ('  out: { type: file, from: [a, b], on_failure: drop, path: "@DIR/sealed/out" }\n', "ermission"),
    "file sink: owned": ('  out: { type: file, from: [a, b], on_failure: drop, path: "@DIR/owned" }\n', "another process"),
    "sqlite: no database": ('  out: { type: sqlite, from: [a, b], on_failure: drop, path: "@DIR/garbage.db" }\n', "not a database"),
    "sqlite: locked": ('  out: { type: sqlite, from: [a, b], on_failure: drop, path: "@DIR/locked.db", busy_timeout: 50ms }\n', "locked"),
    "journal: owned": ('  out: { type: blackhole, from: [kept], on_failure: drop }\njournals:\n  kept: { type: disk, from: [a, b], path: "@DIR/owned.journal", max_bytes: 64MiB }\n', "another process"),
    "spill: owned": ('  out: { type: blackhole, from: [a, b], on_failure: drop, queue: { when_full: spill, spill: { path: "@DIR/owned.journal", max_bytes: 64MiB } } }\n', "another process"),
    "admin: port taken": (WORKING_SINK, "in use"),
}


def without_override():
    """Root may write everywhere: this takes that from it, for the program that follows."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class StartFailures(WeirTest):
    def setUp(self):
        super().setUp()
        code, schema, _ = weir("schema")
        self.assertEqual(code, 0)
        there = json.loads(schema)["$defs"]
        self.kinds = [kind for kind in SOURCES if "source." + kind in there]
        self.sinks = {name for name in BEHIND if "sqlite" not in name or "sink.sqlite" in there}
        os.mkdir(self.path("sealed"), 0o555)
        with open(self.path("garbage.db"), "w") as f:
            f.write("this is no database " * 100)
        os.mkdir(self.path("owned.journal"))
        self.own("owned.checkpoint.lock", "owned", "owned.journal/lock")
        lock = Locked(self.path("locked.db"))
        self.addCleanup(lock.release)
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.addCleanup(taken.close)
        self.taken = taken.getsockname()[1]
        self.number = itertools.count()

    def own(self, *names):
        for name in names:
            f = open(self.path(name), "w")
            self.addCleanup(f.close)
            fcntl.flock(f, fcntl.LOCK_EX)

    def configuration(self, a, b, behind, admin):
        number = next(self.number)
        text = f"memory: 256MiB\nreactors: 2\nsources:\n  a: {a}\n  b: {b}\nsinks:\n{behind}admin: {{ listen: \"127.0.0.1:{admin or 0}\" }}\n"
        text = text.replace("a: " + a, "a: " + a.replace("@N", f"a{number}").replace("@PORT", "0"))
        text = text.replace("b: " + b, "b: " + b.replace("@N", f"b{number}").replace("@PORT", "0"))
        file = self.path(f"{number}.yaml")
        with open(file, "w") as f:
            f.write(text.replace("@DIR", self.folder).replace("@TAKEN", str(self.taken)))
        return file

    def fails(self, what, file, word, tries=3):
        """What is wrong with it. What is right but slow is asked again: it may have had no processor for a while."""
        began = time.monotonic()
        process = subprocess.Popen([weir_process.BINARY, "run", file], cwd=self.folder, text=True, errors="replace", stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=without_override)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"{what}: it hangs; it said {process.stderr.read()!r}"
        finally:
            took = time.monotonic() - began
            process.stdin.close()
        with process.stderr:
            said = process.stderr.read()
        right = process.returncode == 1 and word in said and said.count("\n") == 1
        if right and took > WITHIN and tries > 1:
            return self.fails(what, file, word, tries - 1)
        if not right or took > WITHIN:
            return f"{what}: exit {process.returncode} after {took:.2f} s, and it said {said!r}"
        return None

    def all_fail(self, cases):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as several:
            wrong = [w for w in several.map(lambda case: self.fails(*case), cases) if w]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertGreater(len(cases), 20)

    def test_a_source_that_cannot_open_behind_one_of_each_kind_that_did(self):
        cases = []
        for first in self.kinds:
            for failure, (second, word) in FAILING.items():
                if first == "kafka":
                    word = NOBODY_LISTENS  # without its broker it is the one that fails
                if failure.split(":")[0] in self.kinds:
                    cases.append((f"{first}, then {failure}", self.configuration(SOURCES[first], second, WORKING_SINK, None), word))
        cases.append(("stdin twice", self.configuration(SOURCES["stdin"], SOURCES["stdin"], WORKING_SINK, None), "another source"))
        self.all_fail(cases)

    def test_whatever_fails_behind_two_sources_in_every_order(self):
        self.all_fail([
            (f"{first}, {second}: {failure}",
             self.configuration(SOURCES[first], SOURCES[second], BEHIND[failure][0], self.taken if failure.startswith("admin") else None), BEHIND[failure][1])
            for failure in sorted(self.sinks) for first in self.kinds for second in self.kinds])

    def test_a_gateway_that_finds_no_more_descriptors_says_so_in_a_line_or_serves(self):
        file = self.path("gateway.yaml")
        with open(file, "w") as f:
            f.write(GATEWAY)
        wrong = []
        for most in range(12, 30, 2):
            process = subprocess.Popen([weir_process.BINARY, "run", file], stderr=subprocess.PIPE, text=True, preexec_fn=lambda: (
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))))
            said = ""
            for line in process.stderr:  # to its end, or until it serves
                said += line
                if "upstream shop: 2 endpoints" in line:
                    process.terminate()
            process.wait(PATIENCE)
            process.stderr.close()
            served = "upstream shop" in said
            if process.returncode != (0 if served else 1) or (not served and "open files" not in said.splitlines()[-1]):
                wrong.append((most, process.returncode, said))
        self.assertEqual(wrong, [])


GATEWAY = """memory: 512MiB
gateways:
  edge: { listen: "127.0.0.1:0", routes: [ { match: { path: /** }, to: shop } ] }
upstreams:
  shop: { endpoints: ["127.0.0.1:1", "127.0.0.1:2"], health: { path: /h } }
admin: { listen: "127.0.0.1:0" }
"""
SLOW = """memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64 }
sinks:
  out: { type: sqlite, from: [in], path: "@DIR/out.db", busy_timeout: 10m }
admin: { listen: "@ADMIN" }
"""


class SlowStarts(WeirTest):
    """A start that waits for somebody else's lock on the database, as one waits for the recovery of a large journal."""

    def setUp(self):
        super().setUp()
        self.lock = Locked(self.path("out.db"))
        self.addCleanup(self.lock.release)
        self.slow = Weir(SLOW, self.folder)
        self.slow.spawn()
        self.addCleanup(self.slow.kill)
        eventually(self.answers, "the admin listener answers")

    def answers(self):
        try:
            return self.slow.get("/health")[0] == 200
        except OSError:
            return False

    def test_health_answers_and_ready_says_what_it_waits_for(self):
        eventually(lambda: "opening sink out" in self.slow.get("/ready")[1], lambda: self.slow.get("/ready"))
        status, body = self.slow.get("/ready")
        self.assertEqual((status, json.loads(body)), (503, {"ready": False, "why": "starting: opening sink out"}))
        self.assertEqual(self.slow.get("/health")[0], 200)
        self.assertFalse(self.slow.graph()["stopping"])
        self.assertEqual(self.slow.get("/metrics")[0], 200)
        self.lock.release()
        eventually(lambda: self.slow.get("/ready")[0] == 200, lambda: self.slow.log())
        self.assertEqual(post(self.slow.address, b'{"id":1}').status, 200)
        self.assertEqual(self.slow.stop(), 0, self.slow.log())

    def test_sigterm_ends_it(self):
        eventually(lambda: "opening sink out" in self.slow.get("/ready")[1], lambda: self.slow.get("/ready"))
        self.slow.signal(signal.SIGTERM)
        self.assertEqual(self.slow.wait(), 0, self.slow.log())
        self.assertIn("stopped before it had started (starting: opening sink out): nothing was taken in", self.slow.log())


if __name__ == "__main__":
    main()
