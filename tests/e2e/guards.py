"""`guards: { rate: }`: a destination gets no more than it was said to take, clients above a rate are told so and when to
come back, one key's flood does not touch another, and sources that can only wait are paced.

Times are judged in the one direction that a slow machine cannot break: what has been received by some time is never more
than the burst and what the rate allows since a time before the start.
"""
import re
import signal
import socket
import time

from clients import events, ndjson, post
from http_server import OtherSide, Reply
from weir_process import WeirTest, eventually, main

LIMIT, BURST = 200, 20

TO_SERVER = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, max_connections: 32 }
sinks:
  out:
    type: http
    from: [in]
    url: "http://127.0.0.1:%d/events"
    workers: 2
    guards: { rate: { limit: 200/s, burst: 20 } }
    queue: { max_events: 5000 }
    retry: { base: 10ms, cap: 50ms }
admin: { listen: "@ADMIN" }
"""

SLOWED = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, max_connections: 32 }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson", guards: { rate: 10/s }, queue: { max_events: 40 } }
admin: { listen: "@ADMIN" }
drain_deadline: DEADLINE
"""

DOOR = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, guards: { rate: RATE } }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
"""

PACED = """
memory: 128MiB
sources:
  in: { type: file, path: "@DIR/in.ndjson", at_end: wait, guards: { rate: { limit: 200/s, burst: 20 } } }
sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:%d/events", batch: { max_events: 10 } }
admin: { listen: "@ADMIN" }
"""


PACED_TCP = """
memory: 128MiB
sources:
  in: { type: tcp, listen: "@HTTP", max_connections: 16, guards: { rate: { limit: 200/s, burst: 20 } } }
sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:%d/events", batch: { max_events: 10 } }
admin: { listen: "@ADMIN" }
"""


class Receiver(OtherSide):
    """Writes down by when how much has come, retries included."""

    def __init__(self, fails=()):
        self.began = time.monotonic()
        self.seen = []
        super().__init__(lambda n, ids: self.note(n, ids, fails))

    def note(self, n, ids, fails):
        self.seen.append((time.monotonic(), len(ids)))
        return Reply(500 if n in fails else 200)

    def worst(self):
        """The most by which anything that has come exceeds burst + rate x time; above 0 is too much."""
        come, worst = 0, -BURST
        for at, count in self.seen:
            come += count
            worst = max(worst, come - BURST - LIMIT * (at - self.began))
        return worst


def said(answer):
    """(r, t) of the RateLimit field's last item."""
    return tuple(map(int, re.fullmatch(r'(?:.*, )?"\w+";r=(\d+);t=(\d+)', answer.headers["ratelimit"]).groups()))


class OfASink(WeirTest):
    def receiver(self, **more):
        side = Receiver(**more)
        self.addCleanup(side.die)
        return side

    def test_a_destination_never_gets_more_than_its_burst_and_its_rate_and_all_of_it_in_the_end(self):
        side = self.receiver()
        weir = self.start(TO_SERVER % side.port)
        side.began = time.monotonic()
        for n in range(10):
            self.assertEqual(post(weir.address, ndjson(events(f"r{n}", 40))).status, 202)
        eventually(lambda: len(side.taken) == 400, lambda: weir.graph(sink="out"))
        self.assertEqual(len(set(side.taken)), 400)
        self.assertLessEqual(side.worst(), 0)

    def test_what_is_tried_again_counts_again(self):
        side = self.receiver(fails={2, 3, 5})
        weir = self.start(TO_SERVER % side.port)
        side.began = time.monotonic()
        self.assertEqual(post(weir.address, ndjson(events("r", 200))).status, 202)
        eventually(lambda: len(set(side.taken)) == 200, lambda: weir.graph(sink="out"))
        self.assertGreater(sum(count for _, count in side.seen), 200)
        self.assertLessEqual(side.worst(), 0)

    def test_load_above_it_fills_the_queue_and_the_refusal_names_the_rate_and_not_the_destination(self):
        weir = self.start(SLOWED.replace("DEADLINE", "20s"))
        refusal = eventually(lambda: next((a for a in [post(weir.address, ndjson(events("x", 10)))] if a.status != 202), None),
                             lambda: weir.graph())
        self.assertEqual((refusal.status, refusal.json["error"]), (503, "flow_full"))
        self.assertGreaterEqual(refusal.retry_after, 1)
        self.assertIn("its own rate (guards) lets 10 events/s pass, not the destination", refusal.json["message"])
        self.assertIn("its own rate (guards) lets 10 events/s pass", weir.command("why", "out")[1])
        self.assertEqual(weir.graph(sink="out")["failures"], 0)

    def test_a_reload_takes_over_another_rate(self):
        slow = SLOWED.replace("DEADLINE", "5s").replace("10/s", "1/h")
        weir = self.start(slow)
        self.assertEqual(post(weir.address, ndjson(events("x", 30))).status, 202)
        eventually(lambda: "its own rate" in weir.graph(sink="out")["why"], lambda: weir.graph(sink="out"))
        weir.write(slow.replace("1/h", "1000/s"))
        weir.signal(signal.SIGHUP)
        weir.says("sinks.out.guards.rate.limit: 1000/s, was 1/h: applied")
        eventually(lambda: len(self.lines_so_far("out.ndjson")) == 30, lambda: weir.graph(sink="out"))

    def test_a_stop_does_not_wait_for_it_beyond_its_deadline(self):
        weir = self.start(SLOWED.replace("DEADLINE", "1s").replace("10/s", "1/h"))
        self.assertEqual(post(weir.address, ndjson(events("x", 30))).status, 202)
        self.assertEqual(weir.stop(), 4, "accepted, and not delivered: said in the exit code")


class AtTheDoor(WeirTest):
    def begin(self, rate):
        self.weir = self.start(DOOR.replace("RATE", rate))
        return self.weir

    def send(self, n=1, **headers):
        return post(self.weir.address, ndjson(events(f"e{id(headers)}", n)), **headers)

    def statuses(self, times, **headers):
        return [self.send(**headers).status for _ in range(times)]

    def test_who_is_above_a_rate_is_told_so_and_when_to_come_back(self):
        self.begin("{ limit: 2/min, name: calls }")
        first, second, third = self.send(), self.send(), self.send()
        self.assertEqual([first.status, second.status, third.status], [200, 200, 429])
        for answer in (first, second, third):
            self.assertEqual(answer.headers["ratelimit-policy"], '"calls";q=2;w=60')
        self.assertEqual([said(a)[0] for a in (first, second, third)], [1, 0, 0])
        self.assertEqual(third.json["error"], "rate_limited")
        self.assertEqual(third.json["retry_after"], third.retry_after)
        self.assertEqual(said(third)[1], third.retry_after)
        self.assertTrue(1 <= third.retry_after <= 30, third)
        self.assertIn("calls lets 2 pass in 60 s", third.json["message"])
        source = self.weir.graph(source="in")
        self.assertEqual((source["admitted"], source["refused"]), (2, 1))
        self.assertEqual(self.weir.metric('weir_guard_refused_total{kind="source",node="in",guard="calls",mode="enforce"}'), 1)
        self.assertEqual(len(self.lines_of("out.ndjson")), 2)

    def test_who_comes_back_when_told_is_let_in(self):
        self.begin("{ limit: 1/s, burst: 1 }")
        self.send()
        refused = eventually(lambda: next((a for a in [self.send()] if a.status == 429), None), lambda: self.weir.graph())
        back = time.monotonic() + refused.retry_after
        eventually(lambda: time.monotonic() >= back, "")
        self.assertEqual(self.send().status, 200)

    def test_the_flood_of_one_key_does_not_touch_another(self):
        self.begin('{ limit: 5/h, key: "header:X-Api-Key" }')
        self.assertEqual(self.statuses(40, x_api_key="flood").count(200), 5)
        self.assertEqual(self.statuses(5, x_api_key="calm"), [200] * 5)
        self.assertEqual(self.statuses(7), [200] * 5 + [429] * 2, "without the header all share one key")
        self.assertEqual(self.statuses(1, x_api_key="k" * 6000), [200], "a long key is a key like any other")

    def test_more_keys_than_are_told_apart_share_a_limit_and_the_log_says_so(self):
        self.begin('{ limit: 2/h, key: "header:X-Api-Key", keys: 8 }')
        passed = [self.send(x_api_key=f"k{n}").status for n in range(20) for _ in range(3)].count(200)
        self.assertTrue(16 <= passed <= 18, f"8 keys and what the others share, each 2: {passed}")
        self.weir.says("those that find no place share one limit: raise keys")

    def test_of_several_rates_all_must_agree_and_a_refusal_gives_back_what_the_others_gave(self):
        self.begin('[{ name: all, limit: 8/h }, { name: each, limit: 5/h, key: "header:X-Api-Key" }]')
        self.assertEqual(self.statuses(40, x_api_key="a").count(200), 5)
        self.assertEqual(self.statuses(5, x_api_key="b"), [200] * 3 + [429] * 2)
        self.assertRegex(self.send(x_api_key="c").headers["ratelimit-policy"], '"all";q=8;w=3600$')

    def test_in_events_a_request_overdraws_once_and_the_next_waits(self):
        self.begin("{ limit: 100/h, burst: 10, per: events }")
        self.assertEqual(self.send(50).status, 200)
        refused = self.send()
        self.assertEqual(refused.status, 429)
        self.assertTrue(1400 < refused.retry_after <= 1476, "41 events at 100 an hour")
        self.assertNotIn("ratelimit", refused.headers, "clients would take the number for requests")

    def test_one_that_observes_refuses_nobody_and_counts(self):
        self.begin("{ limit: 5/h, mode: observe }")
        self.assertEqual(self.statuses(20), [200] * 20)
        self.assertNotIn("ratelimit", self.send().headers)
        self.assertEqual(self.weir.metric('weir_guard_refused_total{kind="source",node="in",guard="rate",mode="observe"}'), 16)

    def test_every_algorithm_refuses_what_is_above_it(self):
        for algorithm, most in (("token_bucket", 3), ("leaky_bucket", 1), ("fixed_window", 3), ("sliding_counter", 3), ("sliding_log", 3)):
            with self.subTest(algorithm):
                self.begin("{ limit: 3/h, algorithm: %s }" % algorithm)
                self.assertEqual(self.statuses(6).count(200), most)
                refused = self.send()
                self.assertEqual(refused.status, 429)
                self.assertGreaterEqual(refused.retry_after, 1)
                self.assertEqual(self.weir.stop(), 0)


class OfASourceThatCanOnlyWait(WeirTest):
    def test_is_paced_and_loses_nothing(self):
        side = Receiver()
        self.addCleanup(side.die)
        with open(self.path("in.ndjson"), "wb") as f:
            f.write(ndjson(events("line", 300)))
        side.began = time.monotonic()
        weir = self.start(PACED % side.port)
        eventually(lambda: len(set(side.taken)) == 300, lambda: weir.graph())
        self.assertEqual(side.taken, [f"line-{i}" for i in range(300)])
        self.assertLessEqual(side.worst(), 0)

    def test_senders_over_tcp_are_paced_together(self):
        side = Receiver()
        self.addCleanup(side.die)
        weir = self.start(PACED_TCP % side.port)
        side.began = time.monotonic()
        for sender in "ab":
            with socket.create_connection(weir.address) as s:
                s.sendall(ndjson(events(sender, 150)))
        eventually(lambda: len(set(side.taken)) == 300, lambda: weir.graph())
        self.assertLessEqual(side.worst(), 0)
        self.assertGreater(weir.graph(source="in")["guards"][0]["refused"], 0, "made to wait")


if __name__ == "__main__":
    main()
