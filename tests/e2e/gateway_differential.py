"""The same requests through Weir, nginx and HAProxy to one recording service: what each lets through, and what the
service then reads. Each kind of difference is explained in docs/gateway.md, and named here; one that is not fails.

With WEIR_DIFFERENCES=1 it prints them all.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import odd_requests
from explained_differences import EXPLAINED
from gateway_kit import GatewayTest, Peer
from weir_process import PATIENCE, eventually, free_port, main

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
NGINX_CONFIG = """
daemon off; master_process off; pid @DIR/nginx.pid; error_log @DIR/nginx.error;
events { worker_connections 256; }
http { access_log off; client_body_temp_path @DIR/b; proxy_temp_path @DIR/p; fastcgi_temp_path @DIR/f; uwsgi_temp_path @DIR/u; scgi_temp_path @DIR/s;
server { listen 127.0.0.1:@PORT; location / { proxy_pass http://@BACK; proxy_http_version 1.1; proxy_ignore_client_abort on; proxy_set_header Host $http_host; proxy_set_header Connection ""; proxy_request_buffering off; } } }
"""
HAPROXY_CONFIG = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend f
    bind 127.0.0.1:@PORT
    default_backend b
backend b
    server s @BACK
"""


class Recorder:
    """A service that reads strictly by RFC 9112 and remembers "METHOD PATH length-of-body" of each request."""

    def __init__(self):
        self.seen, self.lock = [], threading.Lock()
        self.peer = Peer(self.serve)
        self.address = self.peer.address

    def serve(self, s):
        f = s.makefile("rb")
        while True:
            line = f.readline().decode("latin-1").rstrip("\r\n")
            if not line:
                return
            fields = {}
            while text := f.readline().decode("latin-1").rstrip("\r\n"):
                name, _, value = text.partition(":")
                fields[name.strip().lower()] = value.strip()
            method, path = (line.split(" ") + [""])[:2]
            try:
                body = self.body(f, fields)
            except ValueError:
                body = None
            with self.lock:
                self.seen.append((method, path.split("?")[0], body))
            if body is None:
                return
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if method == "HEAD" else b"ok"))

    @staticmethod
    def body(f, fields):
        """Its length; None: it broke off."""
        if "chunked" not in fields.get("transfer-encoding", "").lower():
            length = int(fields.get("content-length") or 0)
            return length if len(f.read(length)) == length else None
        total = 0
        while True:
            line = f.readline()
            if not line.endswith(b"\n"):
                return None
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while (trailer := f.readline()) not in (b"\r\n", b"\n"):
                    if not trailer:
                        return None
                return total
            if len(f.read(size)) != size or f.read(2) != b"\r\n":
                return None
            total += size

    def take(self):
        with self.lock:
            seen, self.seen = self.seen, []
        return seen


def ask(address, data, pause=0):
    """The statuses that come back. A proxy may leave what a client has sent unread once that has closed its half: with
    a pause it has the time to answer before."""
    with socket.create_connection(address, timeout=PATIENCE) as s:
        out = b""
        try:
            s.sendall(data)
            time.sleep(pause)
            s.shutdown(socket.SHUT_WR)
            while more := s.recv(65536):
                out += more
        except OSError:
            pass
    return [int(n) for n in re.findall(rb"HTTP/1\.[01] (\d\d\d)", out) if n != b"100"]


@unittest.skipUnless(NGINX and HAPROXY, "nginx and haproxy are not both installed")
class Differential(GatewayTest):
    def proxy(self, kind, command, name, text, back):
        port = free_port()
        path = self.path(name)
        with open(path, "w") as f:
            f.write(text.replace("@PORT", str(port)).replace("@BACK", back).replace("@DIR", self.folder))
        process = subprocess.Popen([*command, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))

        def listens():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                assert process.poll() is None, f"{kind} ended"
        eventually(listens, f"{kind} listens")
        return "127.0.0.1", port

    def outcomes(self):
        """name -> proxy -> (statuses, what the service has read whole)."""
        backs = {kind: Recorder() for kind in ("weir", "nginx", "haproxy")}
        [self.addCleanup(back.peer.close) for back in backs.values()]
        self.run_gateway(backs["weir"].address, gateway="    half_close: serve", more="    breaker: { consecutive_failures: 1000000 }")
        addresses = {"weir": self.weir.address,
                     "nginx": self.proxy("nginx", [NGINX, "-p", self.folder, "-c"], "nginx.conf", NGINX_CONFIG, backs["nginx"].address),
                     "haproxy": self.proxy("haproxy", [HAPROXY, "-db", "-f"], "haproxy.cfg", HAPROXY_CONFIG, backs["haproxy"].address)}
        out = {}
        for _, name, data in odd_requests.all_cases():
            out[name] = {kind: self.outcome(address, backs[kind], data) for kind, address in addresses.items()}
            if self.unexplained(name, out[name]):
                out[name] = {kind: self.outcome(address, backs[kind], data, pause=1) for kind, address in addresses.items()}
        return out

    @staticmethod
    def outcome(address, back, data, pause=0):
        statuses = ask(address, data, pause)
        return statuses, [(method, re.sub(r"\d\d\d", "N", path)[:60], body) for method, path, body in back.take() if body is not None]

    @staticmethod
    def why(name, other):
        return next((why for pattern, who, why in EXPLAINED if other in who and re.search(pattern, name)), None)

    def unexplained(self, name, by):
        return [other for other in ("nginx", "haproxy")
                if self.verdict(by["weir"]) != self.verdict(by[other]) and not self.why(name, other)]

    @staticmethod
    def verdict(outcome):
        """What matters: which requests the service has read."""
        return outcome[1]

    def test_each_difference_is_explained(self):
        unexplained, table = [], []
        for name, by in self.outcomes().items():
            for other in ("nginx", "haproxy"):
                if self.verdict(by["weir"]) == self.verdict(by[other]):
                    continue
                why = self.why(name, other)
                table.append(f"{name[:50]:50} {other:8} {by['weir']} | {by[other]} | {why}")
                if not why:
                    unexplained.append(table[-1])
        if os.environ.get("WEIR_DIFFERENCES"):
            print("\n".join(table), file=sys.stderr)
        self.assertFalse(unexplained, "\n" + "\n".join(unexplained))


if __name__ == "__main__":
    main()
