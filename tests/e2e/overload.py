"""A sink stands still: clients are slowed, then refused with the cause and a time; nothing is lost and all of it drains."""
import re
import socket
import threading
import time

from clients import Raw, events, ndjson, post
from stalls import Locked, Pending, rows_of
from weir_process import WeirTest, eventually, main

CONFIG = """
memory: 128MiB
sources:
  in:
    type: http
    listen: "@HTTP"
    acks: stored
    max_connections: 128
    ack_timeout: 60s
    priority: { from: "header:X-Priority", map: { now: critical, later: batch }, default: normal }
sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    busy_timeout: BUSY
    queue: { max_events: 100, reserved_for_high: 20% }
    breaker: { open: 300ms }
    retry: { base: 20ms, cap: 200ms }
admin: { listen: "@ADMIN" }
drain_deadline: 20s
"""
HANGS = CONFIG.replace("BUSY", "60s")   # the delivery itself hangs
FAILS = CONFIG.replace("BUSY", "50ms")  # it fails again and again, and the breaker opens


class Overload(WeirTest):
    def stalled(self, config):
        self.weir = self.start(config)
        self.assertEqual(post(self.weir.address, ndjson(events("before", 5))).status, 200)
        self.lock = Locked(self.path("out.db"))
        return self.lock

    def fill(self, requests=60, each=5, **headers):
        """So many clients at once, until the door has decided about all of them; and the answers of those refused."""
        before = self.decided()
        pending = [Pending(self.weir.address, ndjson(events(f"f{n}", each)), **headers) for n in range(requests)]
        eventually(lambda: self.decided() == before + requests, lambda: self.weir.graph())
        eventually(lambda: any(p.answer for p in pending), lambda: f"somebody is refused: {self.weir.graph()}")
        return pending, [p.answer for p in pending if p.answer]

    def decided(self):
        source = self.weir.graph(source="in")
        return source["admitted"] + source["refused"]

    def drain(self, pending):
        """After the stall: everybody who waited is answered, and everything told is there."""
        answers = [(n, p.result()) for n, p in enumerate(pending)]
        self.assertEqual({a.status for _, a in answers} - {503}, {200})
        told = {e["id"] for n, a in answers if a.status == 200 for e in events(f"f{n}", 5)}
        self.assertLessEqual(told, set(rows_of(self.path("out.db"))))
        self.comes_back()
        self.weir.assert_balanced()
        return told

    def comes_back(self):
        """As an obedient client: waits as long as it is told, three times at most."""
        for attempt in range(3):
            answer = post(self.weir.address, ndjson(events(f"again{attempt}", 5)))
            if answer.status == 200:
                return
            self.assertEqual(answer.status, 503)
            wait = time.monotonic() + answer.retry_after
            eventually(lambda: time.monotonic() >= wait, "", answer.retry_after + 1)
        self.fail("still refused after three times coming back as told")

    def assert_refusal(self, answer, codes):
        self.assertEqual(answer.status, 503, answer)
        self.assertIn(answer.json["error"], codes)
        self.assertGreaterEqual(answer.retry_after, 1)
        self.assertEqual(answer.json["retry_after"], answer.retry_after)
        self.assertTrue(answer.json["advice"])
        self.assertIn("out", answer.json["message"], "the message names the sink that is slow")

    def test_a_sink_that_hangs_slows_clients_then_refuses_them_with_the_cause(self):
        with self.stalled(HANGS):
            first = Pending(self.weir.address, ndjson(events("first", 5)))
            eventually(lambda: self.weir.graph(source="in")["admitted"] == 2, lambda: self.weir.graph())
            self.assertTrue(first.waits(0.3), "the first ones are taken and wait for their answer")
            pending, refusals = self.fill()
            for refusal in refusals:
                self.assert_refusal(refusal, {"flow_full", "priority_shed", "destination_stalled"})
            self.assertGreater(sum(p.waits(0) for p in pending), 5)
            pressure = self.weir.ask("/api/pressure")["edges"][0]
            self.assertLessEqual(pressure["max_waiting_events"], 100)
        self.assertEqual(first.result().status, 200)
        self.assertGreater(len(self.drain(pending)), 25)

    def test_an_answer_that_comes_too_late_is_504_and_the_events_stay_in_the_flow(self):
        with self.stalled(HANGS.replace("ack_timeout: 60s", "ack_timeout: 500ms")):
            answer = post(self.weir.address, ndjson(events("late", 5)))
            self.assertEqual((answer.status, answer.json["error"]), (504, "outcome_unknown"))
        eventually(lambda: {f"late-{i}" for i in range(5)} <= set(rows_of(self.path("out.db"))), lambda: self.weir.graph())

    def test_once_a_stall_is_known_new_requests_are_refused_at_once(self):
        with self.stalled(HANGS.replace("ack_timeout: 60s", "ack_timeout: 8s")):
            pending = [Pending(self.weir.address, ndjson(events("f0", 5)))]
            answer = eventually(lambda: self.refused_with("destination_stalled"), lambda: self.weir.graph())
            self.assert_refusal(answer, {"destination_stalled"})
        self.comes_back()
        self.assertIn(pending[0].result().status, (200, 504))
        self.weir.assert_balanced()

    def test_once_a_stall_is_known_who_waits_for_room_is_refused_and_who_is_in_the_flow_waits(self):
        with self.stalled(HANGS.replace("ack_timeout: 60s", "ack_timeout: 40s")):
            body = ndjson(events("half", 5))
            half = socket.create_connection(self.weir.address, timeout=60)
            self.addCleanup(half.close)
            half.sendall(b"POST /events HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:20])
            eventually(lambda: self.weir.graph(source="in")["admitted"] == 2, lambda: self.weir.graph())
            pending = []

            def is_paused():
                pending.append(Pending(self.weir.address, ndjson(events(f"f{len(pending)}", 20))))
                return pending[-1].waits(0.2) and self.weir.metric("weir_source_paused") == 1
            eventually(is_paused, lambda: self.weir.graph())
            half.sendall(body[20:])
            answer = half.recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
            self.assertIn(b"destination_stalled", answer)
            self.assertIn(b"sink out", answer)
            self.assertGreater(sum(p.waits(0) for p in pending), 0, "they are in the flow")
        self.drain(pending)
        self.assertFalse([id for id in rows_of(self.path("out.db")) if id.startswith("half")], "who was refused is not stored")

    def test_a_sink_that_has_never_answered_is_a_known_stall_once_its_senders_have_given_up(self):
        self.weir = self.start(HANGS.replace("ack_timeout: 60s", "ack_timeout: 1s"))
        with Locked(self.path("out.db")):
            self.assertEqual(post(self.weir.address, ndjson(events("f0", 5))).status, 504)
            answer = eventually(lambda: self.refused_with("destination_stalled"), lambda: self.weir.graph())
            self.assert_refusal(answer, {"destination_stalled"})
            self.assertIn("stalled: nothing has come back for", self.weir.command("why")[1])
        self.comes_back()

    def test_a_sink_that_fails_opens_its_breaker_and_the_refusal_tells_cause_and_time_but_no_path(self):
        with self.stalled(FAILS):
            pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(4)]
            eventually(lambda: self.weir.graph(sink="out")["breaker"] == "open", lambda: self.weir.graph())
            answer = eventually(lambda: self.refused_with("breaker_open"), lambda: self.weir.graph())
            self.assert_refusal(answer, {"breaker_open"})
            self.assertRegex(answer.json["message"], r"sink out: queue \d+/\d+ events <- breaker open, (next probe in|about to probe)")
            self.assertNotIn("out.db", answer.json["message"], "paths are for the log and for admin")
        self.drain(pending)

    def test_a_lock_is_named_to_the_client_and_in_why(self):
        with self.stalled(FAILS.replace("breaker: { open: 300ms }", "breaker: { consecutive_failures: 0 }")):
            pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(4)]
            answer = eventually(lambda: self.refused_with("destination_locked"), lambda: self.weir.graph())
            self.assert_refusal(answer, {"destination_locked"})
            self.assertRegex(answer.json["message"], r"sink out: queue \d+/\d+ events <- locked, trying again (in|now)")
            self.assertNotIn("out.db", answer.json["message"], "paths are for the log and for admin")
            eventually(lambda: self.weir.graph(sink="out")["held_up_by"] == "destination_locked", self.weir.graph)
            for _ in range(20):  # whatever the attempts and the retry budget do meanwhile
                chain = next(line for line in self.weir.command("why")[1].splitlines() if line.startswith("out:"))
                self.assertRegex(chain, r"^out: held up <- queue \d+/\d+ events <- locked, trying again .* <- .*out\.db.*locked")
            refused = [line for line in self.weir.get("/metrics")[1].splitlines() if 'reason="destination_locked"' in line]
            self.assertTrue(refused, "the metrics have the same reason")
        self.drain(pending)

    def refused_with(self, error):
        answer = Pending(self.weir.address, ndjson(events("probe", 1)))
        return None if answer.waits(0.3) or answer.answer.json.get("error") != error else answer.answer

    def test_why_prints_the_chain_of_causes(self):
        with self.stalled(FAILS):
            pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(4)]
            chain = r"(?m)^out: held up <- queue \d+/\d+ events <- breaker open, next probe in .* <- .*out\.db.*locked"
            code, out, _ = eventually(lambda: (r := self.weir.command("why")) and re.search(chain, r[1]) and r, lambda: self.weir.command("why"))
            self.assertEqual(code, 0)
            self.assertIn("in: ", out)
            self.assertEqual(self.weir.command("why", "nobody")[0], 64)
        self.drain(pending)
        eventually(lambda: self.weir.command("why", "in")[1].strip() == "in: nothing holds it up", lambda: self.weir.command("why", "in"))

    def test_why_says_how_long_events_take_and_that_one_is_stuck(self):
        with self.stalled(HANGS):
            for n in range(4):
                self.assertRegex(self.latency(), r"^out: (not enough events to tell|p50 .*, not enough events to tell|nothing ends: )")
            pending = [Pending(self.weir.address, ndjson(events("f0", 5)))]
            eventually(lambda: "nothing ends: the oldest event has been here for" in self.latency(), self.latency)
            self.assertEqual(self.weir.graph(sink="out")["latency"]["verdict"], "stalled")
            self.assertGreater(self.weir.metric("weir_sink_under_way_seconds"), 0.9)
        self.drain(pending)
        self.assertRegex(self.latency(), r"^out: p50 .*, p99 .*, not enough events to tell$")
        self.assertEqual(self.weir.metric("weir_sink_time_seconds_count"), 10 + 5)

    def latency(self):
        return [line for line in self.weir.command("why", "out")[1].splitlines() if line.startswith("out: ")][-1]

    def test_the_cause_is_named_as_long_as_the_stall_lasts(self):
        with self.stalled(FAILS):
            pending = [Pending(self.weir.address, ndjson(events("f0", 5)))]
            eventually(lambda: self.weir.graph(sink="out")["retries"] >= 2, lambda: self.weir.graph())
            seen = [self.weir.graph(sink="out")["why"] for _ in range(200)]
            silent = [why for why in seen if "locked" not in why]
            self.assertEqual(silent[:1], [], f"{len(silent)} of {len(seen)} answers do not name the lock")
        self.drain(pending)

    def test_critical_work_still_enters_when_normal_work_is_refused(self):
        with self.stalled(HANGS):
            pending, refusals = self.fill()
            self.assertEqual({r.status for r in refusals}, {503})
            admitted = self.weir.graph(source="in")["admitted"]
            critical = Pending(self.weir.address, ndjson(events("critical", 5)), x_priority="now")
            self.assertTrue(critical.waits(0.3), (critical.answer, self.weir.graph(sink="out"), len(refusals)))
            eventually(lambda: self.weir.graph(source="in")["admitted"] == admitted + 1, lambda: self.weir.graph())
            self.assertTrue(critical.waits(0), critical.answer)
            late = Pending(self.weir.address, ndjson(events("late", 5)), x_priority="later")
            self.assertEqual(late.result().status, 503)
        self.assertEqual(critical.result().stored, 5)
        self.drain(pending)

    def test_a_body_that_is_being_read_is_slowed_and_never_refused(self):
        with self.stalled(HANGS):
            body = ndjson(events("slow", 50, load="x" * 2000))
            with Raw(self.weir.address) as raw:
                raw.send(f"POST /events HTTP/1.1\r\nHost: w\r\nContent-Length: {len(body)}\r\n\r\n").send(body[:1000])
                eventually(lambda: self.weir.graph(source="in")["admitted"] == 2, lambda: self.weir.graph())
                pending, _ = self.fill()
                raw.send(body[1000:])
                self.assertFalse(raw.has_answer(0.3))
                self.lock.release()
                self.assertEqual(raw.answer().stored, 50)
        self.drain(pending)

    def test_admin_answers_while_everything_else_is_full(self):
        with self.stalled(HANGS):
            stop = threading.Event()
            hammers = [threading.Thread(target=self.hammer, args=(stop,)) for _ in range(16)]
            pending, _ = self.fill()
            for h in hammers:
                h.start()
            for path in ("/health", "/ready", "/metrics", "/api/graph", "/api/pressure", "/api/ledger") * 5:
                # Asked again where it was slow: this process or that one may just have had no processor.
                self.assertTrue(any(self.answers_in(path) < 2 for _ in range(3)), f"{path} is slow three times in a row")
            eventually(lambda: self.weir.graph(source="in")["refused"] > 50, lambda: self.weir.graph())
            stop.set()
            for h in hammers:
                h.join()
        self.drain(pending)

    def answers_in(self, path):
        began = time.monotonic()
        self.assertEqual(self.weir.get(path)[0], 200, path)
        return time.monotonic() - began

    def hammer(self, stop):
        while not stop.is_set():
            try:
                post(self.weir.address, ndjson(events("hammer", 5)), timeout=0.5)
            except OSError:
                pass

    def test_when_full_block_lets_clients_wait_unread_instead_of_refusing_them(self):
        config = HANGS.replace("acks: stored", "acks: stored\n    when_full: block")
        with self.stalled(config):
            pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(60)]
            eventually(lambda: self.weir.graph(source="in")["paused"], lambda: self.weir.graph())
            self.assertTrue(all(p.waits(0) for p in pending))
        self.assertEqual({p.result().status for p in pending}, {200})
        self.assertEqual(len(rows_of(self.path("out.db"))), 305)

    def test_another_sink_that_is_optional_does_not_hold_up_anybody(self):
        optional = CONFIG.replace("BUSY", "60s").replace("from: [in]\n", "from: [in]\n    required: false\n").replace(
            "reserved_for_high: 20% }", "when_full: drop_newest }").replace("sinks:", 'sinks:\n  file: { type: file, from: [in], path: "@DIR/out.ndjson" }')
        with self.stalled(optional):
            for n in range(60):
                self.assertEqual(post(self.weir.address, ndjson(events(f"f{n}", 5))).stored, 5)
            self.assertEqual(len(self.lines_of("out.ndjson")), 305)
        self.weir.assert_balanced()


if __name__ == "__main__":
    main()
