"""Senders of lines: made to wait by the window, served alike, told nothing, and never able to harm each other."""
import json
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

from clients import events, ndjson
from stalls import Locked, rows_of
from weir_process import PATIENCE, WeirTest, eventually, main, needs

# A frame's time is long enough for those who are only held up in the middle of one.
FILE = """
memory: 192MiB
sources:
  in: { type: tcp, listen: "@HTTP", frame_timeout: 5s, max_connections: 256%s }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
"""

SQLITE = """
memory: 128MiB
sources:
  in: { type: tcp, listen: "@HTTP", max_connections: 64 }
sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    queue: { max_events: 512 }
admin: { listen: "@ADMIN" }
"""

FORWARD = """
memory: 192MiB
reactors: 1
sources:
  in: { type: tcp, listen: "@HTTP", max_connections: 256 }
sinks:
  out: { type: tcp, from: [in], address: "127.0.0.1:%d", send_buffer: 64KiB, write_timeout: 10s, queue: { max_events: 512 } }
admin: { listen: "@ADMIN" }
"""


def connect(address, send_buffer=None):
    s = socket.socket()
    if send_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    s.connect(address)
    return s


def line(sender, n, size=200):
    text = '{"id":"%s-%d","pad":"' % (sender, n)
    return (text + "x" * (size - len(text) - 3) + '"}\n').encode()


class Pressed:
    """A sender of numbered lines that never blocks: it knows how much the other side has let it write."""

    def __init__(self, address, send_buffer=65536):
        self.socket = connect(address, send_buffer)
        self.socket.setblocking(False)
        self.made, self.sent, self.left = 0, 0, b""

    def push(self, most):
        """Until the window is closed or `most` lines are made; the bytes written."""
        before = self.sent
        while self.left or self.made < most:
            if not self.left:
                self.left = b"".join(line("w", self.made + i) for i in range(min(100, most - self.made)))
                self.made += min(100, most - self.made)
            try:
                n = self.socket.send(self.left)
            except BlockingIOError:
                break
            self.left, self.sent = self.left[n:], self.sent + n
        return self.sent - before


class SlowReader:
    """Takes one connection and reads from it at a rate; counts the lines of each sender."""

    def __init__(self, bytes_per_second):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]
        self.rate, self.counts, self.stop = bytes_per_second, {}, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        connection, _ = self.listener.accept()
        began, taken, rest = time.monotonic(), 0, b""
        while True:
            allowed = int((time.monotonic() - began) * self.rate) - taken if not self.stop else 1 << 20
            if allowed < 4096:
                time.sleep(0.002)
                continue
            data = connection.recv(min(allowed, 1 << 16))
            if not data:
                return
            taken += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for text in lines:
                sender = text[7:text.index(b"-")]
                self.counts[sender] = self.counts.get(sender, 0) + 1


def certificate(folder):
    needs("openssl")
    cert, key = folder + "/cert.pem", folder + "/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    return cert, key


class Tcp(WeirTest):
    def ids(self):
        return [e["id"] for e in self.lines_of("out.ndjson")]

    def stored(self):
        return self.weir.graph(sink="out")["stored"]

    def test_a_full_flow_closes_the_window_within_the_bound_and_opens_it_again(self):
        self.weir = self.start(SQLITE)
        with Pressed(self.weir.address).socket as probe:
            probe.setblocking(True)
            probe.sendall(line("first", 0))
        eventually(lambda: self.stored() == 1, "the first event is stored")
        sender, total = Pressed(self.weir.address), 60_000
        with Locked(self.path("out.db")):
            quiet = 0

            def blocked():
                """A hundred looks in a row at a source that does not read: who only has no processor does not answer."""
                nonlocal quiet
                quiet = quiet + 1 if not sender.push(total) and self.weir.graph(source="in")["paused"] else 0
                return quiet == 100
            eventually(blocked, lambda: f"its writes block: {self.weir.graph()}")
            at_rest = sender.sent
            time.sleep(0.5)
            self.assertEqual(sender.push(total), 0)
        kernel = 2 * 65536 + 2 * 65536  # this side's and the other side's buffers, doubled by Linux
        inside = 2 * 512 * 200 + 3 * (256 << 10)  # the queue and what its worker holds; open batch, waiting batch, tray
        print(f"window 0 after {at_rest} bytes ({at_rest / 200:.0f} events, bound 512); allowed {kernel + inside}")
        self.assertLess(at_rest, kernel + inside)
        began = time.monotonic()
        eventually(lambda: sender.push(total) == 0 and not sender.left and sender.made == total, "it can write the rest", 3 * PATIENCE)
        sender.socket.close()
        eventually(lambda: self.stored() == total + 1, lambda: f"all are stored, not {self.stored()}", 3 * PATIENCE)
        print(f"{total} events of a sender that was blocked are stored {time.monotonic() - began:.2f} s after it was let go")
        found = rows_of(self.path("out.db"))
        self.assertEqual((len(found), len(set(found))), (total + 1, total + 1))

    def test_a_sender_100_times_faster_leaves_the_others_their_share(self):
        reader = SlowReader(4_000_000)  # 20 000 events a second: 100 for each
        self.weir = self.start(FORWARD % reader.port)
        senders = [connect(self.weir.address, 65536) for _ in range(200)]
        sent, left = [0] * 200, [b""] * 200
        for s in senders:
            s.setblocking(False)
        began, marks = time.monotonic(), []
        while len(marks) < 2:
            passed = time.monotonic() - began
            for i, s in enumerate(senders):
                due = int(passed * (12_000 if i == 0 else 120))  # the others: a fifth more than their share
                if not left[i] and sent[i] < due:
                    n = min(due - sent[i], 200)
                    left[i] = b"".join(line(f"s{i}", sent[i] + k) for k in range(n))
                    sent[i] += n
                try:
                    while left[i]:
                        left[i] = left[i][s.send(left[i]):]
                except BlockingIOError:
                    pass
            if passed > (marks[0][0] + 7.5 if marks else 3):
                marks.append((passed, dict(reader.counts)))
            time.sleep(0.005)
        (t0, before), (t1, after) = marks
        got = [after.get(b"s%d" % i, 0) - before.get(b"s%d" % i, 0) for i in range(200)]
        share = sum(got) / 200
        least, mean = min(got[1:]) / share, sum(got[1:]) / 199 / share
        print(f"fairness over {t1 - t0:.1f} s, {sum(got) / (t1 - t0):.0f} events/s: others get {mean:.3f} of an equal share on "
              f"average, {least:.3f} at least; the fast one {got[0] / share:.2f}")
        self.assertGreater(mean, 0.9)
        self.assertGreater(least, 0.85, "one connection, whose turn may just be due at the end")
        for i, s in enumerate(senders):  # the oracle: every line that was begun is ended, and all arrive once
            s.settimeout(PATIENCE)
        reader.stop = True
        for i, s in enumerate(senders):
            s.sendall(left[i])
            s.close()
        eventually(lambda: sum(reader.counts.values()) == sum(sent),
                   lambda: f"{sum(sent)} sent, {sum(reader.counts.values())} arrived")
        self.assertEqual([reader.counts.get(b"s%d" % i, 0) for i in range(200)], sent)

    def test_many_connections_and_every_event_once(self):
        self.weir = self.start(FILE % "")
        expected = []
        for n in range(100):
            with connect(self.weir.address) as s:
                batch = events(f"c{n}", 50)
                s.sendall(ndjson(batch))
                expected += [e["id"] for e in batch]
        eventually(lambda: self.stored() == len(expected), lambda: f"{self.stored()} stored")
        self.assertEqual(sorted(self.ids()), sorted(expected))

    def test_hostile_senders_harm_nobody(self):
        self.weir = self.start(FILE % ", max_event: 64KiB")
        honest = connect(self.weir.address)
        honest.sendall(line("h", 0))
        loris = connect(self.weir.address)
        loris.sendall(b"x" * 50_000)
        with connect(self.weir.address) as huge:
            huge.sendall(b"y" * 300_000 + b"\n" + line("huge", 1))
        with connect(self.weir.address) as half:
            half.sendall(line("half", 0) + line("half", 1)[:-1])
            half.shutdown(socket.SHUT_WR)
            self.assertEqual(half.recv(1), b"")
        rude = connect(self.weir.address)
        rude.sendall(line("rude", 0) + b"{\"id\":\"torn")
        eventually(lambda: self.stored() >= 5, lambda: f"{self.stored()} stored")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()
        self.assertTrue(select.select([loris], [], [], PATIENCE)[0], "a frame that does not end is closed after frame_timeout")
        self.assertEqual(loris.recv(1), b"")
        honest.sendall(line("h", 1))
        eventually(lambda: self.stored() == 6, lambda: f"{self.stored()} stored")
        self.assertEqual(sorted(self.ids()), ["h-0", "h-1", "half-0", "half-1", "huge-1", "rude-0"])
        honest.close()
        loris.close()
        eventually(lambda: self.weir.graph()["memory"]["used"] == 0, lambda: self.weir.graph()["memory"])

    def test_tls_carries_events_and_is_checked_at_start(self):
        cert, key = certificate(self.folder)
        self.weir = self.start(FILE % f', tls_certificate: "{cert}", tls_key: "{key}"')
        trusting = ssl.create_default_context(cafile=cert)
        with trusting.wrap_socket(connect(self.weir.address), server_hostname="127.0.0.1") as s:
            for n in range(1000):
                s.sendall(line("t", n))
            s.unwrap()
        eventually(lambda: self.stored() == 1000, lambda: f"{self.stored()} stored")
        self.assertEqual(self.ids(), [f"t-{n}" for n in range(1000)])
        with connect(self.weir.address) as plain:
            plain.sendall(line("plain", 0))
            self.assertTrue(select.select([plain], [], [], PATIENCE)[0])
        self.assertEqual(self.stored(), 1000)

    def test_https_answers_as_http_does(self):
        import http.client
        cert, key = certificate(self.folder)
        config = FILE % f', tls_certificate: "{cert}", tls_key: "{key}"'
        config = config.replace("type: tcp", "type: http, acks: stored").replace("frame_timeout: 5s", "max_event: 64KiB")
        self.weir = self.start(config)
        connection = http.client.HTTPSConnection(*self.weir.address, context=ssl.create_default_context(cafile=cert),
                                                 timeout=PATIENCE)
        for n in range(20):
            connection.request("POST", "/events", ndjson(events(f"s{n}", 100)))
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["events"]), (200, 100))
        connection.close()
        self.assertEqual(len(set(self.ids())), 2000)


if __name__ == "__main__":
    main()
