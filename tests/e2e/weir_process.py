"""A running Weir for tests: started on ports of its own, asked through its admin listener, stopped by its process id.

Configurations are written with @HTTP and @ADMIN for addresses on free ports and @DIR for the scratch folder. Every wait
is bounded and looks at what it waits for; nothing sleeps for a time that is hoped to be enough.
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from loopback import free_port  # noqa: E402,F401: for those who start servers

PATIENCE = float(os.environ.get("WEIR_TEST_PATIENCE", "20"))  # seconds; machines under load may need more
SKIPPED = 77
BINARY = None


def eventually(condition, what, within=None):
    """The first true value of `condition`, asked every few milliseconds and once more when its time is over: whoever was
    not given the processor for that long has seen nothing yet."""
    end = time.monotonic() + (within or PATIENCE)
    while True:
        last = time.monotonic() > end
        value = condition()
        if value:
            return value
        if last:
            raise AssertionError(f"did not happen within {within or PATIENCE:.0f} s: {what() if callable(what) else what}")
        time.sleep(0.01)


class Weir:
    def __init__(self, config, folder, env=None, http=None, preexec=None):
        self.folder, self.config = folder, config
        self.env = {**os.environ, **(env or {})}
        self.preexec = preexec
        self.http = http  # a (host, port) to keep over restarts
        self.process = None
        self.lines = []

    def start(self):
        """Until ready. A port taken by somebody else in between is answered with other ports."""
        for _ in range(5):
            self.spawn()
            eventually(lambda: self.ready() or self.exited(), lambda: "ready\n" + self.log())
            if self.ready():
                self.ask("/api/graph")
                return self
            if "in use" not in self.log():
                break
        raise AssertionError(f"weir ended with {self.process.returncode} before it was ready:\n{self.log()}")

    def spawn(self):
        host, port = self.http or ("127.0.0.1", free_port())
        self.address, self.admin = (host, port), ("127.0.0.1", free_port())
        self.file = os.path.join(self.folder, "weir.yaml")
        self.write(self.config)
        self.launch()

    def launch(self):
        self.lines = []
        self.process = subprocess.Popen([BINARY, "run", self.file], cwd=self.folder, env=self.env, text=True,
                                        errors="replace", stderr=subprocess.PIPE, preexec_fn=self.preexec)
        self.reader = threading.Thread(target=self._collect, args=(self.process, self.lines), daemon=True)
        self.reader.start()

    def write(self, config):
        text = config.replace("@HTTP", "%s:%d" % self.address).replace("@ADMIN", "%s:%d" % self.admin)
        with open(self.file, "w") as f:
            f.write(text.replace("@DIR", self.folder))

    @staticmethod
    def _collect(process, lines):
        for line in process.stderr:
            lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def ready(self):
        return any(line.endswith((" ready", '"message":"ready"}')) for line in self.lines)

    def says(self, text, within=None):
        """Until the log holds a line with `text`; that line."""
        return eventually(lambda: next((line for line in list(self.lines) if text in line), None),
                          lambda: f"a log line with {text!r} in\n{self.log()}", within)

    def exited(self):
        if self.process.poll() is None:
            return False
        self.reader.join(PATIENCE)
        return True

    def wait(self, within=None):
        """Its exit code, with all it said collected."""
        try:
            code = self.process.wait(within or PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"weir did not end within {within or PATIENCE:.0f} s:\n{self.log()}") from None
        self.reader.join(PATIENCE)
        return code

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=None):
        """As a service manager does it: SIGTERM, then its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.reader.join(PATIENCE)
            self.process.stderr.close()

    def get(self, path, timeout=PATIENCE):
        connection = http.client.HTTPConnection(*self.admin, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, path):
        return json.loads(self.get(path)[1])

    def graph(self, sink=None, source=None):
        graph = self.ask("/api/graph")
        if sink:
            return next(s for s in graph["sinks"] if s["name"] == sink)
        if source:
            return next(s for s in graph["sources"] if s["name"] == source)
        return graph

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"there is no metric {name}")

    def resident(self):
        """The bytes of memory it has now."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) << 10

    def assert_grew_less(self, before, most, now=None):
        """Says nothing under a sanitizer, which keeps what was freed."""
        grew = (self.resident() if now is None else now) - before
        if grew >= most and not sanitized():
            raise AssertionError(f"{grew} bytes more are resident: less than {most} were expected")

    def command(self, *args):
        """Another `weir` that asks this one: its exit code and what it printed."""
        return weir(*args, "--admin", "%s:%d" % self.admin, folder=self.folder)

    def ledger(self):
        return self.ask("/api/ledger")

    def pending(self):
        ledger = self.ledger()
        return sum(row["pending"] for kind in ("sources", "stages", "sinks") for row in ledger[kind]) + sum(
            sink["edge"]["pending"] for sink in ledger["sinks"])

    def assert_balanced(self, within=None):
        """At rest every node's and every edge's difference is exactly 0."""
        eventually(lambda: self.pending() == 0, lambda: f"the flow is at rest: {self.ledger()}", within)
        ledger = eventually(lambda: self._at_zero(), lambda: f"the ledger is 0 at rest: {self.ledger()}")
        assert ledger["worst_difference"] == 0, ledger
        return ledger

    def _at_zero(self):
        ledger = self.ledger()
        rows = [row for kind in ("sources", "stages", "sinks") for row in ledger[kind]] + [s["edge"] for s in ledger["sinks"]]
        return ledger if ledger["in_transit"] == 0 and all(row["difference"] == 0 for row in rows) else None


def weir(*args, folder=None, within=60, env=None):
    done = subprocess.run([BINARY, *args], cwd=folder, text=True, capture_output=True, timeout=within,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


class WeirTest(unittest.TestCase):
    """Each test ends with its ledger at exactly 0, running and in the last words of every process that could say them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="weir-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.running = []
        self.addCleanup(lambda: [w.kill() for w in self.running])

    def start(self, config, **more):
        w = Weir(config, self.folder, **more)
        self.running.append(w)
        return w.start()

    def tearDown(self):
        for w in self.running:
            if w.process.poll() is None:
                w.assert_balanced()
                refused = any(sink["refused_for_good"] for sink in w.ask("/api/graph")["sinks"])
                self.assertIn(w.stop(), (3, 4) if refused else (0,), w.log())
            w.reader.join(PATIENCE)
            if w.process.returncode != -signal.SIGKILL:
                self.assertIn("every event is accounted for", w.log())
                self.assertNotIn("is off by", w.log())

    def path(self, name):
        return os.path.join(self.folder, name)

    def lines_of(self, name):
        with open(self.path(name)) as f:
            return [json.loads(line) for line in f]

    def lines_so_far(self, name):
        """Those that are whole, of a file that is being written to."""
        if not os.path.exists(self.path(name)):
            return []
        with open(self.path(name)) as f:
            text = f.read()  # all at once: a loop over lines would take the rest of a half one, written meanwhile, for a line
        return [json.loads(line) for line in text.split("\n")[:-1]]


def main():
    """python3 THIS BINARY [unittest arguments]"""
    if len(sys.argv) < 2:
        sys.exit("usage: python3 %s WEIR [TEST ...]" % sys.argv[0])
    set_binary(sys.argv.pop(1))
    result = unittest.main(verbosity=2, warnings="ignore", exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped and len(result.skipped) >= result.testsRun else 0)


def set_binary(path):
    global BINARY
    BINARY = os.path.abspath(path)


def holds(text):
    with open(BINARY, "rb") as f:
        return text in f.read()


def sanitized():
    """Whether the binary keeps memory of its own for a sanitizer: then what is resident says nothing about Weir."""
    return holds(b"__asan_init")


def has_crash_points():
    """Builds for people do not: there WEIR_CRASH_AT is a variable like any other."""
    return holds(b"WEIR_CRASH_AT")


def skip(why):
    """What is missing is missing for this test only; a file whose tests are all skipped ends with SKIPPED (main)."""
    raise unittest.SkipTest(why)


def run_or_skip(script):
    """For what is no unittest: `script()`'s exit code, or SKIPPED with the reason."""
    try:
        sys.exit(script())
    except unittest.SkipTest as why:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)


def needs(*tools):
    """Skips unless all of these programs are there."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        skip(", ".join(missing) + (" is" if len(missing) == 1 else " are") + " not installed")
