"""Clients: well-behaved ones over http.client, and raw sockets for what no library would send."""
import gzip
import http.client
import json
import select
import socket
import threading
import time


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def count(self, fate):
        """How many of its events ended so; told one by one only when they did not all end alike."""
        told = self.json
        return told["paths"].get(fate, 0) if "paths" in told else told["events"] * (told["fate"] == fate)

    @property
    def stored(self):
        return self.count("stored")

    @property
    def retry_after(self):
        value = self.headers.get("retry-after")
        return None if value is None else int(value)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body!r}"


def events(first, count, **fields):
    return [{"id": f"{first}-{i}", **fields} for i in range(count)]


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def post(address, body, path="/events", method="POST", timeout=30, connection=None, **headers):
    """Headers as keyword arguments: content_type="text/csv" becomes Content-Type."""
    own = connection or http.client.HTTPConnection(*address, timeout=timeout)
    try:
        named = {key.replace("_", "-").title(): value for key, value in headers.items()}
        own.request(method, path, body=body, headers=named)
        answer = own.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    finally:
        if not connection:
            own.close()


def post_or_reset(address, body):
    """As `post`; None where the refusal was gone before its client came to read it: it is kept for two seconds."""
    try:
        return post(address, body)
    except ConnectionError:
        return None


def post_gzip(address, body, **more):
    return post(address, gzip.compress(body), content_encoding="gzip", **more)


class Load(threading.Thread):
    """An obedient client: sends, comes back when it is told to, knows what it was told is stored."""

    def __init__(self, address, name, stop):
        super().__init__(daemon=True)
        self.address, self.name_, self.stop_, self.stored, self.sent, self.odd = address, name, stop, set(), set(), []
        self.start()

    def run(self):
        n = 0
        while not self.stop_.is_set():
            rows = events(f"{self.name_}-{n}", 20, n=n)
            n += 1
            self.sent |= {row["id"] for row in rows}
            while True:
                answer = post(self.address, ndjson(rows), timeout=90)
                if answer.status == 200:
                    self.stored |= {row["id"] for row in rows}
                elif answer.status == 503 and not self.stop_.is_set():
                    time.sleep(min(1, answer.retry_after or 1))
                    continue
                elif answer.status != 503:
                    self.odd.append(answer)
                break


class Stream:
    """What HTTPResponse reads from, with what it has read ahead kept for the next answer."""

    def __init__(self, sock):
        self.file = sock.makefile("rb")

    def makefile(self, *_):
        return self

    def close(self):
        pass

    def flush(self):
        pass

    def __getattr__(self, name):
        return getattr(self.file, name)


class Raw:
    """A socket that says exactly what it is told."""

    def __init__(self, address, timeout=30, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.stream = Stream(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def answer(self):
        """The next answer; None when the other side has closed instead."""
        try:
            reply = http.client.HTTPResponse(self.stream)
            reply.begin()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode())
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            return None

    def has_answer(self, within):
        return bool(select.select([self.socket], [], [], within)[0])

    def closed_within(self, seconds):
        """Whether the other side ends the connection in that time."""
        end = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                if not self.socket.recv(65536):
                    return True
            except (ConnectionResetError, BrokenPipeError):
                return True
            except TimeoutError:
                return False
