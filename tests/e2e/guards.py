"""`guards: { rate: }`: a destination gets no more than it was said to take, clients above a rate are told so and when to
come back, one key's flood does not touch another, and sources that can only wait are paced.

Times are judged in the one direction that a slow machine cannot break: what has been received by some time is never more
than the burst and what the rate allows since a time before the start.
"""
import concurrent.futures
import http.client
import re
import signal
import socket
import threading
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
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, rate_limit_headers: both, guards: { rate: RATE } }
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


UNDER_WAY = """
memory: 192MiB
reactors: 2
sources:
  in:
    type: http
    listen: "@HTTP"
    acks: stored
    max_connections: 128
    ack_timeout: TIMEOUT
    guards: { GUARDS }
sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:%d/events", workers: 4, timeout: 60s, batch: { max_events: 1 } }
admin: { listen: "@ADMIN" }
"""


class Held(OtherSide):
    """Answers nothing until it is let go."""

    def __init__(self):
        self.go, self.held = threading.Event(), 0
        super().__init__(lambda n, ids: Reply(200))

    def answer(self, handler):
        self.held += 1
        self.go.wait(60)
        super().answer(handler)


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


AT_ONCE = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, max_connections: 32 }
sinks:
  out:
    type: http
    from: [in]
    url: "http://127.0.0.1:%d/events"
    workers: 12
    batch: { max_events: 1 }
    guards: { concurrency: LIMIT }
    queue: { max_events: 5000 }
admin: { listen: "@ADMIN" }
"""


class Slots(OtherSide):
    """Does so many at a time, each in 10 ms; what comes above that waits. Remembers how many were there at once."""

    def __init__(self, slots):
        self.slots, self.there, self.most = threading.Semaphore(slots), 0, 0
        super().__init__(lambda n, ids: Reply(200))

    def answer(self, handler):
        with self.lock:
            self.there += 1
            self.most = max(self.most, self.there)
        with self.slots:
            time.sleep(0.01)
        with self.lock:
            self.there -= 1
        super().answer(handler)


class AtOnceOfASink(WeirTest):
    """`concurrency` of a sink: so many of its workers deliver at once."""

    def begin(self, limit, slots=100):
        self.side = Slots(slots)
        self.addCleanup(self.side.close)
        self.text = AT_ONCE % self.side.port
        self.weir = self.start(self.text.replace("LIMIT", limit))
        return self.weir

    def send(self, n, name="e"):
        self.assertEqual(post(self.weir.address, ndjson(events(name, n))).status, 202)

    def guard(self):
        return self.weir.graph(sink="out")["guards"][0]

    def ended(self, n):
        eventually(lambda: len(self.side.taken) == n, lambda: self.weir.graph(sink="out"))

    def test_a_destination_never_has_more_than_that_at_once_and_gets_all_of_it(self):
        self.begin("3")
        self.send(100)
        self.ended(100)
        self.assertEqual(self.side.most, 3, "of 12 workers")
        eventually(lambda: self.guard()["in_flight"] == 0 and self.guard()["waiting"] == 0, self.guard)
        self.assertGreater(self.guard()["waited"], 0)

    def test_a_reload_takes_over_another_number(self):
        self.begin("1")
        self.send(20)
        self.ended(20)
        self.assertEqual(self.side.most, 1)
        self.weir.write(self.text.replace("LIMIT", "12"))
        self.weir.signal(signal.SIGHUP)
        self.weir.says("sinks.out.guards.concurrency.limit: 12, was 1: applied")
        self.send(400, "f")
        self.ended(420)
        self.assertGreater(self.side.most, 1)

    def test_adaptive_finds_that_a_destination_does_few_at_a_time(self):
        self.begin("adaptive", slots=2)
        self.send(600)
        self.ended(600)
        self.assertLess(self.guard()["at_most"], 12, self.guard())

    def test_one_that_observes_holds_nothing_up_and_counts(self):
        self.begin("{ limit: 1, mode: observe }")
        self.send(100)
        self.ended(100)
        self.assertGreater(self.side.most, 1)
        self.assertGreater(self.guard()["refused"], 0)


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
            self.assertEqual(answer.headers["x-ratelimit-limit"], "2")
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

    def test_of_all_a_tenant_and_a_key_each_must_agree_and_who_is_refused_costs_the_others_nothing(self):
        self.begin('[{ name: all, limit: 12/d }, { name: tenant, limit: 8/d, key: "header:X-Tenant" }, '
                   '{ name: each, limit: 3/d, key: ["header:X-Tenant", "header:X-Api-Key"] }]')
        self.assertEqual(self.statuses(30, x_tenant="a", x_api_key="1"), [200] * 3 + [429] * 27, "its key is used up")
        self.assertEqual(self.statuses(3, x_tenant="a", x_api_key="2"), [200] * 3)
        self.assertEqual(self.statuses(3, x_tenant="a", x_api_key="3"), [200] * 2 + [429], "its tenant is")
        self.assertEqual(self.statuses(4, x_tenant="b", x_api_key="1"), [200] * 3 + [429], "the same key of another tenant")
        self.assertEqual(self.statuses(3, x_tenant="b", x_api_key="2"), [200] + [429] * 2, "all are")
        rows = {g["name"]: g for g in self.weir.graph(source="in")["guards"]}
        kept = {name: g["permitted"] - g["given_back"] for name, g in rows.items()}
        self.assertEqual(kept, {"all": 12, "tenant": 12, "each": 12})
        self.assertEqual(len(self.lines_of("out.ndjson")), 12)

    def test_a_field_of_the_events_is_a_key_and_a_request_is_all_or_nothing(self):
        """Beside a rate of requests, which gets back what a refused request took of it."""
        self.begin('[{ name: calls, limit: 8/d }, { name: each, limit: 4/d, key: .tenant }]')

        def send(*tenants):
            return post(self.weir.address, b"".join(b'{"tenant":"%s"}\n' % t.encode() for t in tenants))

        self.assertEqual(send(*"aaab").status, 200)
        refused = send(*"bba", "a")
        self.assertEqual((refused.status, refused.json["error"]), (429, "rate_limited"), refused)
        self.assertIn("none of them was taken", refused.json["message"])
        self.assertGreater(refused.retry_after, 10_000, "a quarter of a day for each event of a")
        self.assertEqual(send(*"bbba").status, 200, "b had paid nothing for the refused one, and a has one left")
        self.assertEqual(send("\\u0062").status, 429, "b, written otherwise")
        self.assertEqual(send(*"cccc").status, 200)
        self.assertEqual([post(self.weir.address, b'{"other":1}\n').status for _ in range(5)], [200] * 4 + [429],
                         "without the field all share one key")
        self.assertEqual(send("d").status, 200, "seven requests of eight: the refused ones cost nothing")
        self.assertEqual(send("e").status, 429)
        self.assertEqual(len(self.lines_of("out.ndjson")), 4 + 4 + 4 + 4 + 1)
        rows = {g["name"]: g for g in self.weir.graph(source="in")["guards"]}
        self.assertEqual(rows["each"]["refused"], 3, rows)

    def test_a_key_that_is_missing_twice_there_or_enormous_breaks_nothing(self):
        self.begin('{ limit: 2/d, key: "header:X-Api-Key" }')
        first = http.client.HTTPConnection(*self.weir.address, timeout=30)
        self.addCleanup(first.close)

        def send(*keys):
            body = ndjson(events(f"e{id(keys)}", 1))
            first.putrequest("POST", "/events")
            for key in keys:
                first.putheader("X-Api-Key", key)
            first.putheader("Content-Length", str(len(body)))
            first.endheaders(body)
            answer = first.getresponse()
            answer.read()
            return answer.status

        self.assertEqual([send("a", "b"), send("a"), send("a", "c")], [200, 200, 429], "of two the first counts")
        self.assertEqual(send("b"), 200, "and the second is nobody's")
        self.assertEqual([send(), send(), send()], [200, 200, 429], "who sends none shares with all who send none")
        self.assertEqual(send(""), 429, "an empty one is none")
        with socket.create_connection(self.weir.address, timeout=30) as s:
            try:
                s.sendall(b"POST /events HTTP/1.1\r\nHost: a\r\nX-Api-Key: " + b"k" * 2**20 + b"\r\n\r\n")
                answer = s.recv(64)
            except ConnectionError:  # it need not be read to its end
                answer = b""
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 431 "), answer)
        self.assertEqual(send("d"), 200, "a key of a megabyte was refused, and nobody else")

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

    def test_a_reload_reaches_keys_that_are_known_and_is_no_fresh_quota(self):
        rate = "{ limit: LIMIT, key: 'header:X-Api-Key' }"
        self.begin(rate.replace("LIMIT", "40/h"))
        used = [self.send(x_api_key="busy").status for _ in range(41)]
        self.assertEqual(used, [200] * 40 + [429])
        for limit, was in (("4/h", "40/h"), ("8/h", "4/h"), ("5/h", "8/h"), ("9/h", "5/h")):
            self.weir.write(DOOR.replace("RATE", rate.replace("LIMIT", limit)))
            self.weir.signal(signal.SIGHUP)
            self.weir.says(f"sources.in.guards.rate.limit: {limit}, was {was}: applied")
            refused = self.send(x_api_key="busy")
            self.assertEqual(refused.status, 429, "no fresh quota")
            self.assertIn(f"q={limit.split('/')[0]};w=3600", refused.headers["ratelimit-policy"])
        self.assertEqual([self.send(x_api_key="new").status for _ in range(10)], [200] * 9 + [429])
        self.weir.write(DOOR.replace("RATE", "{ limit: 9/h, key: peer }"))
        self.weir.signal(signal.SIGHUP)
        self.weir.says("sources.in.guards.rate.key: peer, was header:X-Api-Key: needs a new process")

    def test_every_algorithm_refuses_what_is_above_it(self):
        for algorithm, most in (("token_bucket", 3), ("leaky_bucket", 1), ("fixed_window", 3), ("sliding_counter", 3), ("sliding_log", 3)):
            with self.subTest(algorithm):
                self.begin("{ limit: 3/h, algorithm: %s }" % algorithm)
                self.assertEqual(self.statuses(6).count(200), most)
                refused = self.send()
                self.assertEqual(refused.status, 429)
                self.assertGreaterEqual(refused.retry_after, 1)
                self.assertEqual(self.weir.stop(), 0)


class UnderWay(WeirTest):
    """`concurrency` and `fairness`: requests between their admission and their answer."""

    def begin(self, guards, timeout="30s"):
        self.side = Held()
        self.addCleanup(self.side.close)
        self.addCleanup(self.side.go.set)
        self.weir = self.start(UNDER_WAY.replace("GUARDS", guards).replace("TIMEOUT", timeout) % self.side.port)
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        self.addCleanup(self.pool.shutdown)
        return self.weir

    def guard(self):
        return next(g for g in self.weir.graph(source="in")["guards"] if g["name"] == "concurrency")

    def send(self, name="e", **headers):
        return post(self.weir.address, ndjson(events(name, 1)), timeout=60, **headers)

    def hold(self, n, counted=None):
        """n requests whose events are with the destination, which answers none."""
        began = [self.pool.submit(self.send, f"held{i}") for i in range(n)]
        eventually(lambda: self.side.held == n and self.guard()["in_flight"] == (counted or n), lambda: self.weir.graph())
        return began

    def free(self):
        eventually(lambda: self.guard()["in_flight"] == 0, lambda: self.guard())

    def test_above_the_limit_a_request_is_refused_at_once_and_told_why_and_when_to_come_back(self):
        self.begin("concurrency: 2")
        began = self.hold(2)
        refused = self.send()
        self.assertEqual((refused.status, refused.json["error"]), (503, "concurrency_limited"))
        self.assertGreaterEqual(refused.retry_after, 1)
        self.assertIn("2 requests are under way here, which is the limit now", refused.json["message"])
        self.assertIn("2 of 2 are under way", self.weir.command("why", "in")[1])
        self.side.go.set()
        self.assertEqual([b.result().status for b in began], [200, 200])
        self.free()
        self.assertEqual(self.send().status, 200)
        self.assertEqual(self.weir.metric('weir_guard_refused_total{kind="source",node="in",guard="concurrency",mode="enforce"}'), 1)

    def test_a_request_that_is_answered_unknown_keeps_its_place_until_its_work_has_ended(self):
        self.begin("concurrency: 1", timeout="300ms")
        self.assertEqual(self.hold(1)[0].result().status, 504)
        self.assertEqual(self.guard()["in_flight"], 1, "its events are still on their way")
        self.assertEqual(self.send().json["error"], "concurrency_limited")
        self.side.go.set()
        self.free()
        self.assertEqual(self.send().status, 200)

    def test_what_comes_to_nothing_gives_its_place_back(self):
        self.begin("concurrency: 1")
        self.side.go.set()
        for _ in range(3):
            self.assertEqual(post(self.weir.address, b"not json\n").status, 422)
            with socket.create_connection(self.weir.address) as s:
                s.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
                eventually(lambda: self.guard()["in_flight"] == 1, lambda: self.guard())
            self.free()
        self.assertEqual(self.send().status, 200)

    def test_who_hangs_up_while_it_waits_leaves_the_line(self):
        self.begin("concurrency: { limit: 1, max_wait: 30s }")
        began = self.hold(1)
        with socket.create_connection(self.weir.address) as s:
            s.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n")
            eventually(lambda: self.guard()["waited"] == 1 or self.guard()["refused"], lambda: self.guard())
        eventually(lambda: self.guard()["waiting"] == 0, lambda: self.guard())
        guard = self.guard()
        self.assertTrue(guard["left"] == 1 or guard["refused"], "a machine too busy to come within a second finds a stall")
        self.side.go.set()
        self.assertEqual(began[0].result().status, 200)
        self.free()

    def test_who_closes_only_its_sending_side_keeps_its_turn_and_is_answered(self):
        self.begin("concurrency: { limit: 1, max_wait: 60s }")
        began = self.hold(1)
        body = ndjson(events("half", 1))
        with socket.create_connection(self.weir.address, timeout=60) as s:
            s.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            s.shutdown(socket.SHUT_WR)
            eventually(lambda: self.guard()["waited"] == 1 or self.guard()["refused"], lambda: self.guard())
            s.settimeout(0.3)  # in that time whoever was taken for gone would be told so
            self.assertRaises(TimeoutError, s.recv, 1)
            s.settimeout(60)
            self.assertEqual(self.guard()["left"], 0)
            self.side.go.set()
            answer = s.recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") or b"0 requests are under way" in answer,
                            f"a machine too busy to come within a second refuses at the head of the line: {answer}")
            self.assertEqual(s.recv(1), b"", "and nothing else comes")
        self.assertEqual(began[0].result().status, 200)
        self.free()

    def test_a_reload_lets_in_who_waits_for_a_higher_limit(self):
        self.begin("concurrency: { limit: 1, max_wait: 60s }", timeout="60s")
        began = self.hold(1)
        waiting = self.pool.submit(self.send, "waits")
        eventually(lambda: self.guard()["waiting"] == 1, self.guard)
        text = UNDER_WAY.replace("GUARDS", "concurrency: { limit: 2, max_wait: 60s }").replace("TIMEOUT", "60s")
        self.weir.write(text % self.side.port)
        self.weir.signal(signal.SIGHUP)
        self.weir.says("sources.in.guards.concurrency.limit: 2, was 1: applied")
        eventually(lambda: self.side.held == 2, self.guard)
        self.side.go.set()
        self.assertEqual([b.result().status for b in [*began, waiting]], [200, 200])

    def test_a_stop_does_not_wait_for_who_waits(self):
        self.begin("concurrency: { limit: 1, max_wait: 5m }")
        began = self.hold(1)
        waits = self.pool.submit(self.send, "waits")
        eventually(lambda: self.guard()["waited"] == 1 or self.guard()["refused"], lambda: self.guard())
        self.assertIn("its guards", self.weir.command("why", "in")[1])
        self.weir.signal(signal.SIGTERM)
        self.assertIn(waits.result().json["error"], ("shutting_down", "destination_stalled"))
        self.side.go.set()
        self.assertEqual(began[0].result().status, 200)
        self.assertEqual(self.weir.wait(), 0)

    def test_one_that_observes_refuses_nobody_and_counts(self):
        self.begin("concurrency: { limit: 1, mode: observe }")
        began = self.hold(4, counted=1)
        self.assertEqual((self.guard()["permitted"], self.guard()["refused"]), (1, 3))
        self.side.go.set()
        self.assertEqual([b.result().status for b in began], [200] * 4)

    def flood(self, seconds_at_most, heavy, light, **each):
        """Obedient clients, each sends its next request when the last one is answered. By tenant: statuses."""
        over, seen = threading.Event(), {}

        def client(tenant, requests):
            own = http.client.HTTPConnection(*self.weir.address, timeout=60)
            for n in range(requests):
                if over.is_set():
                    return
                answer = post(self.weir.address, ndjson(events(f"{tenant}-{n}", 1)), connection=own, x_tenant=tenant)
                seen.setdefault(tenant, []).append(answer.status)

        floods = [self.pool.submit(client, "flood", 10**6) for _ in range(heavy)]
        calm = [self.pool.submit(client, f"t{i}", 40) for i in range(light)]
        concurrent.futures.wait(calm, timeout=seconds_at_most)
        over.set()
        for client in floods + calm:
            client.result()
        return seen

    def test_a_tenant_with_fifty_times_the_clients_of_each_other_takes_nothing_from_them(self):
        self.begin("concurrency: { limit: 4, max_wait: 2s }, fairness: { key: 'header:X-Tenant' }")
        self.side.go.set()
        seen = self.flood(60, heavy=50, light=9)
        refused = {tenant: all.count(503) / len(all) for tenant, all in seen.items()}
        calm = [refused[t] for t in seen if t != "flood"]
        self.assertEqual([len(seen[t]) for t in seen if t != "flood"], [40] * 9)
        # How much of theirs they keep is shown in virtual time; here a machine that is busy refuses all of them more.
        self.assertLessEqual(sum(calm) / len(calm), refused["flood"] / 3, refused)
        self.assertGreater(self.guard()["waited"], 0)
        self.free()

    def test_adaptive_serves_who_it_lets_in_and_loses_nothing(self):
        self.begin("concurrency: adaptive")
        self.side.go.set()
        seen = self.flood(60, heavy=20, light=4)
        statuses = [s for all in seen.values() for s in all]
        self.assertLessEqual(set(statuses), {200, 503})
        self.free()
        self.assertEqual(statuses.count(200), len(self.side.taken))
        self.assertGreaterEqual(self.guard()["at_most"], 2)


class OfTheMachine(WeirTest):
    def begin(self, pressure):
        self.weir = self.start(DOOR.replace("guards: { rate: RATE }", "priority: { from: header:X-Priority }, guards: { pressure: %s }" % pressure))

    def send(self, priority):
        return post(self.weir.address, ndjson(events("e", 1)), x_priority=priority)

    def test_one_priority_after_the_other_is_refused_and_told_what_is_short_and_critical_never(self):
        self.begin("{ memory: 0.01%, cpu: 0, run_queue: 0, descriptors: 0 }")
        for priority in ("batch", "low", "normal", "high"):
            eventually(lambda: self.send(priority).status == 503, lambda: self.weir.graph(source="in"))
        refused = self.send("batch")
        self.assertEqual(refused.json["error"], "overloaded")
        self.assertIn("memory in use", refused.json["message"])
        self.assertGreaterEqual(refused.retry_after, 1)
        self.assertEqual(self.send("critical").status, 200)
        self.assertIn("memory in use", self.weir.command("why", "in")[1])
        self.weir.says("refuses the lowest priorities while the machine is short: memory in use")

    def test_a_process_that_comes_late_to_its_work_refuses_and_says_so_and_not_any_more_when_it_is_in_time(self):
        self.begin("{ memory: 0, cpu: 0, run_queue: 0, descriptors: 0, reactor_lag: 150ms }")
        refused = []

        def late():
            self.weir.signal(signal.SIGSTOP)
            time.sleep(2)
            self.weir.signal(signal.SIGCONT)
            answer = self.send("batch")
            refused.extend([answer] * (answer.status == 503))
            return refused

        eventually(late, lambda: self.weir.graph(source="in"))
        self.assertEqual(refused[0].json["error"], "overloaded")
        self.assertIn("lateness of a reactor", refused[0].json["message"])
        self.weir.says("refuses the lowest priorities while the machine is short: lateness of a reactor")
        self.assertIn('resource="reactor_lag"', self.weir.get("/metrics")[1])
        eventually(lambda: self.send("batch").status == 200, lambda: self.weir.graph(source="in"))

    def test_one_that_observes_refuses_nobody_and_counts(self):
        self.begin("{ memory: 0.01%, mode: observe }")
        eventually(lambda: self.send("batch").status == 200 and self.weir.graph(source="in")["guards"][0]["refused"] > 0,
                   lambda: self.weir.graph(source="in"))


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
