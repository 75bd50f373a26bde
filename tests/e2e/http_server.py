"""The other side of an http sink: a server that does what a test tells it, and remembers when it was asked and what it took."""
import http.server
import json
import random
import socket
import threading
import time

from weir_process import free_port


class Reply:
    def __init__(self, status, headers=None, hang=0):
        self.status, self.headers, self.hang = status, headers or {}, hang


class OtherSide:
    """`script(n, ids)` is the Reply to the n-th request (from 1); what is answered 2xx is taken."""

    def __init__(self, script, port=0):
        self.script = script
        self.lock = threading.Lock()
        self.requests, self.taken = [], []  # (when, status), ids
        self.over = threading.Event()
        self.port = port or free_port()
        self.start()

    def start(self):
        side = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                side.answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            connections = []

            def get_request(self):
                connection, address = super().get_request()
                self.connections.append(connection)
                return connection, address

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.connections = []
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        ids = [json.loads(line)["id"] for line in body.splitlines()]
        with self.lock:
            reply = self.script(len(self.requests) + 1, ids)
            self.requests.append((time.monotonic(), reply.status))
            if reply.status // 100 == 2:
                self.taken += ids
        if reply.hang and self.over.wait(reply.hang):
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def die(self):
        """As a killed process: nobody listens, and every connection is gone."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.over.set()
        self.die()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/in"

    def count(self, status=None):
        with self.lock:
            return sum(status in (None, s) for _, s in self.requests)

    def busiest_second(self):
        """Most requests in any second."""
        times = [when for when, _ in self.requests]
        return max((sum(start <= t < start + 1 for t in times) for start in times), default=0)

    def rate(self):
        times = [when for when, _ in self.requests]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def refusing_half(retry_after=1, seed=1, work=0.0):
    """Refuses at once; what it takes costs it `work` seconds."""
    chance = random.Random(seed)
    return lambda n, ids: (Reply(503, {"Retry-After": str(retry_after)}) if chance.random() < 0.5
                           else Reply(200, hang=work))


class Limited:
    """`limit` requests in each window, announced with every answer."""

    def __init__(self, limit, window):
        self.limit, self.window = limit, window
        self.began, self.used = None, 0

    def __call__(self, n, ids):
        now = time.monotonic()
        if self.began is None or now - self.began >= self.window:
            self.began, self.used = now, 0
        left = max(1, int(self.window - (now - self.began) + 0.999))
        self.used += 1
        told = {"RateLimit": f'"default";r={max(0, self.limit - self.used)};t={left}',
                "RateLimit-Policy": f'"default";q={self.limit};w={self.window}'}
        if self.used > self.limit:
            return Reply(429, {**told, "Retry-After": str(left)})
        return Reply(200, told)
