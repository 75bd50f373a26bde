"""Clients that are slow, idle, many, or gone: none of them costs the others anything."""
import gzip
import json
import os
import resource
import time

from clients import Raw, events, ndjson, post, post_or_reset
from weir_process import PATIENCE, WeirTest, eventually, main, sanitized

# Patient, but for those tests whose clients are slow on purpose: every other one may be held up for a while.
CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, header_timeout: 30s, body_timeout: 30s, idle_timeout: 60s }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
"""

HURRIED = CONFIG.replace("header_timeout: 30s", "header_timeout: 500ms")
CROWDED = CONFIG.replace("max_connections: 32", "max_connections: 256")
HEAD = "POST /events HTTP/1.1\r\nHost: w\r\n"


class Connections(WeirTest):
    def stored(self):
        return self.weir.graph(sink="out")["stored"]

    def test_a_head_that_trickles_is_answered_408_and_closed(self):
        self.weir = self.start(HURRIED)
        with Raw(self.weir.address) as raw:
            began = time.monotonic()
            raw.send("POST /events HT")
            answer = raw.answer()
            self.assertEqual((answer.status, answer.json["error"]), (408, "body_timeout"), answer)
            self.assertTrue(raw.closed_within(PATIENCE))
            self.assertGreater(time.monotonic() - began, 0.4)

    def test_slow_loris_does_not_keep_others_out(self):
        self.weir = self.start(HURRIED)
        held = [Raw(self.weir.address).send(HEAD) for _ in range(32)]
        refused = 0

        def served():
            nonlocal refused
            answer = post_or_reset(self.weir.address, ndjson(events("n", 1)))
            if not answer:
                return False
            refused += answer.status == 503
            if answer.status == 503:
                self.assertEqual(answer.json["error"], "too_many_connections")
                self.assertGreaterEqual(answer.retry_after, 1)
            return answer.status == 200

        eventually(served, "somebody is served beside 32 slow ones")
        for raw in held:
            raw.close()

    def test_a_body_that_trickles_is_answered_408_however_often_a_byte_comes(self):
        self.weir = self.start(CONFIG.replace("body_timeout: 30s", "body_timeout: 1s"))
        with Raw(self.weir.address) as raw:
            raw.send(HEAD + "Content-Length: 1000\r\n\r\n")
            began = time.monotonic()
            while not raw.has_answer(0.1) and time.monotonic() - began < 6:
                raw.send("x")
            answer = raw.answer()
            self.assertEqual((answer.status, answer.json["error"]), (408, "body_timeout"), answer)
        self.assertEqual(self.stored(), 0)

    def test_ten_thousand_idle_connections_leave_room_for_a_newcomer(self):
        limit = 10_300
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < limit:
            self.skipTest(f"this system allows {hard} open files")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], limit), before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        self.weir = self.start(CROWDED)
        idle = []
        try:
            for n in range(10_000):
                idle.append(Raw(self.weir.address))
                if n % 1000 == 999:
                    answer = post(self.weir.address, ndjson(events(f"n{n}", 1)))
                    self.assertEqual(answer.status, 200, answer)
        finally:
            for raw in idle:
                raw.close()
        self.assertEqual(self.stored(), 10)

    def test_a_connection_that_works_is_not_evicted_for_newcomers(self):
        self.weir = self.start(CONFIG)
        with Raw(self.weir.address) as worker:
            body = ndjson(events("w", 1))
            worker.send(HEAD + f"Content-Length: {len(body)}\r\n\r\n")
            crowd = [Raw(self.weir.address) for _ in range(100)]
            worker.send(body)
            self.assertEqual(worker.answer().stored, 1)
            for raw in crowd:
                raw.close()

    def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(self):
        self.weir = self.start(CONFIG)
        for framing in ("Content-Length: 5000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n10\r\n"):
            with Raw(self.weir.address) as raw:
                raw.send(HEAD + framing + '{"id":"half"}\n')
        with Raw(self.weir.address) as raw:
            whole = gzip.compress(ndjson(events("z", 100)))
            raw.send(HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(whole)}\r\n\r\n").send(whole[: len(whole) // 2])
        self.assertEqual(post(self.weir.address, ndjson(events("after", 1))).status, 200)
        eventually(lambda: self.weir.graph()["memory"]["used"] == 0, lambda: self.weir.graph())
        self.assertEqual([e["id"] for e in self.lines_of("out.ndjson")], ["after-0"])

    def test_one_connection_too_many_is_told_and_the_log_and_why_name_the_limit(self):
        self.weir = self.start(CONFIG.replace("max_connections: 32", "max_connections: 2"))
        with Raw(self.weir.address) as first, Raw(self.weir.address) as second:
            for raw in (first, second):
                raw.send(HEAD + "Content-Length: 10\r\n\r\n123")

            def is_named():
                with Raw(self.weir.address) as third:
                    answer = third.send(HEAD + "Content-Length: 0\r\n\r\n").answer()
                return answer and answer.status == 503 and "max_connections (2) is reached" in self.weir.command("why")[1]
            eventually(is_named, lambda: self.weir.command("why"))
            self.assertIn("max_connections (2) is reached: new connections are answered 503", self.weir.log())

    def test_a_client_that_leaves_before_its_answer_changes_nothing(self):
        # A connection whose client has left still counts until its request is settled: leave room for all 50.
        self.weir = self.start(CONFIG.replace("max_connections: 32", "max_connections: 64"))
        for n in range(50):
            body = ndjson(events(f"gone{n}", 2))
            with Raw(self.weir.address) as raw:
                raw.send(HEAD + f"Content-Length: {len(body)}\r\n\r\n").send(body)
        eventually(lambda: self.stored() == 100, lambda: f"all 100 events are stored, not {self.stored()}")
        self.assertEqual(len(self.lines_of("out.ndjson")), 100)
        eventually(lambda: self.weir.graph()["memory"]["used"] == 0, lambda: self.weir.graph())

    def test_requests_in_one_go_are_answered_in_their_order(self):
        self.weir = self.start(CONFIG)
        bodies = [ndjson(events(f"p{n}", n)) for n in range(1, 6)]
        with Raw(self.weir.address) as raw:
            raw.send(b"".join(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(b) + b for b in bodies))
            self.assertEqual([raw.answer().stored for _ in bodies], [1, 2, 3, 4, 5])

    def test_expect_100_continue_is_answered_before_the_body(self):
        self.weir = self.start(CONFIG)
        body = ndjson(events("c", 1))
        with Raw(self.weir.address) as raw:
            raw.send(HEAD + f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n")
            self.assertIn(b"100 Continue", raw.socket.recv(1000))
            self.assertEqual(raw.send(body).answer().stored, 1)

    def test_clients_that_do_not_read_their_answers_keep_nobody_out_and_hold_no_stop(self):
        # Answers must come faster than a disk may be: it is by them that the server gets stuck.
        config = CONFIG.replace("max_connections: 32", "max_connections: 2, answer_timeout: 1s").replace("acks: stored", "acks: accepted")
        self.weir = self.start(config)
        body = ndjson(events("u", 1))
        requests = (HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body) * 2000
        deaf = [Raw(self.weir.address, receive_buffer=2048) for _ in range(2)]
        for raw in deaf:
            self.addCleanup(raw.close)
            raw.socket.settimeout(0.3)
            try:  # until the server, stuck in an answer, reads no more
                while True:
                    raw.socket.sendall(requests)
            except OSError:
                pass
        eventually(lambda: (answer := post_or_reset(self.weir.address, body)) and answer.status == 202, "a third client is served")

    def test_admin_answers_beside_half_sent_requests(self):
        self.weir = self.start(CONFIG)
        for _ in range(3):
            half = [Raw(self.weir.admin).send("GET /metrics HT") for _ in range(16)]
            for raw in half:
                self.addCleanup(raw.close)
            for path in ("/health", "/api/graph", "/metrics"):
                self.assertEqual(self.weir.get(path)[0], 200)

    def test_admin_answers_when_no_descriptor_is_left(self):
        if sanitized():
            self.skipTest("the sanitizer needs descriptors of its own")
        self.weir = self.start(CROWDED, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
        self.weir.says("256 connections are configured, but this process may open 100 files")
        held = [Raw(self.weir.address).send(HEAD) for _ in range(150)]
        files = f"/proc/{self.weir.process.pid}/fd"
        eventually(lambda: len(os.listdir(files)) >= 100, lambda: f"all are used, not {len(os.listdir(files))}")
        eventually(lambda: "in: reads, but no file descriptor is left for new connections" in self.weir.command("why", "in")[1],
                   lambda: self.weir.command("why", "in")[1])
        self.weir.says("source in: no file descriptor is left for new connections")
        self.assertIn('what="no_descriptor"', self.weir.get("/metrics")[1])
        half = [Raw(self.weir.admin).send("GET /metrics HT") for _ in range(16)]
        for _ in range(10):
            self.assertEqual(self.weir.get("/health")[0], 200)
            self.assertEqual(self.weir.get("/api/graph")[0], 200)
        for raw in held + half:
            raw.close()

    def test_the_limit_of_open_files_is_raised_at_start(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.weir = self.start(CONFIG, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)))
        self.assertEqual(resource.prlimit(self.weir.process.pid, resource.RLIMIT_NOFILE)[0], hard)

    def test_port_zero_takes_a_free_one_and_tells_it(self):
        self.weir = self.start(CONFIG.replace("@HTTP", "127.0.0.1:0").replace("memory:", "reactors: 2\nmemory:"))
        host, port = self.weir.graph(source="in")["address"].removeprefix("http://").removesuffix("/events").split(":")
        self.assertNotEqual(int(port), 0)
        for n in range(20):  # every reactor stands behind the same port
            self.assertEqual(post((host, int(port)), json.dumps({"id": n}).encode()).status, 200)


if __name__ == "__main__":
    main()
