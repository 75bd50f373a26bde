"""Starts a server in a scratch folder, drives it with bench_load and reads what it cost."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from loopback import free_port  # noqa: E402,F401: for those who start servers

START_LIMIT_S, LOAD_LIMIT_S, STOP_LIMIT_S = 10, 60, 10


class BenchError(Exception):
    """A run that must not be mistaken for a figure; the message is one line for people."""


def cpu_seconds(pid):
    """User + system time of all threads a process has or had, in ns resolution.

    Linux derives a process's CPU clock from its pid (clock_getcpuclockid); /proc/PID/stat has the same sum in steps of
    10 ms and is used where that clock cannot be read.
    """
    try:
        return time.clock_gettime(((~pid) << 3) | 2)
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_tool(argv, limit):
    try:
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{Path(argv[0]).name} did not end within {limit} s") from None
    if done.returncode != 0:
        raise BenchError(f"{Path(argv[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout)


def answer_line(process, limit):
    """One line of a program's output, or an error instead of waiting for ever."""
    if not select.select([process.stdout], [], [], limit)[0]:
        raise BenchError(f"{Path(process.args[0]).name} said nothing for {limit} s")
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{Path(process.args[0]).name} ended without an answer")
    return line


class Server:
    """One running server; `port` is where it listens on 127.0.0.1, `folder` where it stores."""

    def __init__(self, argv, folder, port=None, env=None):
        self.folder, self.port, self.argv = folder, port, [str(a) for a in argv]
        self.log = open(folder / "server.log", "w+")
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE if port is None else self.log, text=True,
                                        stderr=self.log, cwd=folder, env={**os.environ, **(env or {})})

    def wait_until_open(self):
        if self.port is None:
            try:
                self.port = int(answer_line(self.process, START_LIMIT_S).split()[1])
            except BenchError as e:
                raise BenchError(f"{e}: {self.last_words()}") from None
            return
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        ended = self.process.poll()
        why = f"did not listen within {START_LIMIT_S} s" if ended is None else f"ended with {ended} before it listened"
        raise BenchError(f"{self.name()} {why}: {self.last_words()}")

    def name(self):
        return Path(self.argv[0]).name

    def last_words(self):
        self.log.flush()
        lines = (self.folder / "server.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def cpu(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.name()} ended with {self.process.returncode} during its load: {self.last_words()}")
        return cpu_seconds(self.process.pid)

    def ask(self):
        """What a floor server has done so far."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(answer_line(self.process, STOP_LIMIT_S))

    def stop(self):
        """Asks, waits, and insists."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()


class Tools:
    """Where the programs are, and how each kind of server is started."""

    def __init__(self, build, weir):
        self.build, self.weir, self.here = Path(build).resolve(), Path(weir).resolve(), Path(__file__).resolve().parent
        for tool in ("bench_floor", "bench_load"):
            if not (self.build / tool).exists():
                raise BenchError(f"{self.build / tool} is not built: "
                                 f"ninja -C {build} bench_floor bench_load bench_handoff")

    @contextlib.contextmanager
    def server(self, kind):
        """`kind` is a floor mode ("204", "file", "sqlite") or the name of a configuration ("http_file.yaml")."""
        folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
        server = None
        try:
            if kind.endswith(".yaml"):
                port = free_port()
                env = {"PORT": str(port), "ADMIN_PORT": str(free_port()), "DIR": str(folder)}
                server = Server([self.weir, "run", self.here / kind], folder, port, env)
            else:
                server = Server([self.build / "bench_floor", "--mode", kind, "--path", folder / "out"], folder)
            server.wait_until_open()
            yield server
        finally:
            if server and not server.log.closed:
                server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def load(self, server, events, requests, prefix="load", **options):
        argv = [self.build / "bench_load", "--port", server.port, "--events", events, "--requests", requests,
                "--prefix", prefix]
        for name, value in options.items():
            argv += ["--" + name.replace("_", "-"), value]
        return run_tool(argv, LOAD_LIMIT_S)

    @contextlib.contextmanager
    def bare(self):
        with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
            loop = BareProcess([str(self.build / "bench_floor"), "--mode", "bare", "--path", str(Path(folder) / "out")])
            try:
                yield loop
            finally:
                loop.stop()


class BareProcess:
    """bench_floor --mode bare: one line of question on stdin, one line of figures on stdout."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(answer_line(self.process, LOAD_LIMIT_S))

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
