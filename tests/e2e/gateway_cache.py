"""The cache of a route as clients meet it: what is fresh is answered from it, what is too old is asked for again, what
fails is stood in for, and many who ask for the same wait for one answer.
"""
import concurrent.futures
import socket
import threading

from gateway_kit import GatewayTest, read_head
from weir_process import PATIENCE, eventually, main


class Caching(GatewayTest):
    def origin(self, fields="Cache-Control: max-age=60", status="200 OK", body=None, gate=None):
        """A service that counts what it is asked, and says what `self.say` says."""
        self.heads, self.say = [], {"fields": fields, "status": status, "body": body}

        def script(s):
            while True:
                head, _ = read_head(s)
                if not head:
                    return
                self.heads.append(head.decode("latin-1"))
                number = len(self.heads)
                if gate:
                    gate.wait(PATIENCE)
                say = dict(self.say)
                if say["status"] is None:
                    return
                text = (say["body"] or f"answer {number}").encode()
                if b"If-None-Match: \"v1\"" in head and "\"v1\"" in say["fields"]:
                    s.sendall(f"HTTP/1.1 304 Not Modified\r\n{say['fields']}\r\n\r\n".encode())
                    continue
                answer = f"HTTP/1.1 {say['status']}\r\n{say['fields']}\r\nContent-Length: {len(text)}\r\n\r\n".encode()
                s.sendall(answer + (b"" if head.startswith(b"HEAD") else text))
        return self.peer(script)

    def run_cached(self, peer, cache="", more="", route=""):
        self.run_gateway(peer.address, route="        cache: {" + cache + "}\n" + route, more=more)

    def cache(self):
        return self.account()["cache"]

    def test_what_is_fresh_is_answered_from_the_cache(self):
        self.run_cached(self.origin())
        first, second = self.ask("/a"), self.ask("/a")
        self.assertEqual((first[2], second[2]), (b"answer 1", b"answer 1"))
        self.assertNotIn("Cache-Status", first[1])
        self.assertEqual(second[1]["Cache-Status"], "weir; hit")
        self.assertIn("Age", second[1])
        self.assertIn("Date", second[1])
        status, fields, body = self.ask("/a", method="HEAD")
        self.assertEqual((status, fields["Content-Length"], body), (200, "8", b""))
        self.assertEqual(len(self.heads), 1)
        account = self.settled()
        self.assertEqual((account["answered"]["2xx"], account["difference"], account["cache"]["hits"]), (3, 0, 2))

    def test_the_key_has_host_path_and_query(self):
        self.run_cached(self.origin())
        seen = {self.ask(path, headers=headers)[2] for path, headers in (
            ("/a", {}), ("/b", {}), ("/a?x", {}), ("/a", {"Host": "other.example"}))}
        self.assertEqual(len(seen), 4)
        self.assertEqual(self.ask("/a", headers={"Host": "OTHER.example"})[2], b"answer 4")

    def test_what_may_not_be_kept_is_asked_for_each_time(self):
        for fields in ("Cache-Control: no-store", "Cache-Control: private, max-age=60", "Cache-Control: max-age=60\r\nVary: *",
                       "Cache-Control: max-age=60\r\nSet-Cookie: a=b", "X: nothing is said", "Cache-Control: max-age=60\r\nAge: 61"):
            with self.subTest(fields):
                self.run_cached(self.origin(fields))
                self.assertEqual([self.ask("/a")[2] for _ in range(3)], [b"answer 1", b"answer 2", b"answer 3"])
        self.run_cached(self.origin())
        for headers in ({"Authorization": "Basic x"}, {"Cache-Control": "no-store"}, {"Range": "bytes=0-1"}, {"Cache-Control": "no-cache"}, {"Pragma": "no-cache"}):
            before = len(self.heads)
            self.ask("/b", headers=headers)
            self.ask("/b", headers=headers)
            self.assertEqual(len(self.heads), before + 2, headers)

    def test_variants_are_kept_apart(self):
        self.run_cached(self.origin("Cache-Control: max-age=60\r\nVary: Accept\r\nVary: X"))
        ask = lambda **headers: self.ask("/a", headers=headers)[2]
        self.assertEqual(ask(Accept="a"), ask(Accept="a"))
        self.assertNotEqual(ask(Accept="a"), ask(Accept="b"))
        self.assertNotEqual(ask(Accept="a"), ask(Accept="a", X="1"))

    def test_what_is_too_old_is_asked_for_again_with_its_tag(self):
        self.run_cached(self.origin('ETag: "v1"\r\nCache-Control: max-age=0', body="same"))
        self.assertEqual(self.ask("/a")[2], b"same")
        status, fields, body = self.ask("/a", headers={"If-None-Match": '"mine"'})
        self.assertEqual((status, body), (200, b"same"))
        self.assertIn("fwd=stale; fwd-status=304", fields["Cache-Status"])
        self.assertIn('If-None-Match: "v1"', self.heads[1])
        self.assertNotIn("mine", self.heads[1])
        self.assertEqual(self.ask("/a", headers={"If-None-Match": 'W/"v1"'})[0], 304, "the client has it")
        self.say.update(fields='ETag: "v2"\r\nCache-Control: max-age=60', body="new")
        self.assertEqual(self.ask("/a")[2], b"new")
        self.assertEqual(self.ask("/a")[1]["Cache-Status"], "weir; hit")
        self.assertEqual(self.settled()["difference"], 0)

    def test_a_stale_answer_stands_in_for_an_error_and_while_the_breaker_is_open(self):
        self.run_cached(self.origin("X: y", body="kept"), "stale_if_error: 60s, stale_while_open: 10m",
                        more="    breaker: { consecutive_failures: 3, open: 60s }")
        self.assertEqual(self.ask("/a")[2], b"kept")
        for status in ("500 No", None, "503 No"):
            self.say["status"] = status
            code, fields, body = self.ask("/a")
            self.assertEqual((code, body, fields["Cache-Status"]), (200, b"kept", "weir; hit; detail=stale"), status)
        self.assertEqual(self.ask("/other")[0], 503)
        asked = len(self.heads)
        eventually(lambda: "the breaker is open" in self.weir.ask("/api/ledger")["upstreams"][0]["why"], "it is open")
        self.assertEqual(self.ask("/a")[2], b"kept")
        self.assertEqual(len(self.heads), asked, "nobody was asked")
        account = self.settled()
        self.assertEqual((account["difference"], account["cache"]["stale"]), (0, 4))

    def test_an_answer_that_forbids_it_never_stands_in(self):
        for fields in ("Cache-Control: max-age=0, must-revalidate", "Cache-Control: s-maxage=0", "Cache-Control: no-cache"):
            with self.subTest(fields):
                self.run_cached(self.origin(fields), "stale_if_error: 60s, stale_while_open: 10m")
                self.assertEqual(self.ask("/a")[0], 200)
                self.say["status"] = "500 No"
                self.assertEqual(self.ask("/a")[0], 500)

    def test_many_who_ask_for_the_same_wait_for_one_answer(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.run_cached(self.origin(gate=gate), more="    concurrency: 2")
        got, lock = [], threading.Lock()

        def client():
            answer = self.ask("/a")
            with lock:
                got.append((answer[0], answer[2]))
        threads = [threading.Thread(target=client) for _ in range(20)]
        [t.start() for t in threads]
        eventually(lambda: self.account()["in_flight"] == 20, "all are there")
        gate.set()
        [t.join() for t in threads]
        self.assertEqual(got, [(200, b"answer 1")] * 20)
        self.assertEqual(len(self.heads), 1)
        account = self.settled()
        self.assertEqual((account["difference"], account["cache"]["coalesced"]), (0, 19))

    def test_who_waits_for_an_answer_that_is_not_kept_goes_on_and_nobody_waits_for_the_next(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.run_cached(self.origin("Cache-Control: no-store", gate=gate))
        threads = [threading.Thread(target=self.ask, args=("/a",)) for _ in range(5)]
        [t.start() for t in threads]
        eventually(lambda: self.account()["in_flight"] == 5, "all are there")
        gate.set()
        [t.join() for t in threads]
        self.assertEqual(len(self.heads), 5)
        before = self.settled()["cache"]["coalesced"]
        self.assertLessEqual(before, 4)
        gate.clear()
        threads = [threading.Thread(target=self.ask, args=("/a",)) for _ in range(3)]
        [t.start() for t in threads]
        eventually(lambda: len(self.heads) == 8, "all three are sent on")
        gate.set()
        [t.join() for t in threads]
        self.assertEqual(self.settled()["cache"]["coalesced"], before)

    def test_when_the_one_who_asks_leaves_another_asks(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.run_cached(self.origin(gate=gate))
        first = socket.create_connection(self.weir.address, timeout=PATIENCE)
        first.sendall(b"GET /a HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (self.weir.address[0].encode(), self.weir.address[1]))
        eventually(lambda: len(self.heads) == 1, "it is asked for")
        got = []
        second = threading.Thread(target=lambda: got.append(self.ask("/a")[0]))
        second.start()
        eventually(lambda: self.cache()["coalesced"] == 1, "another one waits")
        first.close()
        eventually(lambda: len(self.heads) == 2, "that one asks now")
        gate.set()
        second.join()
        self.assertEqual(got, [200])
        account = self.settled()
        self.assertEqual((account["abandoned"], account["difference"]), ({"client_gone": 1}, 0))

    def test_half_an_answer_is_never_kept(self):
        def script(s):
            while True:
                head, _ = read_head(s)
                if not head:
                    return
                half = not self.heads
                self.heads.append(head)
                s.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n" + (b"half" if half else b"whole body"))
                if half:
                    return
        self.heads = []
        self.run_cached(self.peer(script))
        self.assertTrue(self.raw(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").endswith(b"RESET"))
        self.assertTrue(self.raw(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").endswith(b"whole body"))
        self.assertEqual(len(self.heads), 2)

    def test_a_change_makes_it_forget(self):
        self.run_cached(self.origin())
        self.ask("/a")
        self.assertEqual(self.ask("/a")[2], b"answer 1")
        self.assertEqual(self.ask("/a", method="POST", body=b"x")[0], 200)
        self.assertEqual(self.ask("/a")[2], b"answer 3")

    def test_an_answer_from_before_a_change_is_not_kept(self):
        held, go = threading.Event(), threading.Event()

        def script(s):
            while True:
                head, _ = read_head(s)
                if not head:
                    return
                text = b"new"
                if head.startswith(b"GET") and not held.is_set():
                    held.set()
                    go.wait(PATIENCE)
                    text = b"old"
                s.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\n" + text)
        self.run_cached(self.peer(script))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(self.ask, "/a")
            self.assertTrue(held.wait(PATIENCE))
            self.assertEqual(self.ask("/a", method="POST", body=b"x")[0], 200)
            self.assertEqual(self.ask("/a")[2], b"new", "it does not wait for what was asked for before")
            go.set()
            self.assertEqual(first.result()[2], b"old")
        self.assertEqual(self.ask("/a")[2], b"new")

    def test_only_what_is_kept_is_asked_for(self):
        self.run_cached(self.origin())
        self.assertEqual(self.ask("/a", headers={"Cache-Control": "only-if-cached"})[0], 504)
        self.ask("/a")
        self.assertEqual(self.ask("/a", headers={"Cache-Control": "only-if-cached"})[0], 200)

    def test_it_stays_within_its_bytes(self):
        self.run_cached(self.origin(body="x" * 10_000), "max_bytes: 256KiB")
        for i in range(60):
            self.assertEqual(self.ask(f"/{i}")[0], 200)
        cache = self.settled()["cache"]
        self.assertLessEqual(cache["bytes"], 256 << 10)
        self.assertGreater(cache["pushed_out"], 30)
        self.assertEqual(self.ask("/59")[1]["Cache-Status"], "weir; hit")
        eventually(lambda: 'weir_gateway_cache_answers_total{gateway="edge",how="hit"} 1' in self.weir.get("/metrics")[1], "it is shown")


if __name__ == "__main__":
    main()
