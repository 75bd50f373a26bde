"""A queue that spills: a stalled sink costs disk and no memory, and nobody is told more than is true."""
import signal
import sqlite3

from clients import events, ndjson, post
from stalls import Locked, Pending, rows_of
from weir_process import WeirTest, eventually, main, sanitized

SINK = """sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    busy_timeout: 50ms
    queue: { max_events: 20, when_full: spill, spill: { path: "@DIR/spill", max_bytes: SPILL } }
    breaker: { open: 100ms }
    retry: { base: 20ms, cap: 100ms }
admin: { listen: "@ADMIN" }
"""
DOOR = """memory: 128MiB
drain_deadline: 1s
sources:
  in: { type: http, listen: "@HTTP", acks: ACKS, max_connections: 256, ack_timeout: 60s, max_body: 1MiB }
""" + SINK
FLOOD = """memory: 64MiB
sources:
  in: { type: generator, rate: 1000000/s, size: 4000B, count: 125000, at_end: wait }
""" + SINK.replace("max_events: 20, ", "")


def peak_memory(process):
    with open(f"/proc/{process.pid}/status") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))


def count_of(path):
    connection = sqlite3.connect(path, timeout=60)
    try:
        return connection.execute("select count(*), count(distinct id) from events").fetchone()
    finally:
        connection.close()


class Spill(WeirTest):
    def spilled(self):
        return self.weir.graph(sink="out")["spill"]

    def stalled(self, acks, spill="64MiB"):
        self.weir = self.start(DOOR.replace("ACKS", acks).replace("SPILL", spill))
        self.assertIn(post(self.weir.address, ndjson(events("before", 5))).status, (200, 202))
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 5, lambda: self.weir.graph())
        lock = Locked(self.path("out.db"))
        self.addCleanup(lock.release)
        return lock

    def ids(self, names, each=5):
        return {e["id"] for name in ["before", *names] for e in events(name, each)}

    def test_500_mb_into_a_stalled_sink_stay_within_64_mib_and_arrive_once_it_recovers(self):
        self.weir = self.start(FLOOD.replace("SPILL", "1GiB").replace("125000", "1"))
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 1, lambda: self.weir.graph())
        self.assertEqual(self.weir.stop(), 0)
        lock = Locked(self.path("out.db"))
        self.addCleanup(lock.release)
        self.weir = self.start(FLOOD.replace("SPILL", "1GiB").replace("4000B", "4000B, seed: 2"))
        eventually(lambda: self.weir.graph(source="in")["in"] == 125000, lambda: self.weir.graph(), 100)
        self.assertGreater(self.spilled()["bytes"], 400 << 20)
        self.assertIn("MiB spilled", self.weir.graph(sink="out")["why"])
        lock.release()
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 125000, lambda: self.weir.graph(), 100)
        if not sanitized():  # sanitizers take several times what they look at
            self.assertLess(peak_memory(self.weir.process), 64 << 20)
        self.assertEqual(count_of(self.path("out.db")), (125001, 125001))
        self.assertEqual(self.spilled()["events"], 0)

    def test_a_request_is_told_stored_only_when_its_spilled_events_are(self):
        lock = self.stalled("stored")
        pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(30)]
        eventually(lambda: self.spilled()["events"] >= 100, lambda: self.weir.graph())
        eventually(lambda: self.weir.metric("weir_spilled_events") == self.spilled()["events"], lambda: self.weir.graph())
        self.assertTrue(all(p.waits(0.01) for p in pending), "nobody is told anything while its events are on the disk")
        lock.release()
        self.assertEqual({p.result().status for p in pending}, {200})
        self.assertEqual(sorted(rows_of(self.path("out.db"))), sorted(self.ids(f"f{n}" for n in range(30))))

    def test_stopped_with_a_dead_sink_it_ends_with_3_and_the_next_start_delivers(self):
        lock = self.stalled("accepted")
        for n in range(30):
            self.assertEqual(post(self.weir.address, ndjson(events(f"f{n}", 5))).status, 202)
        self.assertEqual(self.weir.stop(), 3, self.weir.log())
        self.assertIn("150 events are kept on the disk for the next start", self.weir.log())
        lock.release()
        others = DOOR.replace("ACKS", "accepted").replace("SPILL", "64MiB").replace("@DIR/spill", "@DIR/another")
        self.weir = self.start(others)
        line = self.weir.says("holds 150 events that were spilled, and no sink of this configuration spills there")
        self.assertIn(self.path("spill") + " holds", line)
        self.assertEqual(self.weir.stop(), 0, self.weir.log())
        self.weir = self.start(DOOR.replace("ACKS", "accepted").replace("SPILL", "64MiB"))
        self.assertNotIn("no sink of this configuration", self.weir.log())
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 150, lambda: self.weir.graph())
        self.assertEqual(self.spilled()["recovered"], 150)
        self.assertEqual(set(rows_of(self.path("out.db"))), self.ids(f"f{n}" for n in range(30)))

    def test_after_kill_9_what_was_on_the_disk_comes_back_and_nothing_told_stored_is_missing(self):
        self.stalled("stored").release()
        told = [f"s{n}" for n in range(10)]
        for name in told:
            self.assertEqual(post(self.weir.address, ndjson(events(name, 5))).status, 200)
        lock = Locked(self.path("out.db"))
        self.addCleanup(lock.release)
        pending = [Pending(self.weir.address, ndjson(events(f"f{n}", 5))) for n in range(30)]
        eventually(lambda: self.weir.graph(source="in")["in"] == 5 + 50 + 150, lambda: self.weir.graph())
        on_disk = eventually(lambda: self.spilled()["events"] >= 100 and self.spilled()["events"], self.spilled)
        self.weir.signal(signal.SIGKILL)
        self.weir.wait()
        lock.release()
        for p in pending:
            self.assertRaises(Exception, p.result)
        self.weir = self.start(DOOR.replace("ACKS", "stored").replace("SPILL", "64MiB"))
        eventually(lambda: self.weir.graph(sink="out")["stored"] >= on_disk, lambda: self.weir.graph())
        self.assertGreaterEqual(self.spilled()["recovered"], on_disk)
        self.weir.assert_balanced()
        found = set(rows_of(self.path("out.db")))
        self.assertLessEqual(self.ids(told), found, "what was told stored is there")
        self.assertLessEqual(found, self.ids(told + [f"f{n}" for n in range(30)]), "and nothing nobody sent")

    def test_a_full_spill_holds_its_senders_up_says_why_and_goes_on_when_there_is_room(self):
        lock = self.stalled("accepted", "16MiB")
        body = ndjson(events("x", 4, pad="x" * 100_000))
        sent, refused = 0, None
        for n in range(100):
            answer = post(self.weir.address, body.replace(b'"x-', b'"x%d-' % n))
            if answer.status != 202:
                refused = answer
                break
            sent += 1
        self.assertEqual(refused and refused.status, 503, refused)
        self.assertGreaterEqual(sent, 30)
        eventually(lambda: "cannot spill" in self.weir.graph(sink="out")["why"], lambda: self.weir.graph())
        eventually(lambda: "is full" in self.spilled()["error"], self.spilled)
        lock.release()
        eventually(lambda: self.weir.graph(sink="out")["stored"] == 5 + 4 * sent, lambda: self.weir.graph())
        eventually(lambda: self.spilled()["error"] == "", self.spilled)


if __name__ == "__main__":
    main()
