"""Kafka into PostgreSQL while something is broken: instances die, brokers and the database restart, partitions move, the table is
locked, messages are poison. Whatever was produced is in the table once, or a dead letter alone and with its reason, and the group's
lag is 0 again without a hand."""
import collections
import os
import signal
import threading
import time

import weir_process
from kafka_postgres import kafka_and_postgres
from weir_process import Weir, WeirTest, eventually, main

CONFIG = """
memory: 192MiB
drain_deadline: 30s
sources:
  orders: { type: kafka, brokers: ["BROKERS"], topics: [READ], group: READ, acks: stored, max_unacked: 1024, commit_interval: 200ms, SOURCE }
sinks:
  database:
    type: postgres
    from: [orders]
    url: URL
    table: "TOPIC"
    columns: { id: .id text required, n: .n bigint, raw: event }
    key: [id]
    create: true
    workers: 4
    statement_timeout: TIMEOUT
    connect_timeout: 10s
    batch: { max_events: 32 }
    queue: { max_events: 512 }
    breaker: { consecutive_failures: 3, open: 200ms }
    retry: { base: 20ms, cap: 200ms }
    dead_letter: dead
  dead: { type: kafka, brokers: ["BROKERS"], topic: READ-dead }
admin: { listen: "@ADMIN" }
"""


class Feed(threading.Thread):
    """Produces messages with one id each, about `rate` a second, until it is ended."""

    def __init__(self, kafka, topic, rate=2000):
        super().__init__(daemon=True)
        self.client, self.topic, self.rate, self.over = kafka.producer(), topic, rate, threading.Event()
        self.sent, self.failed = 0, []
        self.start()

    def run(self):
        begin = time.monotonic()
        while not self.over.wait(0.02):
            for n in range(self.sent, int((time.monotonic() - begin) * self.rate)):
                self.client.produce(self.topic, '{"id":"m-%d","n":%d}' % (n, n), key="k%d" % n, on_delivery=self.told)
                self.sent = n + 1
            self.client.poll(0)
        self.client.flush(60)

    def told(self, error, _):
        if error:
            self.failed.append(error)

    def end(self):
        """How many there are, all of them with the brokers."""
        self.over.set()
        self.join(90)
        assert not self.is_alive() and not self.failed, self.failed[:1]
        return self.sent


class IngestionFaults(WeirTest):
    @classmethod
    def setUpClass(cls):
        cls.kafka, cls.db = kafka_and_postgres(cls.addClassCleanup)

    def setUp(self):
        super().setUp()
        self.topic = self.id().rsplit(".", 1)[1][5:45].strip("_")

    def make(self, partitions=6, table="id text PRIMARY KEY, n bigint, raw jsonb"):
        self.kafka.create(self.topic, partitions)
        self.kafka.create(self.topic + "-dead")
        self.db.query(f"CREATE TABLE {self.topic} ({table})")

    def config(self, source="session_timeout: 6s", read=None):
        return (CONFIG.replace("BROKERS", self.kafka.address).replace("SOURCE", source).replace("URL", self.db.url)
                .replace("READ", read or self.topic).replace("TOPIC", self.topic))

    def prepare(self, name, timeout="60s", env=None, without="", **config):
        folder = self.path(name)
        os.makedirs(folder, exist_ok=True)
        weir = Weir(self.config(**config).replace("TIMEOUT", timeout).replace(without, ""), folder, env=env)
        self.running.append(weir)
        return weir

    def instance(self, name, **more):
        return self.prepare(name, **more).start()

    def count(self):
        return int(self.db.query(f"SELECT count(*) FROM {self.topic}")[0])

    def told(self):
        return "\n".join(w.log()[-2000:] for w in self.running)

    def no_lag(self, topic=None, within=40):
        topic = topic or self.topic
        eventually(lambda: self.kafka.lag(topic, topic) == 0, lambda: f"the lag is 0: {self.kafka.lag(topic, topic)}\n{self.told()}", within)

    def lag(self, group, topic):
        """As soon as somebody can tell."""
        return eventually(lambda: [n for n in [self.kafka.lag(group, topic)] if n is not None], f"the lag of {group} in {topic}")[0]

    def all_there_once(self, total, dead=0):
        """The oracle: the table holds exactly what was produced, each row as it was, and the group is behind by nothing."""
        eventually(lambda: self.count() >= total, lambda: f"{self.count()} of {total}\n{self.told()}", within=60)
        self.no_lag()
        found = collections.Counter(self.db.query(f"SELECT id || ' ' || n || ' ' || (raw->>'id') FROM {self.topic}"))
        wanted = collections.Counter(f"m-{n} {n} m-{n}" for n in range(total))
        self.assertEqual((list(wanted - found)[:5], list(found - wanted)[:5]), ([], []), "lost, and doubled or never produced")
        self.assertEqual(self.lag("nobody", self.topic + "-dead"), dead, "dead letters")

    def locked(self):
        holder = self.db.hold(f"BEGIN; LOCK TABLE {self.topic}")

        def release():
            if holder.stdin.closed:
                return
            holder.stdin.close()
            holder.wait(weir_process.PATIENCE)
            holder.stdout.close()
        self.addCleanup(release)
        return release

    def slow_down(self, seconds):
        """Each statement takes so long: much is on its way, and offsets are committed meanwhile."""
        self.db.query(f"CREATE FUNCTION {self.topic}_held() RETURNS trigger LANGUAGE plpgsql AS "
                      f"$$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$")
        self.db.query(f"CREATE TRIGGER held BEFORE INSERT ON {self.topic} EXECUTE FUNCTION {self.topic}_held()")

    def speed_up(self):
        self.db.query(f"DROP TRIGGER held ON {self.topic}")

    def stored(self, weir):
        return weir.graph(sink="database")["stored"]

    def paused(self, weir):
        eventually(lambda: weir.graph(source="orders")["paused"], lambda: f"{weir.graph()}\n{weir.log()}")

    def test_one_of_three_instances_is_killed_and_comes_back(self):
        self.make()
        self.slow_down(0.5)
        three = [self.instance(name) for name in ("one", "two", "three")]
        feed = Feed(self.kafka, self.topic)
        eventually(lambda: min(self.stored(w) for w in three) > 200, lambda: f"all three work\n{self.told()}", within=40)
        eventually(lambda: three[1].graph(sink="database")["waiting"] > 100, lambda: f"it holds something\n{self.told()}")
        three[1].kill()
        killed_at = feed.sent
        self.speed_up()

        def others_have_its_partitions():
            try:
                lags = self.kafka.lags(self.topic, self.topic)
            except self.kafka.client.KafkaException:
                return False  # nobody can tell while they move
            return feed.sent > killed_at + 2000 and max(lags.values()) < 500
        eventually(others_have_its_partitions, lambda: f"{self.kafka.lag(self.topic, self.topic)}\n{self.told()}", within=40)
        again = self.instance("two")
        eventually(lambda: self.stored(again) > 100, lambda: f"it has work again\n{self.told()}", within=40)
        self.all_there_once(feed.end())

    def restarts_with_a_backlog(self, mode, stop_broker):
        self.make()
        self.slow_down(0.02)
        self.kafka.produce_ids(self.topic, 0, 20000)
        weir = self.instance("one")
        eventually(lambda: self.count() > 500, weir.log, within=40)
        database = threading.Thread(target=self.db.restart, args=(mode,))
        database.start()
        stop_broker()
        self.kafka.start_broker()
        database.join(60)
        lag = eventually(lambda: self.kafka.lag(self.topic, self.topic), "somebody can tell the lag", within=30)
        self.assertGreater(lag, 2000, "there is a backlog still")
        self.speed_up()
        self.kafka.produce_ids(self.topic, 20000, 1000)
        self.all_there_once(21000)
        self.assertGreater(weir.graph(sink="database")["retries"], 0)

    def test_database_fast_and_broker_restart_at_once_with_a_backlog(self):
        self.restarts_with_a_backlog("fast", self.kafka.stop_broker)

    def test_database_immediate_and_broker_killed_at_once_with_a_backlog(self):
        self.restarts_with_a_backlog("immediate", self.kafka.kill_broker)

    def test_partitions_move_while_the_table_is_locked(self):
        source = "session_timeout: 6s, revoke_wait: 500ms"
        self.make()
        first = self.instance("first", source=source)
        self.kafka.produce_ids(self.topic, 0, 500)
        self.all_there_once(500)
        release = self.locked()
        self.kafka.produce_ids(self.topic, 500, 15000, size=1000)
        self.paused(first)
        second = self.instance("second", source=source, timeout="500ms")  # it looks at the table when it starts
        eventually(lambda: second.graph(source="orders")["assigned"] > 0 and first.graph(source="orders")["revoked"] > 0,
                   lambda: f"partitions move\n{self.told()}", within=30)
        release()
        eventually(lambda: self.stored(second) > 100, lambda: f"the second works\n{self.told()}", within=30)
        self.assertEqual(second.stop(30), 0, second.log())
        self.all_there_once(15500)

    def test_partitions_move_while_one_drains_into_a_locked_table(self):
        self.make()
        first = self.instance("first")
        self.kafka.produce_ids(self.topic, 0, 500)
        self.all_there_once(500)
        release = self.locked()
        self.kafka.produce_ids(self.topic, 500, 15000, size=1000)
        self.paused(first)
        first.signal(signal.SIGTERM)
        first.says("drain")
        second = self.instance("second", timeout="500ms")
        time.sleep(2)  # its joining meets a member that gives nothing up yet
        self.assertIsNone(first.process.poll(), "it drains for as long as the table is locked")
        release()
        self.assertEqual(first.wait(40), 0, first.log())
        self.all_there_once(15500)
        self.assertGreater(self.stored(second), 0)

    def test_work_longer_than_the_poll_interval_moves_nothing_and_is_done_once(self):
        self.make(3)
        weir = self.instance("one", source="session_timeout: 12s, poll_interval: 12s, revoke_wait: 1s")
        self.kafka.produce_ids(self.topic, 0, 100)
        self.all_there_once(100)
        release = self.locked()
        self.kafka.produce_ids(self.topic, 100, 3000)
        time.sleep(20)
        self.assertEqual(self.lag(self.topic, self.topic), 3000)
        release()
        self.all_there_once(3100)
        told = weir.graph(source="orders")
        self.assertEqual((told["in"], told["assigned"], told["revoked"]), (3100, 3, 0), "no rebalance, and read once\n" + weir.log())
        self.assertEqual(weir.graph(sink="database")["retries"], 0, "one piece of work")

    def dies_once_at(self, point, visit, total, **more):
        """How many rows are then in the table that the group had not committed."""
        if not weir_process.has_crash_points():
            self.skipTest("this binary has no crash points")
        weir = self.prepare("one", source="session_timeout: 1s", env={"WEIR_CRASH_AT": f"postgres.{point}:{visit}"}, **more)
        weir.spawn()
        self.assertEqual(weir.wait(40), -signal.SIGKILL, f"it dies at {point}: {weir.log()}")
        weir.process.stderr.close()
        return self.count() - (total - self.lag(self.topic, self.topic))

    def dies_at(self, point):
        self.make(3)
        self.slow_down(0.1)
        self.kafka.produce_ids(self.topic, 0, 4000)
        ahead = [self.dies_once_at(point, visit, 4000) for visit in (1, 13, 30)]
        self.speed_up()
        self.instance("one", source="session_timeout: 1s")
        self.all_there_once(4000)
        return ahead

    def test_killed_before_a_statement_is_sent(self):
        self.assertGreaterEqual(min(self.dies_at("before_send")), 0, "nothing is committed that is not in the table")

    def test_killed_after_a_statement_was_done_and_before_anybody_knew(self):
        ahead = self.dies_at("after_send")
        self.assertGreater(min(ahead), 0, "each death left rows that were read again")

    COLUMNS = """
    columns: { id: .id text required, n: .n bigint, raw: event }
    key: [id]"""

    def test_events_without_an_id_are_there_once_although_a_killed_instance_had_stored_some(self):
        self.kafka.create(self.topic, 3)
        self.kafka.create(self.topic + "-dead")
        self.kafka.produce(self.topic, ['{"n":%d}' % n for n in range(2000)])
        ahead = self.dies_once_at("after_send", 9, 2000, without=self.COLUMNS)
        self.assertGreater(ahead, 0, "rows that are read again")
        self.instance("one", source="session_timeout: 1s", without=self.COLUMNS)
        eventually(lambda: self.count() >= 2000, lambda: f"{self.count()}\n{self.told()}", within=60)
        self.no_lag()
        self.assertEqual(self.db.query(f"SELECT count(*), count(DISTINCT event->>'n') FROM {self.topic}"), ["2000|2000"])
        self.assertRegex(self.db.query(f"SELECT min(id) FROM {self.topic}")[0], rf"^{self.topic}/0/0/\d+$")

    BAD = {5: "this is no JSON", 11: '{"id":"check","n":-1}', 17: '{"id":"type","n":"many"}', 23: '{"id":"large","n":40000}',
           29: '{"n":1}', 35: None, 41: ""}

    def poison(self):
        """100 good messages in one partition and between them those of BAD, each at its offset."""
        self.make(1, "id text PRIMARY KEY, n smallint CHECK (n >= 0), raw jsonb")
        good = iter('{"id":"m-%d","n":%d}' % (n, n) for n in range(100))
        self.kafka.produce(self.topic, [self.BAD[o] if o in self.BAD else next(good) for o in range(100 + len(self.BAD))])
        weir = self.instance("one")
        self.all_there_once(100, dead=5)
        return weir

    def letters(self, topic, count):
        """What lies there: the value, and the headers."""
        return [(m.value().decode(), {name: value.decode() for name, value in m.headers()}) for m in self.kafka.read(topic, count)]

    def test_poison_lies_alone_in_the_dead_letter_topic_with_its_reason_and_place(self):
        begin = time.time()
        weir = self.poison()
        self.assertEqual(weir.ledger()["sources"][0]["reasons"], {"malformed": 2}, "tombstones are counted")
        letters = self.letters(self.topic + "-dead", 5)
        whys = {}
        for value, headers in letters:
            self.assertEqual((headers["weir-reason"], headers["weir-origin"], headers["weir-attempts"]), ("sink_rejected", "database", "1"), headers)
            self.assertLess(abs(int(headers["weir-at-ms"]) / 1000 - begin), 60)
            self.assertEqual(headers["weir-place"], self.topic + "/0")
            self.assertEqual(value, self.BAD[int(headers["weir-position"])], "as it was, from its place")
            whys[value] = headers["weir-why"]
        self.assertEqual(set(whys), {v for v in self.BAD.values() if v})
        for value, why in ((5, "is not JSON"), (11, "violates check constraint"), (17, "column n: \"many\" is no bigint"), (23, "out of range"),
                           (29, "column id: it is missing, and required")):
            self.assertIn(why, whys[self.BAD[value]])

    def test_letters_come_back_from_the_dead_letter_topic_once_their_cause_is_gone(self):
        self.poison()
        dead = self.topic + "-dead"
        self.db.query(f"ALTER TABLE {self.topic} DROP CONSTRAINT {self.topic}_n_check, ALTER COLUMN n TYPE bigint")
        self.kafka.create(dead + "-dead")
        again = self.instance("again", read=dead)
        self.no_lag(dead)
        ids = collections.Counter(self.db.query(f"SELECT id FROM {self.topic}"))
        self.assertEqual(ids, collections.Counter([f"m-{n}" for n in range(100)] + ["check", "large"]))
        time.sleep(1)  # a loop would go round some times
        self.assertEqual(self.lag("nobody", dead + "-dead"), 3, "what still fails is a letter of the second flow, once")
        self.assertEqual(self.lag("nobody", dead), 5, "and none of the first one")
        self.assertEqual(again.graph(source="orders")["in"], 5)


if __name__ == "__main__":
    main()
