"""The gateway as people meet it: `weir run` with gateways between real clients and real services.

The oracle: every request that a client sends has exactly one answer, or a broken end that cannot be taken for one, and the
gateway's own account says the same: in = answered + refused + abandoned, 0 in flight.
"""
import http.client
import json
import re
import socket
import threading
import time

from gateway_kit import GatewayTest, config, read_head
from weir_process import PATIENCE, eventually, main, weir


class Gateway(GatewayTest):
    def test_every_request_is_answered_once_and_the_account_is_the_same(self):
        service = self.service("--slots", "4", "--time", "exponential:5ms", "--errors", "5%")
        self.run_gateway(service.address, more="    concurrency: 4\n    queue: { max_wait: 30ms }")
        seen, lock = {}, threading.Lock()

        def client():
            c = http.client.HTTPConnection(*self.weir.address, timeout=PATIENCE)
            for i in range(100):
                body = b"x" * (i * 100) if i % 3 == 0 else None
                c.request("POST" if body else "GET", "/p", body=body)
                answer = c.getresponse()
                answer.read()
                with lock:
                    seen[answer.status] = seen.get(answer.status, 0) + 1
            c.close()
        threads = [threading.Thread(target=client) for _ in range(12)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertEqual(sum(seen.values()), 1200)
        account = self.settled()
        self.assertEqual(account["in"], 1200)
        self.assertEqual(account["difference"], 0)
        self.assertEqual(account["answered"]["2xx"], seen[200])
        self.assertEqual(account["answered"]["5xx"], seen.get(500, 0))
        self.assertEqual(sum(account["refused"].values()), seen.get(503, 0) + seen.get(504, 0))
        self.assertEqual(account["abandoned"], {})
        status, said = service.ask()
        self.assertEqual(said["answered"], seen[200] + seen.get(500, 0), "what was refused never reached the service")
        self.assertLessEqual(said["most_in_service"], 4)

    def test_a_service_killed_under_load_costs_clear_answers_only(self):
        services = [self.service("--slots", "8", "--time", "fixed:2ms") for _ in range(2)]
        self.run_gateway(*(s.address for s in services), more="    retry: { attempts: 2, budget: 20% }")
        seen, lock, stop = {}, threading.Lock(), threading.Event()
        sent = [0]

        def client():
            c = http.client.HTTPConnection(*self.weir.address, timeout=PATIENCE)
            while not stop.is_set():
                c.request("GET", "/p")
                answer = c.getresponse()
                answer.read()
                with lock:
                    sent[0] += 1
                    seen[answer.status] = seen.get(answer.status, 0) + 1
            c.close()
        threads = [threading.Thread(target=client) for _ in range(4)]
        [t.start() for t in threads]
        eventually(lambda: sent[0] > 200, "requests are served")
        services[0].kill()
        before = sent[0]
        eventually(lambda: sent[0] > before + 500, "the other one serves on")
        services[0].start()
        before = sent[0]
        eventually(lambda: sent[0] > before + 200, "both serve")
        stop.set()
        [t.join() for t in threads]
        self.assertLessEqual(set(seen), {200, 502, 503}, seen)
        self.assertGreater(seen[200], 0.98 * sent[0], seen)
        account = self.settled()
        self.assertEqual((account["in"], account["difference"]), (sent[0], 0))

    def test_large_bodies_flow_both_ways_in_flat_memory(self):
        size = 256 << 20

        def echo(s):
            head, rest = read_head(s)
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + rest)
            left = size - len(rest)
            while left > 0:
                piece = s.recv(min(left, 1 << 16))
                if not piece:
                    return
                s.sendall(piece)
                left -= len(piece)
        peer = self.peer(echo)
        self.run_gateway(peer.address)
        before = self.weir.resident()
        s = socket.create_connection(self.weir.address, timeout=PATIENCE)
        s.sendall(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)

        def send():
            piece = b"x" * (1 << 20)
            for _ in range(size >> 20):
                s.sendall(piece)
        sender = threading.Thread(target=send)
        sender.start()
        head, rest = read_head(s)
        self.assertIn(b"200 OK", head)
        got, most = len(rest), 0
        while got < size:
            piece = s.recv(1 << 20)
            self.assertTrue(piece, f"it ended after {got} bytes")
            got += len(piece)
            if got % (16 << 20) < len(piece):
                most = max(most, self.weir.resident())
        sender.join()
        s.close()
        self.assertEqual(got, size)
        self.weir.assert_grew_less(before, 8 << 20, most)

    def test_a_slow_reader_slows_the_upstream_and_nothing_piles_up(self):
        sent = [0]

        def endless(s):
            read_head(s)
            s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            while True:
                s.sendall(piece)
                sent[0] += 65536
        peer = self.peer(endless)
        self.run_gateway(peer.address)
        with socket.create_connection(self.weir.address, timeout=PATIENCE) as s:
            s.sendall(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
            read_head(s)
            last = [-1]

            def still():
                now, last[0] = sent[0] == last[0], sent[0]
                time.sleep(0.2)
                return now and sent[0] > 0
            eventually(still, "the upstream is made to wait")
            self.assertLess(sent[0], 16 << 20)
        account = self.settled()
        self.assertEqual(account["abandoned"], {"client_gone": 1})

    def test_what_smuggles_is_refused_and_counted_as_one_request(self):
        heads = []

        def service(s):
            while True:
                head, rest = read_head(s)
                if not head:
                    return
                heads.append(head)
                length = int((re.search(rb"Content-Length: (\d+)", head) or [0, 0])[1])
                while len(rest) < length:
                    rest += s.recv(65536)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer = self.peer(service)
        self.run_gateway(peer.address)
        smuggled = b"GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"
        start = b"POST /p HTTP/1.1\r\nHost: h\r\n"
        for bad in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
                    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
                    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                    b"Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
                    b"Content-Length: 0\r\nContent-Length: 33\r\n\r\n",
                    b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    b"X: y\rZ: w\r\n\r\n"):
            answer = self.raw(start + bad + smuggled)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (bad, answer[:200]))
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
        self.assertEqual(heads, [], "nothing of it was passed on")
        self.assertEqual((self.account()["in"], self.account()["malformed"]), (0, 8))
        # A body is a body, whatever it looks like.
        answer = self.raw(start + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(smuggled) + smuggled)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
        self.assertEqual(len(heads), 1)
        self.assertNotIn(b"/admin", heads[0].split(b"\r\n")[0])

    def test_metrics_why_and_the_log_say_what_holds_requests_up(self):
        service = self.service("--slots", "1", "--time", "fixed:1ms")
        self.run_gateway(service.address, more="    breaker: { consecutive_failures: 3, open: 60s }")
        self.assertEqual(self.ask()[0], 200)
        service.kill()
        seen = []

        def open_now():
            status, headers, body = self.ask()
            seen.append((status, headers.get("Weir-Reason")))
            return headers.get("Weir-Reason") == "breaker_open" and json.loads(body)["retry_after"] > 0
        eventually(open_now, lambda: seen)
        code, out, _ = weir("why", "shop", "--admin", "%s:%d" % self.weir.admin)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"shop: the breaker is open, next probe in [\d.]+ s <- .*Connection refused")
        account = self.settled()
        text = self.weir.get("/metrics")[1]
        self.assertRegex(text, r'weir_gateway_refused_total\{gateway="edge",reason="breaker_open"\} [1-9]')
        self.assertRegex(text, r'weir_gateway_requests_total\{gateway="edge"\} %d' % account["in"])
        self.assertIn('weir_upstream_breaker_open{upstream="shop"} 1', text)

    def test_a_route_has_limits_of_its_own_and_says_what_they_did(self):
        service = self.service("--slots", "4", "--time", "fixed:1ms")
        self.run_gateway(service.address, route="        guards: { rate: { limit: 2/h, burst: 2, key: 'header:X-Api-Key' } }")
        answers = [self.ask(headers={"X-Api-Key": key}) for key in ("a", "a", "a", "b")]
        self.assertEqual([status for status, _, _ in answers], [200, 200, 429, 200])
        self.assertEqual(answers[2][1]["Weir-Reason"], "rate_limited")
        self.assertGreater(int(answers[2][1]["Retry-After"]), 1000, "half an hour, in seconds")
        account = self.settled()
        self.assertEqual((account["in"], account["refused"]), (4, {"rate_limited": 1}))
        text = self.weir.get("/metrics")[1]
        self.assertIn('weir_guard_refused_total{kind="route",node="edge /**",guard="rate",mode="enforce"} 1', text)
        self.assertEqual(service.ask()[1]["in"], 3)

    def test_a_stall_wastes_as_many_requests_as_there_are_places_and_its_end_is_seen_at_once(self):
        service = self.service("--slots", "4", "--time", "fixed:1ms")
        self.run_gateway(service.address, more="    concurrency: 2\n    breaker: { consecutive_failures: 2, open: 60s }")
        self.assertEqual(self.ask()[0], 200)
        service.ask("POST", "?stall=1h")
        clients = [socket.create_connection(self.weir.address, timeout=PATIENCE) for _ in range(2)]
        for c in clients:
            c.sendall(b"GET /p HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: service.ask()[1]["in_service"] == 2, "both are at the service")
        seen = []

        def stalled():
            status, headers, _ = self.ask()
            seen.append((status, headers.get("Weir-Reason")))
            return headers.get("Weir-Reason") == "destination_stalled"
        eventually(stalled, lambda: seen)
        for c in clients:
            c.close()
        eventually(lambda: self.account()["in_flight"] == 0, "nobody waits for them any more")
        self.assertEqual(self.ask()[1]["Weir-Reason"], "destination_stalled", "and they keep their places")
        self.assertEqual(service.ask()[1]["in"], 3)
        service.ask("POST", "?stall=1ms")
        eventually(lambda: self.ask()[0] == 200, "it is over")

    def test_the_service_can_be_changed_while_it_runs(self):
        service = self.service("--slots", "2", "--time", "fixed:1ms", "--pressure", "true")
        self.run_gateway(service.address)
        self.assertEqual(self.ask()[1]["Weir-Pressure"], "0.00")
        status, said = service.ask("POST", "?slots=5&time=bimodal:1ms,9ms,50%25&errors=1")
        self.assertEqual(status, 400, said)
        status, said = service.ask("POST", "?slots=5&time=bimodal:1ms,9ms,0.5&errors=1")
        self.assertEqual((status, said["slots"], said["capacity"]), (200, 5, 1000.0))
        self.assertEqual(self.ask()[0], 500)
        self.assertIn("is none of", service.ask("POST", "?slot=5")[1])

    def test_stopping_lets_requests_end(self):
        service = self.service("--slots", "4", "--time", "fixed:700ms")
        self.run_gateway(service.address)
        got = []
        t = threading.Thread(target=lambda: got.append(self.ask()))
        t.start()
        eventually(lambda: self.account()["in_flight"] == 1, "it is under way")
        self.assertEqual(self.weir.stop(), 0, self.weir.log())
        t.join()
        self.assertEqual(got[0][0], 200)
        self.assertIn("1 requests in, 1 answered, 0 refused, 0 abandoned", self.weir.log())

    def test_check_says_what_is_wrong_and_what_a_gateway_does(self):
        def check(text):
            with open(self.path("c.yaml"), "w") as f:
                f.write(text)
            return weir("check", "c.yaml", folder=self.folder)
        good = config("127.0.0.1:1").replace("@HTTP", "127.0.0.1:2").replace("@ADMIN", "127.0.0.1:3")
        code, out, err = check(good)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("gateways.edge", out)
        for old, new, said in (("to: shop", "to: shp", "did you mean shop?"),
                               ("deadline", "dedline", "did you mean deadline?"),
                               ("/** }", "'a' }", "does not begin with /"),
                               ("127.0.0.1:1]", "127.0.0.1]", "has no port"),
                               ("deadline: 40s", "deadline: 40", "deadline")):
            code, out, err = check(good.replace(old, new))
            self.assertEqual(code, 2, new)
            self.assertIn(said, err)


if __name__ == "__main__":
    main()
