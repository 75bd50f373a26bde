"""Streams: nobody answers the sender of lines, so a run ends when every byte is in the output file.

tcp_file   CPU from when the server listens until the last byte is stored.
file_file  CPU of the whole process, start and stop included, for weir and for the floor.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from servers import BenchError, Server, free_port

EVENT, LIMIT_S = 200, 60
LINE = b'{"id":"load-000000000000","pad":"' + b"x" * (EVENT - 36) + b'"}\n'
BLOCK = LINE * 1000


@dataclass(frozen=True)
class Stream:
    title: str
    target: float
    events: int
    measure: object  # (tools, who, folder, events) -> us of CPU an event, events a second


def wait_for_bytes(path, wanted, alive):
    end = time.monotonic() + LIMIT_S
    while (size := os.path.getsize(path) if path.exists() else 0) < wanted:
        if not alive():
            raise BenchError(f"the process ended with {size} of {wanted} bytes stored")
        if time.monotonic() > end:
            raise BenchError(f"{size} of {wanted} bytes were stored in {LIMIT_S} s")
        time.sleep(0.005)


def send(port, times):
    with socket.create_connection(("127.0.0.1", port)) as s:
        for _ in range(times):
            s.sendall(BLOCK)


def tcp_file(tools, who, folder, events, connections=4):
    if who == "weir":
        port = free_port()
        env = {"PORT": str(port), "ADMIN_PORT": str(free_port()), "DIR": str(folder)}
        server = Server([tools.weir, "run", tools.here / "tcp_file.yaml"], folder, port, env)
    else:
        server = Server([tools.build / "bench_floor_tcp", folder / "out"], folder)
    try:
        server.wait_until_open()
        times = events // 1000 // connections
        wanted = times * connections * len(BLOCK)
        before, began = server.cpu(), time.monotonic()
        senders = [threading.Thread(target=send, args=(server.port, times)) for _ in range(connections)]
        for s in senders:
            s.start()
        for s in senders:
            s.join()
        wait_for_bytes(folder / "out", wanted, lambda: server.process.poll() is None)
        n = wanted / EVENT
        return (server.cpu() - before) * 1e6 / n, n / (time.monotonic() - began)
    finally:
        server.stop()


def file_file(tools, who, folder, events):
    with open(folder / "in", "wb") as f:
        for _ in range(events // 1000):
            f.write(BLOCK)
    os.sync()  # writing the input back is no part of either side
    wanted = events // 1000 * len(BLOCK)
    argv = ([tools.weir, "run", tools.here / "file_file.yaml"] if who == "weir" else
            [tools.build / "bench_floor_file", folder / "in", folder / "out"])
    env = os.environ | {"ADMIN_PORT": str(free_port()), "DIR": str(folder)}
    began = time.monotonic()
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen([str(a) for a in argv], stdout=log, stderr=log, env=env)
    try:
        if who == "weir":  # it goes on until it is told; the floor ends by itself
            wait_for_bytes(folder / "out", wanted, lambda: process.poll() is None)
            took = time.monotonic() - began
            process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if who != "weir":
            took = time.monotonic() - began
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    size = os.path.getsize(folder / "out")
    if process.returncode != 0 or size != wanted:
        raise BenchError(f"{who} ended with {process.returncode} and {size} of {wanted} bytes stored")
    n = wanted / EVENT
    return (usage.ru_utime + usage.ru_stime) * 1e6 / n, n / took


STREAMS = {
    "tcp_file": Stream("tcp -> file, 4 connections", 1.5, 1_000_000, tcp_file),
    "file_file": Stream("file -> file, 200-byte lines", 1.6, 1_000_000, file_file),
}


@contextlib.contextmanager
def scratch():
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stream_pairs(name, tools, count, deadline):
    """Interleaved pairs of a fresh weir and a fresh floor; who goes first alternates."""
    stream, pairs = STREAMS[name], []
    while len(pairs) < count and time.monotonic() < deadline:
        pair = {}
        for who in ("weir", "floor") if len(pairs) % 2 else ("floor", "weir"):
            with scratch() as folder:
                us, rate = stream.measure(tools, who, folder, stream.events)
            pair[who] = {"us": us, "rate": rate}
        pairs.append(pair | {"ratio": pair["weir"]["us"] / pair["floor"]["us"]})
    return pairs
