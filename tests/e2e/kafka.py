"""The Kafka source against a real broker: every message is delivered, whatever happens to weir, its sink, its group or the broker."""
import glob
import json
import os
import signal
import sqlite3
import unittest

import weir_process
from kafka_cluster import KafkaCluster
from weir_process import Weir, WeirTest, eventually, main, weir

CLUSTER = None

FLOW = """memory: 128MiB
drain_deadline: 20s
admin: { listen: "@ADMIN" }
sources:
  in: { type: kafka, brokers: ["%(brokers)s"], topics: [%(topic)s], group: %(group)s, acks: stored%(more)s }
sinks:
  db: { type: sqlite, path: @DIR/%(db)s, id: .id, from: [in], %(failed)s%(sink)s }
%(sinks)s"""


class KafkaTest(WeirTest):
    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[-1]
        self.others = []

    def flow(self, more="", sink="", db="out.db", failed="on_failure: drop", sinks="", brokers=None, topic=None, group="g"):
        return FLOW % {"brokers": brokers or CLUSTER.address, "topic": topic or self.topic, "group": group + "-" + self.topic,
                       "more": ", commit_interval: 200ms" + more, "sink": sink, "db": db, "failed": failed, "sinks": sinks}

    def rows(self, *dbs):
        """Events in all these databases, and distinct ids among them."""
        ids = []
        for db in dbs or ("out.db",):
            if os.path.exists(self.path(db)):
                connection = sqlite3.connect("file:%s?mode=ro" % self.path(db), uri=True, timeout=30)
                try:
                    ids += [row[0] for row in connection.execute("SELECT id FROM events")]
                except sqlite3.OperationalError:
                    pass  # its table is not made yet
                finally:
                    connection.close()
        return ids

    def all_there(self, count, *dbs, within=60):
        wanted = {"m-%d" % n for n in range(count)}
        eventually(lambda: set(self.rows(*dbs)) >= wanted,
                   lambda: "%d of %d\n%s" % (len(set(self.rows(*dbs)) & wanted), count,
                                             "\n".join(w.log()[-1500:] for w in self.running)), within)
        self.assertEqual(set(self.rows(*dbs)), wanted)

    def lag(self):
        return CLUSTER.lag("g-" + self.topic, self.topic)

    def no_lag(self, within=30):
        eventually(lambda: self.lag() == 0, lambda: "the lag is 0: %s" % self.lag(), within)

    def locked(self, db="out.db"):
        """Holds the database so that no sink gets in, until it is closed."""
        connection = sqlite3.connect(self.path(db), isolation_level=None, timeout=30)
        connection.execute("BEGIN EXCLUSIVE")
        return connection

    def test_everything_is_there_once(self):
        CLUSTER.create(self.topic, 3)
        CLUSTER.produce_ids(self.topic, 0, 20000, size=100)
        w = self.start(self.flow())
        self.all_there(20000)
        self.assertEqual(len(self.rows()), 20000)
        self.no_lag()
        CLUSTER.produce_ids(self.topic, 20000, 500)
        self.all_there(20500)
        self.assertEqual(w.graph(source="in")["address"].split()[0], self.topic)

    def test_the_lag_ends_behind_transactions_that_were_committed_and_aborted(self):
        CLUSTER.create(self.topic, 1)
        producer = CLUSTER.producer(transactional_id=self.topic)
        producer.init_transactions(60)
        for n in range(6):
            producer.begin_transaction()
            for m in range(10):
                name = "m-%d" % (n // 2 * 10 + m) if n % 2 == 0 else "aborted-%d-%d" % (n, m)
                producer.produce(self.topic, json.dumps({"id": name}))
            producer.flush(60)
            producer.commit_transaction(60) if n % 2 == 0 else producer.abort_transaction(60)
        w = self.start(self.flow())
        self.all_there(30)

        def told():
            return [float(line.split()[-1]) for line in w.get("/metrics")[1].splitlines()
                    if line.startswith(("weir_source_lag_events{", "weir_source_lag_seconds{"))]
        eventually(lambda: told() and sum(told()) == 0, lambda: "%s: what was aborted, and the marks behind it, are no lag" % told(), 60)

    def test_kill_9_loses_nothing(self):
        CLUSTER.create(self.topic, 3)
        CLUSTER.produce_ids(self.topic, 0, 30000, size=200)
        for n in range(3):
            w = self.start(self.flow(more=", session_timeout: 1s"))
            eventually(lambda: len(self.rows()) > 6000 * (n + 1), lambda: w.log(), 60)
            w.kill()
        self.start(self.flow(more=", session_timeout: 1s"))
        self.all_there(30000)
        self.no_lag()

    def numbers(self):
        """What lies in the table, of events that bring no id."""
        if not os.path.exists(self.path("out.db")):
            return []
        connection = sqlite3.connect("file:%s?mode=ro" % self.path("out.db"), uri=True, timeout=30)
        try:
            return [json.loads(row[0])["n"] for row in connection.execute("SELECT event FROM events")]
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    def one_row_each(self, count, flow):
        """After the kills: everything is there once, though the table was offered some of it twice."""
        w = self.start(flow)
        eventually(lambda: len(set(self.numbers())) == count, lambda: "%d rows\n%s" % (len(self.numbers()), w.log()[-2000:]), 90)
        w.assert_balanced(60)
        self.assertGreater(w.metric('weir_sink_already_there_events_total{sink="db"}'), 0, "nothing came twice: the test shows nothing")
        self.assertEqual(w.stop(), 0)
        self.assertEqual(sorted(self.numbers()), list(range(count)))

    def produce_without_ids(self, count):
        CLUSTER.create(self.topic, 3)
        CLUSTER.produce(self.topic, ('{"n":%d}' % n for n in range(count)), key=lambda n: "k%d" % n)

    SLOW_COMMIT = ", session_timeout: 1s, commit_interval: 100s"

    def test_kill_9_behind_a_journal_stores_once_what_has_no_id_of_its_own(self):
        self.produce_without_ids(20000)
        flow = self.flow(more=self.SLOW_COMMIT).replace(", commit_interval: 200ms", "").replace("sinks:\n", """journals:
  log: { type: disk, from: [in], path: "@DIR/log", durability: commit }
sinks:
""", 1).replace("from: [in], on_failure", "from: [log], on_failure")
        for n in range(2):
            w = self.start(flow)
            eventually(lambda: len(self.numbers()) > 4000 * (n + 1), lambda: w.log(), 60)
            w.kill()
        self.one_row_each(20000, flow)

    def test_kill_9_behind_a_spill_stores_once_what_has_no_id_of_its_own(self):
        self.produce_without_ids(2000)
        queue = ', queue: { max_events: 200, when_full: spill, spill: { path: "@DIR/spill", max_bytes: 64MiB } }, busy_timeout: 60s'
        flow = self.flow(more=self.SLOW_COMMIT, sink=queue).replace(", commit_interval: 200ms", "")
        w = self.start(flow)
        eventually(lambda: len(self.numbers()) == 2000, lambda: w.log(), 60)
        lock = self.locked()
        CLUSTER.produce(self.topic, ('{"n":%d}' % n for n in range(2000, 8000)), key=lambda n: "k%d" % n)
        eventually(lambda: w.graph(sink="db")["spill"]["events"] > 2000, lambda: w.graph(sink="db"), 60)
        w.kill()
        lock.close()
        self.one_row_each(8000, flow)

    def test_a_restart_goes_on_where_it_stopped(self):
        CLUSTER.create(self.topic, 1)
        CLUSTER.produce_ids(self.topic, 0, 1000)
        w = self.start(self.flow())
        self.all_there(1000)
        self.assertEqual(w.stop(), 0)
        self.assertEqual(eventually(lambda: (self.lag(),), "the lag")[0], 0)
        CLUSTER.produce_ids(self.topic, 1000, 10)
        w = self.start(self.flow())
        self.all_there(1010)
        self.assertEqual(w.graph(source="in")["in"], 10)

    def test_a_broker_restart_is_waited_for(self):
        CLUSTER.create(self.topic, 3)
        CLUSTER.produce_ids(self.topic, 0, 5000, size=200)
        lock = None
        w = self.start(self.flow())
        self.all_there(5000)
        lock = self.locked()  # some of it is on its way when the broker goes
        CLUSTER.produce_ids(self.topic, 5000, 5000, size=200)
        CLUSTER.kill_broker()
        lock.close()
        w.says("Connect")
        CLUSTER.start_broker()
        CLUSTER.produce_ids(self.topic, 10000, 5000, size=200)
        self.all_there(15000)
        self.no_lag()

    def test_a_slow_sink_pauses_it_and_memory_stays_flat(self):
        CLUSTER.create(self.topic, 3)
        w = self.start(self.flow())
        CLUSTER.produce_ids(self.topic, 0, 1000, size=1000)
        self.all_there(1000)
        lock = self.locked()
        CLUSTER.produce_ids(self.topic, 1000, 20000, size=1000)
        eventually(lambda: w.graph(source="in")["pauses"] == 1, lambda: w.graph(source="in"))
        before = w.resident()
        for n in range(3):
            CLUSTER.produce_ids(self.topic, 21000 + n * 10000, 10000, size=1000)
        eventually(lambda: (self.lag() or 0) > 35000, self.lag)
        w.assert_grew_less(before, 12 << 20)
        told = eventually(lambda: (s := w.graph(source="in")) and sum(l["events"] for l in s["lags"]) > 35000 and s,
                          lambda: w.graph(source="in"))
        self.assertEqual({lag["place"] for lag in told["lags"]}, {"%s/%d" % (self.topic, n) for n in range(3)})
        self.assertIn("behind in 3 places <- ", told["why"])
        self.assertEqual(told["pauses"], 1)
        self.assertGreater(w.metric("weir_source_lag_seconds"), 0)
        lock.close()
        self.all_there(51000)
        self.assertEqual(len(self.rows()), 51000)
        self.no_lag()
        eventually(lambda: sum(l["events"] for l in w.graph(source="in")["lags"]) == 0, lambda: w.graph(source="in"))

    def test_poison_goes_to_the_dead_letters_alone(self):
        CLUSTER.create(self.topic, 1)
        CLUSTER.produce_ids(self.topic, 0, 10)
        CLUSTER.produce(self.topic, [None, "", '{"id":"long","pad":"%s"}' % ("x" * 3000)])
        CLUSTER.produce_ids(self.topic, 10, 10)
        letters = "  dead: { type: file, path: @DIR/dead.ndjson }\n"
        self.start(self.flow(more=", max_event: 1KiB, on_tombstone: dead_letter, dead_letter: dead",
                             failed="dead_letter: dead", sinks=letters))
        self.all_there(20)
        self.no_lag()
        letters = {letter["position"]: letter for letter in self.lines_of("dead.ndjson")}
        self.assertEqual({letter["place"] for letter in letters.values()}, {self.topic + "/0"})
        self.assertEqual(sorted(letters), [10, 11, 12])
        self.assertEqual([letters[10]["why"], letters[11]["why"]], ["it has no value"] * 2)
        self.assertIn("an event of ", letters[12]["why"])

    def test_work_longer_than_the_poll_interval_costs_no_rebalance(self):
        CLUSTER.create(self.topic, 1)
        CLUSTER.produce_ids(self.topic, 0, 100)
        config = self.flow(more=", poll_interval: 6s, session_timeout: 6s, revoke_wait: 1s", db="unused.db").replace(
            "db: { type: sqlite, path: @DIR/unused.db, id: .id,", "db: { type: blackhole, delay: 10s,")
        w = self.start(config)
        eventually(lambda: w.graph(sink="db")["stored"] == 100, lambda: w.log(), 60)
        self.no_lag()
        told = w.graph(source="in")
        self.assertEqual((told["in"], told["assigned"], told["revoked"]), (100, 1, 0), "no rebalance, and read once")
        self.assertNotIn("poll interval", w.log())

    def start_second(self):
        second = Weir(self.flow(db="second.db"), self.folder + "/second")
        os.makedirs(second.folder, exist_ok=True)
        second.config = second.config.replace("@DIR/second.db", self.path("second.db"))
        self.running.append(second)
        return second.start()

    def test_members_that_join_and_leave_under_load_lose_nothing(self):
        CLUSTER.create(self.topic, 4)
        first = self.start(self.flow())
        CLUSTER.produce_ids(self.topic, 0, 20000, size=200)
        second = self.start_second()
        sent = [20000]

        def both_work():
            CLUSTER.produce_ids(self.topic, sent[0], 500, size=200)
            sent[0] += 500
            return len(self.rows("second.db")) > 1000

        eventually(both_work, lambda: second.log())
        sent = sent[0]
        self.assertEqual(second.stop(), 0)
        CLUSTER.produce_ids(self.topic, sent, 5000, size=200)
        self.all_there(sent + 5000, "out.db", "second.db")
        # Asked to give partitions up they finish what they have: nothing was read twice.
        self.assertEqual(len(self.rows("out.db", "second.db")), sent + 5000, first.log() + second.log())
        self.no_lag()
        self.assertEqual(first.process.poll(), None)

    def test_a_rebalance_while_paused_and_one_while_draining(self):
        CLUSTER.create(self.topic, 4)
        first = self.start(self.flow(more=", revoke_wait: 500ms").replace("drain_deadline: 20s", "drain_deadline: 2m"))
        CLUSTER.produce_ids(self.topic, 0, 100)
        self.all_there(100)
        lock = self.locked()
        CLUSTER.produce_ids(self.topic, 100, 20000, size=1000)
        eventually(lambda: first.graph(source="in")["paused"], lambda: first.log())
        second = self.start_second()  # the first is paused, and what it holds does not settle in time
        eventually(lambda: len(self.rows("second.db")) > 0, lambda: second.log())
        first.signal(signal.SIGTERM)  # it drains while the sink is stuck, and then the other goes too
        self.assertEqual(second.stop(), 0)
        lock.close()
        self.assertEqual(first.wait(60), 0)
        third = self.start(self.flow(db="third.db"))
        self.all_there(20100, "out.db", "second.db", "third.db")
        self.no_lag()
        self.assertEqual(third.process.poll(), None)

    def test_a_damaged_batch_stops_its_partition_and_is_named(self):
        CLUSTER.create(self.topic, 2)
        for first in (0, 10, 20):
            CLUSTER.produce_ids(self.topic, first, 10, partition=0)
        CLUSTER.stop_broker()
        name, = glob.glob(os.path.join(CLUSTER.folder, "broker-1", self.topic + "-0", "*.log"))
        with open(name, "r+b") as f:
            f.seek(f.read().index(b'"m-15"') + 1)
            f.write(b"X")
        CLUSTER.start_broker()
        w = self.start(self.flow())
        w.says("partition 0: the batch at offset 10 is damaged")
        CLUSTER.produce_ids(self.topic, 100, 10, partition=1)
        there = {"m-%d" % n for n in [*range(10), *range(100, 110)]}
        eventually(lambda: set(self.rows()) == there, lambda: self.rows())
        eventually(lambda: self.lag() == 20, lambda: "nothing is passed over: %s" % self.lag())
        with open(name, "r+b") as f:  # somebody has repaired it
            f.seek(f.read().index(b'"X-15"') + 1)
            f.write(b"m")
        there |= {"m-%d" % n for n in range(10, 30)}
        eventually(lambda: set(self.rows()) == there, lambda: self.rows())
        self.assertEqual(len(self.rows()), 40)
        self.no_lag()

    def refused(self, config):
        """What a start says that ends at once: one line."""
        w = Weir(config, self.folder)
        w.spawn()
        self.assertNotEqual(w.wait(), 0)
        self.assertEqual(len(w.lines), 1, w.log())
        line, = w.lines
        w.process.stderr.close()
        return line

    def test_mistakes_are_one_line_at_the_start(self):
        CLUSTER.create(self.topic, 1)
        quick = ", connect_timeout: 2s"
        self.assertIn("there is no topic nowhere at " + CLUSTER.address, self.refused(self.flow(topic="nowhere")))
        line = self.refused(self.flow(more=quick, brokers="127.0.0.1:1"))
        self.assertIn("brokers 127.0.0.1:1 do not answer", line)
        self.assertIn("Connection refused", line)
        os.environ["KAFKA_TEST_PASSWORD"] = "wr0ng-pw"
        login = ", connect_timeout: 20s, sasl: PLAIN, user: weir, password_env: KAFKA_TEST_PASSWORD"
        line = self.refused(self.flow(more=login, brokers=CLUSTER.sasl_address))
        self.assertIn("refuse the login", line)
        self.assertNotIn("wr0ng-pw", line)
        self.assertIn("do not answer", self.refused(self.flow(more=quick + ", tls: true")))

    def test_a_login_with_the_right_password(self):
        CLUSTER.create(self.topic, 1)
        CLUSTER.produce_ids(self.topic, 0, 10)
        with open(self.path("password"), "w") as f:
            f.write("weir-secret\n")
        login = ", sasl: PLAIN, user: weir, password_file: %s" % self.path("password")
        w = self.start(self.flow(more=login, brokers=CLUSTER.sasl_address))
        self.all_there(10)
        self.assertNotIn("weir-secret", w.log())

    def test_a_password_that_was_replaced_is_taken_without_a_restart(self):
        CLUSTER.create(self.topic, 1)
        CLUSTER.produce_ids(self.topic, 0, 10)

        def put(password):
            with open(self.path("new"), "w") as f:
                f.write(password + "\n")
            os.rename(self.path("new"), self.path("password"))
        put("weir-secret")
        login = ", sasl: PLAIN, user: weir, password_file: %s" % self.path("password")
        w = self.start(self.flow(more=login, brokers=CLUSTER.sasl_address))
        self.all_there(10)
        put("no longer")
        w.says("renewed: source in has read its password again, and joins its group anew")
        w.says("leaves its group for a moment")
        eventually(lambda: "uthentication" in w.graph(source="in").get("trouble", "") + w.log(), lambda: w.log(), 60)
        CLUSTER.produce_ids(self.topic, 10, 10)
        put("weir-secret")
        self.all_there(20)
        self.assertEqual(len(self.rows()), 20)
        self.assertEqual(w.graph(source="in")["in"], 20, "nothing was read twice")
        self.assertNotIn("weir-secret", w.log())


def setUpModule():
    global CLUSTER
    CLUSTER = KafkaCluster()
    unittest.addModuleCleanup(CLUSTER.stop)


if __name__ == "__main__":
    main()
