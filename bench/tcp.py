#!/usr/bin/env python3
"""TCP to a file: CPU per event of the server process, as a ratio to a floor measured in the same run.

Interleaved pairs of a fresh weir and a fresh floor, who goes first alternates. A run ends when every byte is in the file.
"""
import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from servers import BenchError, Server, free_port

TARGET, EVENT = 1.5, 200


def send(port, blob, times):
    with socket.create_connection(("127.0.0.1", port)) as s:
        for _ in range(times):
            s.sendall(blob)


def run(make, events, connections):
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    try:
        server = make(folder)
        server.wait_until_open()
        try:
            blob = b'{"id":"load-000000000000","pad":"' + b"x" * (EVENT - 36) + b'"}\n'
            assert len(blob) == EVENT
            blob *= 1000
            times = events // 1000 // connections
            wanted = times * connections * len(blob)
            before, began = server.cpu(), time.monotonic()
            senders = [threading.Thread(target=send, args=(server.port, blob, times)) for _ in range(connections)]
            for s in senders:
                s.start()
            for s in senders:
                s.join()
            while (size := os.path.getsize(folder / "out")) < wanted:
                if time.monotonic() - began > 60:
                    raise BenchError(f"{server.name()} stored {size} of {wanted} bytes in 60 s: {server.last_words()}")
                time.sleep(0.005)
            return (server.cpu() - before) * 1e6 / (wanted / EVENT), wanted / EVENT / (time.monotonic() - began)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    root = Path(__file__).resolve().parent.parent
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default=root / "build/release")
    p.add_argument("--pairs", type=int, default=7)
    p.add_argument("--events", type=int, default=1_000_000)
    p.add_argument("--connections", type=int, default=4)
    args = p.parse_args()
    build, here = Path(args.build).resolve(), Path(__file__).resolve().parent

    def weir(folder):
        port = free_port()
        env = {"PORT": str(port), "ADMIN_PORT": str(free_port()), "DIR": str(folder)}
        return Server([build / "weir", "run", here / "tcp_file.yaml"], folder, port, env)

    def floor(folder):
        return Server([build / "bench_floor_tcp", folder / "out"], folder)

    pairs = []
    for turn in range(args.pairs):
        order = [weir, floor] if turn % 2 else [floor, weir]
        pairs.append({make.__name__: run(make, args.events, args.connections) for make in order})
    ratios = [pair["weir"][0] / pair["floor"][0] for pair in pairs]
    for who in ("floor", "weir"):
        us, rate = ([pair[who][k] for pair in pairs] for k in (0, 1))
        print(f"{who:<6} {statistics.median(us):.3f} [{min(us):.3f}-{max(us):.3f}] us CPU an event, "
              f"{statistics.median(rate) / 1e6:.2f} M events/s")
    ratio = statistics.median(ratios)
    print(f"tcp -> file, {args.connections} connections: ratio {ratio:.2f} [{min(ratios):.2f}-{max(ratios):.2f}], "
          f"target {TARGET}: {'met' if ratio <= TARGET else 'missed'}")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(str(error))
