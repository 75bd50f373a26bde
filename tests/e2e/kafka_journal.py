"""A journal of `type: kafka` is the node that `type: disk` is: the same file with one line changed, the same promises.

Clients are answered when the brokers have it; each consumer reads at its own pace; a kill loses nothing; two instances of Weir
share the work of one consumer."""
import collections
import json
import sqlite3
import threading
import time

from clients import Load, events, ndjson, post
from kafka_cluster import KafkaCluster
from stalls import Locked
from weir_process import WeirTest, eventually, main

CONFIG = """
memory: 256MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, ack_timeout: 60s, priority: { from: .level, map: { urgent: high } } }
journals:
  ingest: JOURNAL
sinks:
  a: { type: file, from: [ingest], path: "@DIR/NAME.ndjson", on_failure: drop }
  b: { type: sqlite, from: [ingest], path: "@DIR/NAME.db", id: .nothing, on_failure: drop, workers: 1 }
admin: { listen: "@ADMIN" }
"""


class KafkaJournal(WeirTest):
    @classmethod
    def setUpClass(cls):
        cls.kafka = KafkaCluster()

    @classmethod
    def tearDownClass(cls):
        cls.kafka.stop()

    def config(self, name="a", topic=None):
        self.topic = topic or self.kafka.create("j-" + self.id().rsplit(".", 1)[1].replace("_", "-"), 3)
        journal = f'{{ type: kafka, from: [in], brokers: ["{self.kafka.address}"], topic: {self.topic}, key: .id, session_timeout: 6s }}'
        return CONFIG.replace("JOURNAL", journal).replace("NAME", name)

    def lines(self, name="a"):
        return collections.Counter(row["id"] for row in self.lines_so_far(name + ".ndjson"))

    def rows(self, name="a"):
        """How often each event stands in SQLite, whose key is the stable id that its record has."""
        try:
            with sqlite3.connect(self.path(name + ".db")) as db:
                return collections.Counter(json.loads(text)["id"] for text, in db.execute("select event from events"))
        except sqlite3.OperationalError:
            return collections.Counter()

    def consumer(self, weir, name):
        return next(c for c in weir.ask("/api/graph")["journals"][0]["consumers"] if c["name"] == name)

    def test_the_same_file_with_one_line_changed_stores_for_each_consumer(self):
        weir = self.start(self.config())
        rows = events("a", 300) + events("u", 3, level="urgent")
        self.assertEqual(post(weir.address, ndjson(rows)).status, 200)
        ids = {row["id"] for row in rows}
        eventually(lambda: set(self.lines()) == ids and set(self.rows()) == ids, weir.log, within=60)
        with sqlite3.connect(self.path("a.db")) as db:
            self.assertEqual(db.execute("select priority, count(*) from events group by priority order by 1").fetchall(),
                             [("high", 3), ("normal", 300)])
        eventually(lambda: self.consumer(weir, "a")["lag_events"] == 0, "no lag")
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_a_consumer_that_stands_still_holds_up_no_other_and_its_lag_is_seen(self):
        weir = self.start(self.config())
        self.assertEqual(post(weir.address, ndjson(events("x", 1))).status, 200)
        eventually(lambda: len(self.rows()) == 1, weir.log, within=60)
        lock = Locked(self.path("a.db"))
        try:
            for n in range(20):
                self.assertEqual(post(weir.address, ndjson(events(f"e{n}", 100))).status, 200)
            eventually(lambda: len(self.lines()) == 2001, weir.log, within=60)
            lag = eventually(lambda: (c := self.consumer(weir, "b"))["lag_events"] > 1000 and c, "b lags")
            self.assertGreater(lag["lag_s"], 0)
        finally:
            lock.release()
        eventually(lambda: len(self.rows()) == 2001, weir.log, within=60)
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_a_kill_loses_nothing_and_what_is_read_again_has_the_same_id(self):
        config = self.config()
        weir = self.start(config)
        acked, sent, stop = set(), set(), threading.Event()

        def send():
            n = 0
            while not stop.is_set():
                rows = events(f"k{n}", 40)
                n += 1
                sent.update(row["id"] for row in rows)
                try:
                    if post(weir.address, ndjson(rows), timeout=30).status == 200:
                        acked.update(row["id"] for row in rows)
                except OSError:
                    time.sleep(0.05)

        client = threading.Thread(target=send)
        client.start()
        for _ in range(2):
            before = len(self.rows())
            eventually(lambda: len(self.rows()) > before + 300, weir.log, within=60)
            weir.kill()
            weir = self.start(config)
        stop.set()
        client.join(60)
        eventually(lambda: not acked - set(self.lines()) and not acked - set(self.rows()), weir.log, within=90)
        weir.assert_balanced(30)
        self.assertEqual(set(self.lines()) - sent, set())
        self.assertEqual(set(self.rows()) - sent, set())
        total = eventually(lambda: self.kafka.lag("nobody", self.topic), "somebody can tell how many there are")
        self.assertEqual(sum(self.rows().values()), total, "each record once: its id is where it lies")
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_two_instances_share_a_consumer_and_nothing_is_lost_when_one_is_killed(self):
        one = self.start(self.config("one"))
        two = self.start(self.config("two", self.topic))
        stop = threading.Event()
        loads = [Load(one.address, f"c{n}", stop) for n in range(2)]
        eventually(lambda: len(self.lines("one")) > 50 and len(self.lines("two")) > 50,
                   lambda: one.log() + two.log(), within=60)
        two.kill()
        stop.set()
        for load in loads:
            load.join(90)
        acked = loads[0].stored | loads[1].stored
        eventually(lambda: not acked - set(self.lines("one")) - set(self.lines("two")), one.log, within=90)
        eventually(lambda: self.consumer(one, "a")["lag_events"] == 0, one.log, within=60)
        self.assertEqual(one.stop(), 0, one.log())

    def test_a_topic_that_is_missing_ends_the_start_with_one_line(self):
        from weir_process import Weir
        weir = Weir(self.config(topic="nowhere"), self.folder)
        weir.spawn()
        self.assertNotEqual(weir.wait(60), 0)
        self.assertIn("there is no topic nowhere", weir.log())


if __name__ == "__main__":
    main()
