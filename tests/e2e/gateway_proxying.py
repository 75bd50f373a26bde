"""What a request and its answer look like on the other side of the gateway: fields, paths, hosts, trailers, names of
requests, deadlines, upgrades, stand-ins, and the log of accesses.
"""
import http.client
import json
import os
import re
import socket
import stat
import threading
import time

from gateway_kit import GatewayTest, read_head
from weir_process import PATIENCE, eventually, main

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Proxying(GatewayTest):
    def seen(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
        """A service that answers the same to all; the heads it has read."""
        heads = []

        def script(s):
            while True:
                head, _ = read_head(s)
                if not head:
                    return
                heads.append(head.decode("latin-1"))
                s.sendall(answer)
        return self.peer(script), heads

    def test_what_a_client_says_of_others_is_believed_from_trusted_peers_only(self):
        forged = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil",
                  "Forwarded": "for=1.2.3.4"}
        for gateway, expected, absent in (
                ("", ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"], ["1.2.3.4", "evil", "Forwarded: for"]),
                ("    trusted_peers: [127.0.0.0/8]", ["X-Forwarded-For: 1.2.3.4, 127.0.0.1", "X-Forwarded-Proto: https",
                                                      "X-Forwarded-Host: evil"], []),
                ("    forwarded: both", ["Forwarded: for=127.0.0.1;host=", "X-Forwarded-For: 127.0.0.1"], ["1.2.3.4"]),
                ("    trusted_peers: 10.0.0.0/8\n    forwarded: none", [], ["orwarded", "1.2.3.4"])):
            with self.subTest(gateway=gateway):
                peer, heads = self.seen()
                self.run_gateway(peer.address, gateway=gateway)
                self.assertEqual(self.ask(headers=forged)[0], 200)
                for text in expected:
                    self.assertIn(text, heads[0])
                for text in absent:
                    self.assertNotIn(text, heads[0])

    def test_a_route_changes_path_host_and_fields_each_way(self):
        peer, heads = self.seen(b"HTTP/1.1 200 OK\r\nServer: secret/1\r\nX-Old: 1\r\nContent-Length: 2\r\n\r\nok")
        self.run_gateway(peer.address, route="""        rewrite: /v2/**
        host: inner.example
        request: { set: { X-Key: abc }, add: { X-More: '1' }, remove: [Cookie] }
        answer: { set: { X-Old: '2' }, remove: Server }""")
        status, fields, _ = self.ask("/a/b?c=d", headers={"Cookie": "s=1", "X-Key": "forged", "Host": "shop.example"})
        self.assertEqual(status, 200)
        self.assertTrue(heads[0].startswith("GET /v2/a/b?c=d HTTP/1.1\r\nHost: inner.example\r\n"), heads)
        self.assertIn("X-Forwarded-Host: shop.example\r\n", heads[0])
        self.assertIn("X-Key: abc\r\nX-More: 1", heads[0])
        self.assertNotIn("Cookie", heads[0])
        self.assertNotIn("forged", heads[0])
        self.assertEqual((fields["X-Old"], fields.get("Server")), ("2", None))

    def test_requests_have_names_and_traces_go_on(self):
        peer, heads = self.seen()
        self.run_gateway(peer.address)
        self.ask(headers={"X-Request-Id": "abc-7", "traceparent": TRACE, "tracestate": "a=b"})
        self.ask(headers={"X-Request-Id": 'x" y'})
        self.ask()
        self.assertIn("X-Request-Id: abc-7\r\n", heads[0])
        self.assertIn(f"traceparent: {TRACE}\r\n", heads[0])
        self.assertIn("tracestate: a=b\r\n", heads[0])
        made = [re.search(r"X-Request-Id: ([0-9a-f]{32})\r\n", head) for head in heads[1:]]
        self.assertTrue(all(made), heads)
        self.assertNotEqual(made[0][1], made[1][1])

    def test_ranges_and_conditions_pass_both_ways(self):
        peer, heads = self.seen(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/9\r\nContent-Length: 2\r\n\r\nok")
        self.run_gateway(peer.address)
        status, fields, body = self.ask(headers={"Range": "bytes=1-2", "If-Match": '"a"'})
        self.assertEqual((status, fields["Content-Range"], body), (206, "bytes 1-2/9", b"ok"))
        self.assertIn("Range: bytes=1-2", heads[0])
        self.assertIn('If-Match: "a"', heads[0])

    def test_trailers_go_through_both_ways_to_who_takes_them(self):
        heads = []

        def script(s):
            while True:
                head, rest = read_head(s)
                if not head:
                    return
                while b"chunked" in head and not rest.endswith(b"\r\n\r\n"):
                    rest += s.recv(65536)
                heads.append((head, rest))
                s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                          b"2\r\nok\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n")
        peer = self.peer(script)
        self.run_gateway(peer.address)
        takes = self.raw(b"POST /p HTTP/1.1\r\nHost: h\r\nTE: gzip, trailers\r\nConnection: close, TE\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Up: 1\r\nCookie: c\r\n\r\n")
        self.assertTrue(takes.endswith(b"2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"), takes)
        self.assertIn(b"TE: trailers\r\n", heads[0][0])
        self.assertNotIn(b"gzip", heads[0][0])
        self.assertTrue(heads[0][1].endswith(b"0\r\nX-Up: 1\r\n\r\n"), heads)
        plain = self.raw(b"GET /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        self.assertTrue(plain.endswith(b"2\r\nok\r\n0\r\n\r\n"), plain)
        for field in (b"Content-Length: 5", b"Host: evil", b"Transfer-Encoding: chunked", b"Bad Field: x"):
            bad = self.raw(b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
                           + field + b"\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertTrue(bad.startswith(b"HTTP/1.1 400"), (field, bad))
            self.assertEqual(bad.count(b"HTTP/1.1 "), 1, bad)
        self.assertFalse([head for head, _ in heads if b"smuggled" in head])
        self.assertEqual(self.settled()["difference"], 0)

    def test_a_client_says_how_long_it_waits_and_the_service_reads_what_is_left(self):
        heads, late = [], threading.Event()
        self.addCleanup(late.set)

        def script(s):
            head, _ = read_head(s)
            heads.append(head.decode())
            if b"/late" in head:
                late.wait(PATIENCE)
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        peer = self.peer(script)
        self.run_gateway(peer.address, route="        deadline_from: grpc-timeout")
        self.assertEqual(self.ask(headers={"grpc-timeout": "2S"})[0], 200)
        self.assertLessEqual(int(re.search(r"grpc-timeout: (\d+)m(\r|$)", heads[-1])[1]), 2000)
        self.assertEqual(self.ask(headers={"grpc-timeout": "99999999H"})[0], 200)
        self.assertLessEqual(int(re.search(r"grpc-timeout: (\d+)m(\r|$)", heads[-1])[1]), 40000, "the route's is the most")
        self.assertEqual(self.ask()[0], 200)
        self.assertIn("grpc-timeout: ", heads[-1])
        sent = len(heads)
        self.assertEqual(self.ask(headers={"grpc-timeout": "0n"})[0], 504)
        self.assertEqual(len(heads), sent, "what has expired is not sent")
        began = time.monotonic()
        status, fields, _ = self.ask("/late", headers={"grpc-timeout": "100m"})
        self.assertEqual((status, fields["Weir-Reason"]), (504, "deadline_exceeded"))
        self.assertLess(time.monotonic() - began, 39, "sooner than the route's own 40 s")

    def test_who_cannot_be_served_gets_the_degraded_answer(self):
        self.run_gateway("127.0.0.1:1", route="        degraded: { status: 200, body: '{\"items\":[]}' }")
        status, fields, body = self.ask()
        self.assertEqual((status, body, fields["Weir-Degraded"]), (200, b'{"items":[]}', "upstream_unreachable"))
        self.assertEqual((fields["Cache-Control"], fields["Content-Type"]), ("no-store", "application/json"))
        self.assertEqual(self.ask(method="HEAD")[0], 200)
        self.assertEqual(self.ask(method="POST", body=b"x")[0], 503, "a change that was not made is not told as one")
        account = self.settled()
        self.assertEqual((account["refused"], account["degraded"], account["difference"]),
                         ({"upstream_unreachable": 3}, 2, 0))

    def upgrading(self, *, route="        upgrades: { allow: websocket, max: 1, idle: 300s }", more=""):
        """A service that switches to echoing whatever is asked."""
        heads = []

        def script(s):
            head, rest = read_head(s)
            heads.append(head.decode())
            s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\n\r\nhello")
            while True:
                data = rest or s.recv(65536)
                rest = b""
                if not data:
                    s.sendall(b"bye")
                    return
                s.sendall(data)
        peer = self.peer(script)
        self.run_gateway(peer.address, route=route, more=more)
        return heads

    def switch(self, more=b""):
        s = socket.create_connection(self.weir.address, timeout=PATIENCE)
        self.addCleanup(s.close)
        s.sendall(b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n" + more)
        return s

    @staticmethod
    def read_until(s, end):
        data = b""
        while end not in data:
            more = s.recv(65536)
            if not more:
                return data
            data += more
        return data

    def test_a_protocol_that_the_route_allows_is_carried_both_ways_until_one_side_ends(self):
        heads = self.upgrading()
        s = self.switch(b"early")
        got = self.read_until(s, b"early")
        self.assertTrue(got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"), got)
        self.assertIn(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", got)
        self.assertIn(b"X-Own: 1\r\n", got)
        self.assertIn("Connection: Upgrade\r\nUpgrade: websocket", heads[0])
        big = os.urandom(1 << 20)
        sender = threading.Thread(target=s.sendall, args=(big,))
        sender.start()
        back = b""
        while len(back) < len(big):
            back += s.recv(1 << 16)
        sender.join()
        self.assertEqual(back, big)
        eventually(lambda: (self.account()["in_flight"], self.account()["switched"]) == (1, 1), self.account)
        eventually(lambda: self.weir.ask("/api/ledger")["upstreams"][0]["in_flight"] == 0, "it holds no place at the upstream's limit")
        second = self.switch()
        refused = self.read_until(second, b"\r\n\r\n")
        self.assertTrue(refused.startswith(b"HTTP/1.1 503"), refused)
        s.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_until(s, b"bye"), b"bye", "what the service says last arrives")
        self.assertEqual(s.recv(1), b"")
        account = self.settled()
        self.assertEqual((account["answered"]["1xx"], account["switched"], account["difference"]), (1, 0, 0))

    def test_a_stop_closes_what_has_switched_when_its_time_is_over(self):
        self.upgrading()
        s = self.switch()
        self.read_until(s, b"hello")
        self.weir.signal(15)
        self.weir.says("stopping")
        self.weir.signal(15)
        self.assertEqual(self.weir.wait(), 0, "nobody was left without an answer: " + self.weir.log())
        self.assertIn("1 requests in, 1 answered", self.weir.log())

    def test_a_connection_that_is_idle_for_too_long_is_closed(self):
        self.upgrading(route="        upgrades: { allow: websocket, idle: 200ms }")
        s = self.switch()
        self.read_until(s, b"hello")
        try:
            self.assertEqual(s.recv(1), b"")
        except ConnectionResetError:
            pass
        self.assertEqual(self.settled()["difference"], 0)

    def test_what_no_route_allows_is_never_switched(self):
        heads = self.upgrading(route="        upgrades: { allow: chat }", more="    breaker: { consecutive_failures: 100 }")
        for fields in (b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade, HTTP2-Settings\r\n",
                       b"Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n", b"Upgrade: chat, h2c\r\nConnection: Upgrade\r\n",
                       b"Upgrade: chat\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n", b"Upgrade: chat\r\n"):
            answer = self.raw(b"GET /ws HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\nGET /admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 502"), (fields, answer))
            self.assertNotIn(b" 101 ", answer)
        self.assertFalse([head for head in heads if "Upgrade" in head or "HTTP2" in head], heads)
        self.assertEqual(self.settled()["difference"], 0)

    def test_each_request_is_a_line_in_the_log_and_no_secret_is_in_it(self):
        service = self.service("--slots", "4", "--time", "fixed:1ms")
        self.run_gateway(service.address, gateway="    access_log: { path: @DIR/access.log }")
        self.ask("/p?token=geheim", headers={"Cookie": "geheim", "Authorization": "Basic geheim", "X-Request-Id": "r1",
                                             "traceparent": TRACE})
        self.raw(b"GET /a/../b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        path = self.path("access.log")

        def lines(file):
            with open(file) as f:
                return [json.loads(line) for line in f.read().splitlines()]
        eventually(lambda: len(lines(path)) == 2, lambda: lines(path))
        first, second = lines(path)
        self.assertEqual({key: first[key] for key in ("gateway", "id", "trace", "peer", "method", "path", "route", "end",
                                                      "status", "upstream", "endpoint", "attempts")},
                         {"gateway": "edge", "id": "r1", "trace": TRACE[3:35], "peer": "127.0.0.1", "method": "GET",
                          "path": "/p", "route": "/**", "end": "answered", "status": 200, "upstream": "shop",
                          "endpoint": service.address, "attempts": 1})
        self.assertGreater(first["head_ms"], 0)
        self.assertEqual((second["end"], second["status"], second["reason"]), ("refused", 400, "bad_request"))
        with open(path) as f:
            self.assertNotIn("geheim", f.read())
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        os.rename(path, path + ".1")
        self.weir.signal(1)
        self.weir.says("has opened its access log again")
        self.ask("/after")
        eventually(lambda: os.path.exists(path) and len(lines(path)) == 1, "the new file has the new line")
        self.assertEqual(lines(path)[0]["path"], "/after")

    def test_a_slow_answer_is_hedged_and_everything_says_so(self):
        slow, fast = self.service("--time", "fixed:60s"), self.service("--time", "fixed:1ms")
        self.run_gateway(slow.address, fast.address, more="    retry: { hedge_after: 20ms }",
                         gateway="    access_log: { path: @DIR/access.log }")
        for _ in range(4):
            self.assertEqual(self.ask()[0], 200)
        self.assertEqual(self.settled()["difference"], 0)
        won = self.weir.ask("/api/graph")["upstreams"][0]["hedges"]["won"]
        self.assertGreaterEqual(won, 1)
        self.assertIn('weir_upstream_hedges_won_total{upstream="shop"} %d' % won, self.weir.get("/metrics")[1])

        def lines():
            with open(self.path("access.log")) as f:
                return [json.loads(line) for line in f.read().splitlines()]
        eventually(lambda: len(lines()) == 4, lines)
        told = [(line["endpoint"], line["attempts"]) for line in lines() if line["hedge"] == "won"]
        self.assertEqual(told, [(fast.address, 2)] * won)

    def test_an_endpoint_that_says_it_is_full_gets_less_and_an_unwell_one_nothing(self):
        well = {"a": True}
        counts = {"a": 0, "b": 0}

        def script(name, level):
            def serve(s):
                while True:
                    head, _ = read_head(s)
                    if not head:
                        return
                    if b"/healthz" in head:
                        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if name != "a" or well["a"] else
                                  b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad")
                        continue
                    counts[name] += 1
                    s.sendall(b"HTTP/1.1 200 OK\r\nWeir-Pressure: %s\r\nContent-Length: 0\r\n\r\n" % level)
            return serve
        a, b = self.peer(script("a", b"0.9")), self.peer(script("b", b"0.0"))
        self.run_gateway(a.address, b.address, more="    health: { path: /healthz, every: 100ms, unhealthy: 2 }")
        for _ in range(40):
            self.assertEqual(self.ask()[0], 200)
        self.assertGreater(counts["b"], 30, counts)
        well["a"] = False
        self.weir.says(f"endpoint {a.address} is unwell and gets no requests: /healthz answers 500")
        before = counts["a"]
        for _ in range(10):
            self.ask()
        self.assertEqual(counts["a"], before)
        eventually(lambda: 'weir_endpoint_unwell{upstream="shop",endpoint="%s"} 1' % a.address in self.weir.get("/metrics")[1], "it is shown")
        well["a"] = True
        self.weir.says(f"endpoint {a.address} is well again")


if __name__ == "__main__":
    main()
