#!/usr/bin/env python3
"""What a gateway that is told nothing keeps of a service's capacity, and what a proxied request costs.

    bench/gateway.py BUILD_DIR                  goodput and times at 1.4 and 10 times the capacity, then CPU per request
    bench/gateway.py BUILD_DIR --seconds 10 --factors 0.5,1,1.4,2,10

The service is `weir upstream` with 8 slots of exponential 10 ms: C = 800 requests a second. The load is open: requests start
when their time has come, whatever has become of those before, and count as good when they are answered 2xx within 1 s of that
time. nginx and HAProxy are measured beside it where they are installed, as plain proxies with keep-alive.
"""
import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
from loopback import free_ports  # noqa: E402

CAPACITY, DEADLINE = 800.0, 1.0
REQUEST = b"GET /p HTTP/1.1\r\nHost: bench\r\n\r\n"


class Client(asyncio.Protocol):
    """One keep-alive connection; a request at a time. Answers carry Content-Length."""

    def __init__(self, idle):
        self.idle, self.done, self.data = idle, None, b""

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, done):
        self.done, self.data = done, b""
        self.transport.write(REQUEST)

    def data_received(self, data):
        self.data += data
        end = self.data.find(b"\r\n\r\n")
        if end < 0 or self.done is None:
            return
        head = self.data[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n")[0]) if at >= 0 else 0
        if len(self.data) < end + 4 + length:
            return
        done, self.done = self.done, None
        done(int(head[9:12]))
        if b"connection: close" in head:
            self.transport.close()
        else:
            self.idle.append(self)

    def connection_lost(self, error):
        if self in self.idle:
            self.idle.remove(self)
        if self.done:
            done, self.done = self.done, None
            done(0)


async def open_loop(port, rate, seconds, warm_up):
    """{status: [seconds from the time of the request]} of those that began after the warm-up; status 0: no answer."""
    loop, idle, seen = asyncio.get_running_loop(), [], {}
    begin = loop.time() + 0.1
    at, under_way = begin, set()

    async def one(due):
        client = idle.pop() if idle else (await loop.create_connection(lambda: Client(idle), "127.0.0.1", port))[1]
        answer = loop.create_future()
        client.ask(lambda status: answer.done() or answer.set_result(status))
        try:
            status = await asyncio.wait_for(answer, max(0.01, due + DEADLINE - loop.time()))
        except asyncio.TimeoutError:
            status = 0
            client.transport.abort()
        if due >= begin + warm_up:
            seen.setdefault(status, []).append(loop.time() - due)

    while at < begin + warm_up + seconds:
        at += random.expovariate(rate)
        if at > loop.time():
            await asyncio.sleep(at - loop.time())
        task = asyncio.ensure_future(one(at))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    return seen


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def cpu_of(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            total += sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")


def family(pid):
    pids = [pid]
    for row in os.listdir("/proc"):
        if row.isdigit():
            try:
                with open(f"/proc/{row}/stat") as f:
                    if int(f.read().rsplit(")", 1)[1].split()[1]) == pid:
                        pids.append(int(row))
            except OSError:
                pass
    return pids


def weir_config(port, admin, service):
    return (f"memory: 512MiB\nupstreams:\n  shop: {{ endpoints: ['127.0.0.1:{service}'] }}\n"
            f"gateways:\n  edge:\n    listen: 127.0.0.1:{port}\n    routes: [ {{ match: {{ path: /** }}, to: shop, "
            f"deadline: 1s }} ]\nadmin: {{ listen: '127.0.0.1:{admin}' }}\nlog: {{ level: warn }}\n")


def proxies(build, folder, service):
    """Those that are there: name, command, port."""
    ports = free_ports(4)

    def write(name, text):
        path = os.path.join(folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path
    yield "weir", [os.path.join(build, "weir"), "run", write("w.yaml", weir_config(ports[0], ports[1], service))], ports[0]
    if shutil.which("nginx"):
        yield "nginx", ["nginx", "-p", folder, "-g", "daemon off;", "-c", write("nginx.conf", (
            f"pid {folder}/n.pid;\nerror_log stderr crit;\nevents {{ worker_connections 4096; }}\nhttp {{ access_log off;\n"
            f"upstream s {{ server 127.0.0.1:{service}; keepalive 64; }}\nserver {{ listen 127.0.0.1:{ports[2]};\n"
            "location / { proxy_pass http://s; proxy_http_version 1.1; proxy_set_header Connection ''; } } }\n"))], ports[2]
    if shutil.which("haproxy"):
        yield "haproxy", ["haproxy", "-db", "-f", write("h.cfg", (
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 30s\n  timeout server 30s\n"
            f"listen l\n  bind 127.0.0.1:{ports[3]}\n  server s 127.0.0.1:{service}\n"))], ports[3]


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/.weir/upstream", timeout=1).read()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise SystemExit(f"{command[0]} does not answer on port {port}")


def stop(process):
    process.terminate()
    process.wait()


def overload(build, folder, factors, seconds):
    for factor in factors:
        service_port = free_ports(1)[0]
        service = start([os.path.join(build, "weir"), "upstream", "--listen", f"127.0.0.1:{service_port}"], service_port)
        _, command, port = next(proxies(build, folder, service_port))
        gateway = start(command, port)
        seen = asyncio.run(open_loop(port, factor * CAPACITY, seconds, 3))
        good = [t for status, times in seen.items() if 200 <= status < 300 for t in times]
        bad = [t for status, times in seen.items() if status == 503 for t in times]
        lost = len(seen.get(0, []))
        share = len(good) / seconds / min(CAPACITY, factor * CAPACITY)
        print(f"{factor:>5} C  goodput {share:.3f}  p99 {1e3 * quantile(good, .99):.0f} ms  refused {len(bad)} "
              f"(p99 {1e3 * quantile(bad, .99):.1f} ms)  unanswered {lost}", flush=True)
        stop(gateway)
        stop(service)


def cost(build, folder, seconds):
    service_port = free_ports(1)[0]
    service = start([os.path.join(build, "weir"), "upstream", "--listen", f"127.0.0.1:{service_port}", "--slots", "64",
                     "--time", "fixed:0ms"], service_port)
    for name, command, port in proxies(build, folder, service_port):
        proxy = start(command, port)
        asyncio.run(open_loop(port, 1000, 2, 0))
        before = cpu_of(family(proxy.pid))
        seen = asyncio.run(open_loop(port, 1000, seconds, 0))
        used = cpu_of(family(proxy.pid)) - before
        print(f"{name:>8}  {1e6 * used / max(1, len(seen.get(200, []))):.1f} us of CPU a request  "
              f"{ {k: len(v) for k, v in seen.items()} }", flush=True)
        stop(proxy)
    stop(service)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--factors", default="1.4,10")
    options = parser.parse_args()
    print(json.dumps({"load": os.getloadavg()[0], "cores": os.cpu_count()}))
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        overload(options.build, folder, [float(f) for f in options.factors.split(",")], options.seconds)
        cost(options.build, folder, options.seconds)


if __name__ == "__main__":
    main()
