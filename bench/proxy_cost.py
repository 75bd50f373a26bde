#!/usr/bin/env python3
"""What a proxied request costs: CPU of the proxy, user and system, beside HAProxy, nginx and Envoy in the same run.

    bench/proxy_cost.py BUILD_DIR                        all of them: requests, refusals, idle connections, streams
    bench/proxy_cost.py BUILD_DIR --only requests --rounds 3

The service behind is nginx with a fixed body (`weir upstream` where there is none); load is wrk with 64 keep-alive
connections. The proxies stand side by side and are loaded in turn, so that what else the machine does falls on all of them.
"""
import argparse
import contextlib
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import proxies
from loopback import free_ports


def body_service(folder, size):
    """nginx that answers everything with `size` bytes, and takes any body."""
    port = free_ports(1)[0]
    root = os.path.join(folder, "root")
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "p"), "w") as f:
        f.write("x" * size)
    where = os.path.join(folder, "service")
    os.makedirs(where, exist_ok=True)
    config = proxies.write(where, "nginx.conf", f"""
user root;
worker_processes 1;
pid {where}/nginx.pid;
error_log {where}/nginx.err crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {where}/b; proxy_temp_path {where}/p;
  fastcgi_temp_path {where}/f; uwsgi_temp_path {where}/u; scgi_temp_path {where}/s;
  open_file_cache max=10; open_file_cache_valid 1h; sendfile on; tcp_nopush on;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
""")
    return proxies.Process(["nginx", "-p", where, "-g", "daemon off;", "-c", config], port)


def wrk(port, seconds, connections=64, path="/p"):
    """Requests answered 2xx or 3xx, and all."""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, check=True).stdout
    answered = int(re.search(r"(\d+) requests in", text).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return answered - int(bad.group(1) if bad else 0), answered


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def requests(build, folder, names, rounds, seconds=2):
    for size in (1024, 64 << 10):
        with contextlib.ExitStack() as stack:
            service = stack.enter_context(body_service(folder, size))
            servers = {n: stack.enter_context(proxies.start(n, build, folder, service.port, plain=True)) for n in names}
            costs = {n: [] for n in names}
            for server in servers.values():
                wrk(server.port, 1)
            for _ in range(rounds):
                for name, server in servers.items():
                    before = server.cpu_seconds()
                    good, answered = wrk(server.port, seconds)
                    costs[name].append(1e6 * (server.cpu_seconds() - before) / max(1, answered))
                    if good < 0.99 * answered:
                        print(f"  {name}: {answered - good} of {answered} were not 2xx")
        row = "  ".join(f"{n} {median(c):.1f} [{min(c):.1f}-{max(c):.1f}]" for n, c in costs.items())
        print(f"us a request, {size:>6} bytes   {row}", flush=True)


def refusals(build, folder, names, rounds, seconds=4):
    """Per attempt at 10 times the capacity of a service of 8 slots."""
    load = os.path.join(build, "bench_open_load")
    for name in names:
        costs = []
        for seed in range(rounds):
            with proxies.start_service(build) as service, proxies.start(name, build, folder, service.port) as server:
                command = [load, "--port", str(server.port), "--seed", str(seed + 1), "--stream", "rate=8000", "--seconds"]
                subprocess.run([*command, "1"], capture_output=True, check=True)
                before = server.cpu_seconds()
                text = subprocess.run([*command, str(seconds)], capture_output=True, text=True, check=True).stdout
                attempts = int(re.search(r'"attempts":(\d+)', text).group(1))
                costs.append(1e6 * (server.cpu_seconds() - before) / attempts)
        print(f"us an attempt at 10 C  {name:<8} {median(costs):.1f} [{min(costs):.1f}-{max(costs):.1f}]", flush=True)


def idle(build, folder, names, _rounds, count=10_000):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with body_service(folder, 1024) as service:
        for name in names:
            if name == "haproxy" or name == "envoy":
                continue
            with proxies.start(name, build, folder, service.port, plain=True, connections=count + 100) as server:
                before, open_ = server.pss_mib(), []
                for _ in range(count):
                    s = socket.create_connection(("127.0.0.1", server.port))
                    s.sendall(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
                    got = b""
                    while not got.endswith(b"x" * 1024):
                        got += s.recv(8192)
                    open_.append(s)
                time.sleep(1)
                print(f"MiB with {count} idle connections  {name:<8} {server.pss_mib():.1f} ({before:.1f} before)", flush=True)
                for s in open_:
                    s.close()


def sink(port, size):
    """A service that reads `size` bytes of body and answers 2xx."""
    listener = socket.create_server(("127.0.0.1", port))

    def serve():
        connection, _ = listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        left = size - len(head.split(b"\r\n\r\n", 1)[1])
        buffer = bytearray(1 << 20)
        while left > 0:
            left -= connection.recv_into(buffer)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        connection.close()
    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def streams(build, folder, names, rounds, size=1 << 30):
    for name in names:
        up, down, memory = [], [], 0
        for _ in range(rounds):
            with body_service(folder, 64 << 20) as service, \
                    proxies.start(name, build, folder, service.port, plain=True, stream=True) as server:
                before = server.cpu_seconds()
                for _ in range(size >> 26):
                    subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{server.port}/p"], check=True)
                down.append(server.cpu_seconds() - before)
                memory = max(memory, server.pss_mib())
            port = free_ports(1)[0]
            listener, thread = sink(port, size)
            with proxies.start(name, build, folder, port, plain=True, stream=True) as server:
                before = server.cpu_seconds()
                client = socket.create_connection(("127.0.0.1", server.port))
                client.sendall(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
                piece = b"x" * (1 << 20)
                for _ in range(size >> 20):
                    client.sendall(piece)
                client.recv(4096)
                up.append(server.cpu_seconds() - before)
                memory = max(memory, server.pss_mib())
                client.close()
                thread.join(30)
                listener.close()
        print(f"s of CPU a GiB  {name:<8} down {median(down):.2f}  up {median(up):.2f}  PSS {memory:.1f} MiB", flush=True)


PARTS = {"requests": requests, "refusals": refusals, "idle": idle, "streams": streams}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--proxies", default=",".join(proxies.PROXIES))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = [n for n in options.proxies.split(",") if proxies.there(n)]
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not installed, and the load or the service behind is made of it")
    with contextlib.suppress(PermissionError):
        os.nice(-15)
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        for part in options.only.split(","):
            PARTS[part](options.build, folder, names, options.rounds)


if __name__ == "__main__":
    main()
