"""Signals: stopping in order and saying what was left, hurrying, and taking over a changed configuration."""
import http.client
import signal
import time

from clients import events, ndjson, post
from stalls import Locked, Pending, rows_of
from weir_process import WeirTest, eventually, main

CONFIG = """memory: 128MiB
drain_deadline: DEADLINE
sources:
  in: { type: http, listen: "@HTTP", acks: ACKS, max_connections: 64, ack_timeout: 60s }
sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    busy_timeout: 50ms
    queue: { max_events: 100 }
    breaker: { open: 300ms }
    retry: { base: 20ms, cap: 200ms }
admin: { listen: "@ADMIN" }
"""


class Stopping(WeirTest):
    def stalled(self, acks="stored", deadline="1s", requests=10):
        self.weir = self.start(CONFIG.replace("ACKS", acks).replace("DEADLINE", deadline))
        self.assertIn(post(self.weir.address, ndjson(events("before", 5))).status, (200, 202))
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 5, lambda: self.weir.graph())
        lock = Locked(self.path("out.db"))
        self.addCleanup(lock.release)
        self.pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(requests)]
        eventually(lambda: self.weir.graph(source="in")["in"] == 5 + 5 * requests, lambda: self.weir.graph())
        return lock

    def assert_ends(self, code, within):
        began = time.monotonic()
        self.assertEqual(self.weir.wait(within), code, self.weir.log())
        self.assertIn("every event is accounted for", self.weir.log())
        return time.monotonic() - began

    def test_a_full_flow_with_acks_stored_ends_with_3_and_tells_its_clients(self):
        self.stalled()
        self.weir.signal(signal.SIGTERM)
        self.assertGreater(self.assert_ends(3, 10), 0.8)
        for p in self.pending:
            answer = p.result(5)
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("stop", answer.json["message"])
        self.assertRegex(self.weir.log(), r"sink out: 55 events in, 5 stored, .* 50 abandoned")
        self.assertIn("50 events unsettled", self.weir.log())

    def test_a_full_flow_with_acks_accepted_ends_with_4_and_says_how_many_are_lost(self):
        self.stalled(acks="accepted")
        self.assertEqual({p.result().status for p in self.pending}, {202})
        self.weir.signal(signal.SIGTERM)
        self.assert_ends(4, 10)
        self.assertIn("50 events abandoned, 50 of them after being accepted", self.weir.log())

    def test_a_flow_that_drains_before_the_deadline_ends_with_0(self):
        lock = self.stalled(deadline="20s")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        lock.release()
        self.assertLess(self.assert_ends(0, 20), 5)
        self.assertEqual({p.result(5).status for p in self.pending}, {200})
        self.assertEqual(len(rows_of(self.path("out.db"))), 55)
        self.assertIn("nothing was left", self.weir.log())

    def test_what_was_accepted_drains_before_the_deadline(self):
        lock = self.stalled(acks="accepted", deadline="20s")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        lock.release()
        self.assert_ends(0, 20)
        self.assertEqual(len(rows_of(self.path("out.db"))), 55)

    def test_a_second_signal_hurries(self):
        self.stalled(deadline="60s")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        self.weir.signal(signal.SIGINT)
        self.assertLess(self.assert_ends(3, 20), 5)

    def test_while_stopping_ready_fails_and_the_door_refuses(self):
        self.stalled(deadline="3s", requests=4)
        kept = http.client.HTTPConnection(*self.weir.address, timeout=10)
        kept.request("POST", "/events", body=b"")
        self.assertEqual(kept.getresponse().status, 200)
        self.assertEqual(self.weir.get("/ready")[0], 200)
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        eventually(lambda: self.weir.get("/ready")[0] == 503, "/ready says no")
        self.assertEqual(self.weir.get("/health")[0], 200)
        self.assertTrue(self.weir.graph()["stopping"])
        with self.assertRaises((OSError, http.client.HTTPException)):
            post(self.weir.address, ndjson(events("late", 1)))
        try:
            kept.request("POST", "/events", body=b"{}")
            self.assertEqual(kept.getresponse().status, 503)
        except (OSError, http.client.HTTPException):
            pass  # closed, which is as good
        kept.close()
        self.assert_ends(3, 10)

    def test_an_idle_flow_ends_at_once(self):
        self.weir = self.start(CONFIG.replace("ACKS", "stored").replace("DEADLINE", "30s"))
        idle = http.client.HTTPConnection(*self.weir.address)
        idle.connect()
        began = time.monotonic()
        self.assertEqual(self.weir.stop(), 0)
        self.assertLess(time.monotonic() - began, 3)
        idle.close()


class Reloading(WeirTest):
    CONFIG = CONFIG.replace("ACKS", "stored").replace("DEADLINE", "20s")

    def reload(self, weir, config, says):
        seen = len(weir.lines)
        weir.write(config)
        weir.signal(signal.SIGHUP)
        eventually(lambda: any(says in line for line in weir.lines[seen:]), lambda: f"{says}\n{weir.log()}")
        return [line for line in weir.lines[seen:]]

    def bound(self, weir):
        return weir.ask("/api/pressure")["edges"][0]["bound_events"]

    def test_a_changed_bound_is_taken_over_in_place_while_events_wait(self):
        weir = self.start(self.CONFIG)
        post(weir.address, ndjson(events("before", 5)))
        with Locked(self.path("out.db")):
            pending = Pending(weir.address, ndjson(events("held", 5)))
            eventually(lambda: weir.graph(source="in")["in"] == 10, lambda: weir.graph())
            self.reload(weir, self.CONFIG.replace("max_events: 100", "max_events: 250"), "reload: done")
            self.assertEqual(self.bound(weir), 250)
        self.assertEqual(pending.result().status, 200)

    def test_a_changed_topology_is_refused_with_what_differs(self):
        weir = self.start(self.CONFIG)
        more = self.CONFIG.replace("admin:", '  more: { type: file, from: [in], path: "@DIR/more.ndjson" }\nadmin:')
        lines = self.reload(weir, more, "reload: policy values can change")
        self.assertTrue(any("reload refused" in line and "more" in line for line in lines), lines)
        other = self.CONFIG.replace("out.db", "other.db").replace("max_events: 100", "max_events: 250")
        lines = self.reload(weir, other, "reload: policy values can change")
        self.assertTrue(any("reload refused" in line and "sinks.out" in line for line in lines), lines)
        self.assertEqual(self.bound(weir), 100)
        self.assertEqual(post(weir.address, ndjson(events("after", 5))).status, 200)

    def test_a_file_with_errors_is_refused_and_the_flow_goes_on(self):
        weir = self.start(self.CONFIG)
        lines = self.reload(weir, self.CONFIG.replace("max_events: 100", "max_event: 100"), "the running one is kept")
        self.assertTrue(any("weir.yaml:11:14: sinks.out.queue.max_event: unknown key; did you mean max_events?" in line for line in lines), lines)
        self.assertEqual(self.bound(weir), 100)
        self.reload(weir, self.CONFIG.replace("max_events: 100", "max_events: 50"), "reload: done")
        self.assertEqual(self.bound(weir), 50)
        self.assertEqual(post(weir.address, ndjson(events("after", 5))).status, 200)


if __name__ == "__main__":
    main()
