"""Signals: stopping in order and saying what was left, hurrying, and taking over a changed configuration."""
import http.client
import http.server
import itertools
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import unittest

from clients import events, ndjson, post
from stalls import Locked, Pending, rows_of
from weir_process import PATIENCE, WeirTest, eventually, main

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
        bodies = [ndjson(events(f"f{n}", 5)) for n in range(requests)]
        self.pending = [Pending(self.weir.address, body) for body in bodies]

        def all_taken():
            for n, request in enumerate(self.pending):  # one that came while the breaker was open comes again
                if not request.waits(0) and request.result().status == 503:
                    self.pending[n] = Pending(self.weir.address, bodies[n])
            return self.weir.graph(source="in")["in"] == 5 + 5 * requests

        eventually(all_taken, lambda: self.weir.graph())
        return lock

    def assert_ends(self, code, within=None):
        self.assertEqual(self.weir.wait(within), code, self.weir.log())
        self.assertIn("every event is accounted for", self.weir.log())

    def test_a_full_flow_with_acks_stored_ends_with_3_and_tells_its_clients(self):
        self.stalled()
        began = time.monotonic()
        self.weir.signal(signal.SIGTERM)
        self.assert_ends(3)
        self.assertGreater(time.monotonic() - began, 0.8)
        for p in self.pending:
            answer = p.result()
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("stop", answer.json["message"])
        self.assertRegex(self.weir.log(), r"sink out: 55 events in, 5 stored, .* 50 abandoned")
        self.assertIn("50 events unsettled", self.weir.log())

    def test_a_full_flow_with_acks_accepted_ends_with_4_and_says_how_many_are_lost(self):
        self.stalled(acks="accepted")
        self.assertEqual({p.result().status for p in self.pending}, {202})
        self.weir.signal(signal.SIGTERM)
        self.assert_ends(4)
        self.assertIn("50 events abandoned though their senders had been told they were taken: they are lost", self.weir.log())

    def test_a_flow_that_drains_before_the_deadline_ends_with_0(self):
        lock = self.stalled(deadline="2m")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        lock.release()
        self.assert_ends(0)  # long before its deadline
        self.assertEqual({p.result().status for p in self.pending}, {200})
        self.assertEqual(len(rows_of(self.path("out.db"))), 55)
        self.assertIn("nothing was left", self.weir.log())

    def test_what_was_accepted_drains_before_the_deadline(self):
        lock = self.stalled(acks="accepted", deadline="2m")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        lock.release()
        self.assert_ends(0)
        self.assertEqual(len(rows_of(self.path("out.db"))), 55)

    def test_a_second_signal_hurries(self):
        self.stalled(deadline="2m")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        self.weir.signal(signal.SIGINT)
        self.assert_ends(3)

    def test_while_stopping_ready_fails_and_the_door_refuses(self):
        self.stalled(deadline="60s", requests=4)  # it is hurried at the end
        kept = http.client.HTTPConnection(*self.weir.address, timeout=PATIENCE)
        kept.request("POST", "/events", body=b"")
        answer = kept.getresponse()
        answer.read()
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.weir.get("/ready")[0], 200)
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        eventually(lambda: self.weir.get("/ready")[0] == 503, "/ready says no")
        self.assertEqual(self.weir.get("/health")[0], 200)
        self.assertTrue(self.weir.graph()["stopping"])
        self.assertEqual(json.loads(self.weir.get("/ready")[1])["why"].split(":")[0], "stopping")
        late = post(self.weir.address, ndjson(events("late", 1)))
        self.assertEqual((late.status, late.json["error"]), (503, "shutting_down"), late)
        self.assertIn(late.retry_after, range(1, 61))
        self.assertEqual(late.headers["connection"], "close")
        kept.request("POST", "/events", body=b"{}")
        answer = kept.getresponse()
        self.assertEqual(answer.status, 503)
        self.assertIn(int(answer.getheader("Retry-After")), range(1, 61))
        kept.close()
        self.weir.signal(signal.SIGTERM)
        self.assert_ends(3)

    def test_a_sink_that_waits_for_a_lock_is_interrupted_at_the_deadline(self):
        """Nobody waits for SQLite's own patience, here ten minutes."""
        config = CONFIG.replace("busy_timeout: 50ms", "busy_timeout: 10m")
        self.weir = self.start(config.replace("ACKS", "stored").replace("DEADLINE", "1s"))
        self.assertEqual(post(self.weir.address, ndjson(events("before", 5))).status, 200)
        lock = Locked(self.path("out.db"))
        self.addCleanup(lock.release)
        pending = Pending(self.weir.address, ndjson(events("held", 5)))
        eventually(lambda: self.weir.graph(source="in")["in"] == 10, lambda: self.weir.graph())
        self.weir.signal(signal.SIGTERM)
        self.assert_ends(3)
        self.assertEqual(pending.result().status, 503)

    def test_senders_that_are_refused_do_not_hold_a_stop_up(self):
        lock = self.stalled(deadline="2m")
        self.weir.signal(signal.SIGTERM)
        self.weir.says("stopping")
        halt, seen = threading.Event(), []

        def knock():
            while not halt.is_set():
                try:
                    seen.append(post(self.weir.address, ndjson(events("late", 1))).status)
                except (OSError, http.client.HTTPException):
                    return  # it has ended

        knocking = [threading.Thread(target=knock, daemon=True) for _ in range(4)]
        for thread in knocking:
            thread.start()
        eventually(lambda: len(seen) > 50, lambda: seen)
        lock.release()
        self.assert_ends(0)
        halt.set()
        self.assertEqual(set(seen), {503})

    def test_an_idle_flow_ends_at_once(self):
        self.weir = self.start(CONFIG.replace("ACKS", "stored").replace("DEADLINE", "2m"))
        idle = http.client.HTTPConnection(*self.weir.address)
        idle.connect()
        began = time.monotonic()
        self.assertEqual(self.weir.stop(), 0)
        self.assertLess(time.monotonic() - began, 10, "the idle one has a minute, the flow two")
        idle.close()


class Refuser(http.server.BaseHTTPRequestHandler):
    """Answers every event with 400, in words of its own."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        words = b"no such tenant: acme"
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_):
        pass


REFUSED = """memory: 128MiB
log: { format: FORMAT }
sources:
  in: { type: http, listen: "@HTTP", acks: ACKS, max_connections: 32 }
sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:PORT/", on_failure: FATE }
admin: { listen: "@ADMIN" }
"""


class RefusedForGood(WeirTest):
    """What a destination refuses for good is never called nothing."""

    def run_against_the_refuser(self, acks, fate="fail", form="text"):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuser)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        config = REFUSED.replace("ACKS", acks).replace("FATE", fate).replace("FORMAT", form)
        return self.start(config.replace("PORT", str(server.server_address[1])))

    def test_a_log_line_and_why_quote_the_words_and_the_exit_code_says_that_events_are_lost(self):
        w = self.run_against_the_refuser("accepted")
        self.assertEqual(post(w.address, ndjson(events("a", 5))).status, 202)
        w.says("no such tenant: acme")
        eventually(lambda: "5 of them lost" in w.command("why", "out")[1], lambda: w.command("why", "out"))
        self.assertIn("no such tenant: acme", w.command("why", "out")[1])
        w.signal(signal.SIGTERM)
        self.assertEqual(w.wait(), 4, w.log())
        self.assertIn("5 events were refused for good and are lost", w.log())
        self.assertNotIn("nothing was left", w.log())

    def test_a_sender_that_is_told_has_lost_nothing_and_yet_not_all_was_delivered(self):
        w = self.run_against_the_refuser("stored")
        self.assertEqual(post(w.address, ndjson(events("a", 5))).status, 422)
        w.signal(signal.SIGTERM)
        self.assertEqual(w.wait(), 3, w.log())
        self.assertIn("5 events were refused for good, and their senders were told so", w.log())

    def test_what_is_dropped_because_the_file_says_so_is_lost_too(self):
        w = self.run_against_the_refuser("stored", "drop")
        post(w.address, ndjson(events("a", 5)))
        w.says("refused for good and lost")
        w.signal(signal.SIGTERM)
        self.assertEqual(w.wait(), 4, w.log())

    def test_a_log_in_json_is_an_object_a_line_with_a_time_in_a_stated_zone(self):
        w = self.run_against_the_refuser("accepted", form="json")
        post(w.address, ndjson(events("a", 5)))
        line = json.loads(w.says("no such tenant: acme"))
        self.assertEqual((line["level"], line["sink"]), ("error", "out"))
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$")
        w.signal(signal.SIGTERM)
        self.assertEqual(w.wait(), 4, w.log())
        for text in w.lines:
            json.loads(text)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes everything, and remembers who said he was who."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


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

    def reloads(self, weir):
        found = {}
        for line in weir.get("/metrics")[1].splitlines():
            if line.startswith("weir_reloads_total{"):
                found[line.split('"')[1]] = float(line.rsplit(" ", 1)[1])
        return found

    def test_every_key_that_differs_is_answered_and_counted(self):
        weir = self.start(self.CONFIG)
        lines = self.reload(weir, self.CONFIG.replace("max_events: 100", "max_events: 250").replace("open: 300ms", "open: 400ms").replace("20s", "21s"), "reload: done")
        for said in ("drain_deadline: 21s, was 20s: applied", "sinks.out.queue.max_events: 250, was 100: applied", "sinks.out.breaker.open: 400ms, was 300ms: applied"):
            self.assertTrue(any("reload: " + said in line for line in lines), lines)
        other = self.CONFIG.replace("max_connections: 64", "max_connections: 65").replace("21s", "20s")
        lines = self.reload(weir, other, "reload: policy values can change")
        self.assertTrue(any("reload refused: sources.in.max_connections: 65, was 64: needs a new process" in line for line in lines), lines)
        self.assertTrue(any("reload: sinks.out.queue.max_events: 100, was 250: not applied" in line for line in lines), lines)
        self.assertEqual(self.bound(weir), 250)
        self.reload(weir, "sinks: [", "the running one is kept")
        eventually(lambda: self.reloads(weir) == {"applied": 1, "refused": 1, "invalid": 1}, lambda: self.reloads(weir))
        weir.write(self.CONFIG)

    def held_until_full(self, weir):
        """The requests that were taken. One after the other, so that it is known which were refused (while the breaker is open)."""
        taken, end = [], time.monotonic() + 2 * PATIENCE
        for n in itertools.takewhile(lambda _: time.monotonic() < end, itertools.count()):
            before = weir.graph(source="in")["in"]
            request = Pending(weir.address, ndjson(events(f"h{n}", 10)))
            eventually(lambda: weir.graph(source="in")["in"] == before + 10 or not request.waits(0), lambda: weir.graph())
            if request.waits(0):
                taken.append(request)
            if weir.ask("/api/pressure")["edges"][0]["paused"]:
                return taken
            time.sleep(0 if request.waits(0) else 0.02)
        self.fail("the queue was never full")

    def test_when_full_is_taken_over_by_all_that_reads_it(self):
        """From reject to block a sender waits, and is refused when it is reject again."""
        weir = self.start(self.CONFIG)
        block = self.CONFIG.replace("acks: stored", "acks: stored, when_full: block")
        self.assertEqual(post(weir.address, ndjson(events("before", 5))).status, 200)
        with Locked(self.path("out.db")):
            held = self.held_until_full(weir)
            self.reload(weir, block, "sources.in.when_full: block, was reject: applied")
            waits = Pending(weir.address, ndjson(events("waits", 1)))
            self.assertTrue(waits.waits(0.5))
            self.reload(weir, self.CONFIG, "sources.in.when_full: reject, was block: applied")
            self.assertEqual(waits.result().status, 503)
            self.reload(weir, block, "sources.in.when_full: block, was reject: applied")
            waits = Pending(weir.address, ndjson(events("waits", 1)))
        self.assertEqual(waits.result().status, 200)
        self.assertEqual({h.result().status for h in held}, {200})

    def test_a_rotated_file_is_opened_again(self):
        config = self.CONFIG[:self.CONFIG.index("sinks:")] + 'sinks:\n  out: { type: file, from: [in], path: "@DIR/out.ndjson" }\nadmin: { listen: "@ADMIN" }\n'
        weir = self.start(config)
        self.assertEqual(post(weir.address, ndjson(events("a", 2))).status, 200)
        os.rename(self.path("out.ndjson"), self.path("out.ndjson.1"))
        self.assertEqual(post(weir.address, ndjson(events("b", 2))).status, 200)
        self.reload(weir, config, "out.ndjson again before its next delivery")
        self.assertEqual(post(weir.address, ndjson(events("c", 2))).status, 200)
        # What was rotated is left at the next delivery already, with or without a hangup.
        self.assertEqual([row["id"] for row in self.lines_of("out.ndjson.1")], ["a-0", "a-1"])
        self.assertEqual([row["id"] for row in self.lines_of("out.ndjson")], ["b-0", "b-1", "c-0", "c-1"])

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                        "-days", "2", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, capture_output=True)
        with open(self.path("cert.pem")) as f:
            return f.read()

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_renewed_certificate_is_served_and_a_wrong_one_is_not(self):
        first = self.certificate()
        weir = self.start(self.CONFIG.replace("acks: stored", 'acks: stored, tls_certificate: "@DIR/cert.pem", tls_key: "@DIR/key.pem"'))
        shown = lambda: ssl.get_server_certificate(weir.address).strip()
        self.assertEqual(shown(), first.strip())
        second = self.certificate()
        weir.signal(signal.SIGHUP)
        weir.says("source in has read its certificate again")
        self.assertEqual(shown(), second.strip())
        with open(self.path("cert.pem"), "w") as f:
            f.write("no certificate")
        weir.signal(signal.SIGHUP)
        weir.says("it keeps the certificate it has")
        self.assertEqual(shown(), second.strip())

    def test_a_secret_in_a_file_is_read_again_and_never_said(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        with open(self.path("token"), "w") as f:
            f.write("Bearer old")
        config = self.CONFIG[:self.CONFIG.index("sinks:")] + """sinks:
  out: { type: http, from: [in], url: "http://127.0.0.1:PORT/", headers: { Authorization: "file:@DIR/token" } }
admin: { listen: "@ADMIN" }
""".replace("PORT", str(server.server_address[1]))
        weir = self.start(config)
        self.assertEqual(post(weir.address, ndjson(events("a", 1))).status, 200)
        with open(self.path("token"), "w") as f:
            f.write("Bearer new")
        self.reload(weir, config, "sinks.out.headers: has another value, which is not shown: applied")
        self.assertEqual(post(weir.address, ndjson(events("b", 1))).status, 200)
        self.assertEqual(server.seen, ["Bearer old", "Bearer new"])
        self.assertNotIn("Bearer", weir.log())

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
