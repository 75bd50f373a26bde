"""The http sink against servers that refuse, stall, die and limit: no storm, nothing lost. Prints the figures."""
import threading
import time

from clients import events, ndjson, post
from http_server import Limited, OtherSide, Reply, refusing_half
from weir_process import WeirTest, eventually, main

CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, ack_timeout: 60s }
sinks:
  out:
    type: http
    from: [in]
    url: URL
    timeout: TIMEOUT
    workers: WORKERS
    batch: { max_events: BATCH }
    queue: { max_events: 5000 }
    breaker: { consecutive_failures: 3, open: 500ms }
    retry: { base: 50ms, cap: 500ms }
admin: { listen: "@ADMIN" }
"""


class Sender(threading.Thread):
    """An obedient client: comes back when it is told to, until its events are stored."""

    def __init__(self, address, rows):
        super().__init__(daemon=True)
        self.address, self.rows, self.refused, self.statuses = address, rows, 0, []
        self.start()

    def run(self):
        while True:
            answer = post(self.address, ndjson(self.rows), timeout=90)
            self.statuses.append(answer.status)
            if answer.status != 503:
                return
            self.refused += 1
            time.sleep(answer.retry_after)


class HttpSink(WeirTest):
    def begin(self, script, workers=2, batch=50, timeout="30s"):
        """A short timeout is for a server that is to be given up: one that is only held up would be sent it twice."""
        self.side = OtherSide(script)
        self.addCleanup(self.side.close)
        self.weir = self.start(CONFIG.replace("URL", self.side.url).replace("WORKERS", str(workers))
                               .replace("BATCH", str(batch)).replace("TIMEOUT", timeout))

    def send(self, requests, each, name="e"):
        return [Sender(self.weir.address, events(f"{name}{n}", each)) for n in range(requests)]

    def finish(self, senders, within=90):
        """Everybody is answered 200, and everything they sent is there."""
        end = time.monotonic() + within
        for sender in senders:
            sender.join(max(0.1, end - time.monotonic()))
            self.assertFalse(sender.is_alive(), lambda: f"not answered: {self.weir.graph()}")
            self.assertEqual(sender.statuses[-1], 200)
        sent = {row["id"] for sender in senders for row in sender.rows}
        self.assertEqual(sent - set(self.side.taken), set(), "lost")
        return sum(id in sent for id in self.side.taken) - len(sent)

    def figures(self, what, doubles):
        print(f"\n    {what}: {self.side.count()} requests, {self.side.rate():.1f}/s, at most "
              f"{self.side.busiest_second()} in a second; {len(self.side.taken)} events, {doubles} of them twice", flush=True)

    def test_e1_refused_half_of_the_time_it_waits_as_told_and_delivers_all(self):
        self.begin(refusing_half(work=0.2), workers=2)

        def waits_as_told(asked):
            """In the second after a refusal comes only what was on its way, and at once: a busy machine delays some of it."""
            early = sum(any(when + 0.05 < t < when + 0.98 for t, _ in asked) for when, status in asked if status == 503)
            return early <= sum(status == 503 for _, status in asked) / 6
        self.measured(waits_as_told, 10, 60, "refuses half, Retry-After 1 s")
        self.assertGreaterEqual(self.side.count(503), 3)
        self.assertEqual(self.weir.graph(sink="out")["breaker"], "closed", "a refusal is no failure")
        self.assertEqual(self.weir.metric("weir_destination_breaker_opened_total"), 0)

    def test_a_server_that_stalls_is_asked_seldom_and_gets_everything_afterwards(self):
        begin = time.monotonic()
        stalled = [True]
        self.begin(lambda n, ids: Reply(500, hang=30) if stalled[0] else Reply(200), workers=2, timeout="1s")
        senders = self.send(6, 50)
        eventually(lambda: self.side.count() >= 6, lambda: f"it keeps trying: {self.weir.graph()}")
        asked, seconds = self.side.count(), time.monotonic() - begin
        stalled[0] = False
        doubles = self.finish(senders)
        self.figures(f"stalls for {seconds:.1f} s, timeout 1 s, breaker 0.5 s: asked {asked} times meanwhile", doubles)
        self.assertLessEqual(asked, 4 + 2 * seconds)
        self.assertLessEqual(self.side.busiest_second(), 12)

    def test_a_server_that_dies_and_comes_back_is_probed_and_nothing_is_lost(self):
        self.begin(lambda n, ids: Reply(200), workers=2, timeout="1s")
        self.finish(self.send(3, 50, "before"))
        dead = time.monotonic()
        self.side.die()
        tried = self.weir.metric("weir_destination_attempts_total")
        senders = self.send(6, 50, "during")
        eventually(lambda: self.weir.graph(sink="out")["breaker"] == "open", lambda: self.weir.graph())
        eventually(lambda: time.monotonic() - dead > 4, "")
        tried = self.weir.metric("weir_destination_attempts_total") - tried
        seconds = time.monotonic() - dead
        self.side.start()
        doubles = self.finish(senders)
        self.figures(f"dead for {seconds:.1f} s, tried {tried:.0f} times meanwhile", doubles)
        self.assertLessEqual(tried, 4 + 2.2 * seconds)

    def measured(self, is_right, requests, each, what):
        """Sends it all; all arrives once, and the times at which it was asked are right. Those are taken again, twice at
        most: a machine that gives one of the two no processor for a while shifts them."""
        for attempt in range(3):
            before = self.side.count()
            doubles = self.finish(self.send(requests, each, f"e{attempt}-"))
            self.figures(what, doubles)
            self.assertEqual(doubles, 0)
            if is_right(asked := self.side.requests[before:]):
                return
        self.fail(f"three times it was asked when it should not have been: {asked}")

    def paces(self, limit, window, requests, least=0):
        self.begin(Limited(limit, window), workers=4, batch=1)

        def keeps_the_pace(asked):
            late = sum(status == 429 for _, status in asked) / len(asked)
            rate = (len(asked) - 1) / (asked[-1][0] - asked[0][0])
            print(f"    {100 * late:.2f} % answered 429, {rate:.1f} requests/s", flush=True)
            return late < 0.02 and rate > least
        self.measured(keeps_the_pace, 10, requests // 10, f"advertises {limit} requests in {window} s")

    def test_it_keeps_the_pace_of_an_advertised_limit(self):
        self.paces(50, 1, 300)

    def test_over_a_longer_window_it_uses_nearly_all_of_the_limit(self):
        self.paces(250, 5, 400, least=35)


if __name__ == "__main__":
    main()
