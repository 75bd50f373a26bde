"""The kafka sink on a real cluster of three brokers: everything acknowledged is in the topic, whatever becomes of brokers and
of weir itself; what brokers will not have is in the dead-letter topic with the reason, and comes back from there.

An idempotent producer doubles nothing; a client that asks again for what nobody answered does, and so may a kill."""
import collections
import json
import threading
import time

from clients import Load, events, ndjson, post
from kafka_cluster import KafkaCluster
from weir_process import Weir, WeirTest, eventually, main

CONFIG = """
memory: 192MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, ack_timeout: 60s }
sinks:
  out:
    type: kafka
    from: [in]
    brokers: BROKERS
    topic: TOPIC
    key: .id
    headers: { number: .n }
    timeout: 3s
    batch: { max_events: 200 }
    queue: { max_events: 2000 }
    breaker: { consecutive_failures: 3, open: 200ms }
    retry: { base: 20ms, cap: 200ms }
    MORE
  LETTERS
admin: { listen: "@ADMIN" }
"""
LETTERS = "dead: { type: kafka, brokers: BROKERS, topic: TOPIC-dead }"
FILE = 'dead: { type: file, path: "@DIR/dead.ndjson" }'


class KafkaSink(WeirTest):
    @classmethod
    def setUpClass(cls):
        cls.kafka = KafkaCluster(brokers=3)

    @classmethod
    def tearDownClass(cls):
        cls.kafka.stop()

    def topic(self, partitions=3, **config):
        return self.kafka.create("t-" + self.id().rsplit(".", 1)[1].replace("_", "-"), partitions, **config)

    def config(self, topic, more="dead_letter: dead", letters=FILE, brokers=None):
        return (CONFIG.replace("MORE", more.replace(", ", "\n    ")).replace("LETTERS", letters).replace("TOPIC", topic)
                .replace("BROKERS", json.dumps((brokers or self.kafka.address).split(","))))

    def ids(self, topic):
        """How often each id stands in the topic."""
        count = eventually(lambda: self.kafka.lag("nobody", topic), "messages")
        messages = self.kafka.read(topic, count)
        self.assertEqual(len(messages), count)
        return collections.Counter(json.loads(m.value())["id"] for m in messages)

    def under_load(self, topic, trouble):
        weir = self.start(self.config(topic))
        stop = threading.Event()
        loads = [Load(weir.address, f"c{i}", stop) for i in range(3)]
        stored = lambda: sum(len(load.stored) for load in loads)
        eventually(lambda: stored() > 200, "the first events")
        trouble(weir)
        before = stored()
        eventually(lambda: stored() > before + 200, lambda: "events after the trouble\n" + weir.log(), within=60)
        stop.set()
        for load in loads:
            load.join(90)
        acked = set().union(*(load.stored for load in loads))
        sent = set().union(*(load.sent for load in loads))
        self.assertEqual([odd.status for load in loads for odd in load.odd], [])
        found = self.ids(topic)
        self.assertEqual(acked - set(found), set(), "acknowledged and not in the topic")
        self.assertEqual(set(found) - sent, set(), "in the topic and never sent")
        self.assertEqual(weir.stop(), 0, weir.log())
        return found

    def test_everything_is_there_once_with_key_headers_and_the_time_it_came(self):
        topic, weir = self.topic(), None
        weir = self.start(self.config(topic))
        before = time.time()
        self.assertEqual(post(weir.address, ndjson(events("a", 500, n=7))).status, 200)
        messages = self.kafka.read(topic, 500)
        self.assertEqual(len({json.loads(m.value())["id"] for m in messages}), 500)
        self.assertEqual({m.key().decode() == json.loads(m.value())["id"] for m in messages}, {True})
        self.assertEqual({tuple(m.headers()) for m in messages}, {(("number", b"7"),)})
        self.assertLess(max(abs(m.timestamp()[1] / 1000 - before) for m in messages), 20)
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_a_broker_that_restarts_loses_and_doubles_nothing(self):
        found = self.under_load(self.topic(), lambda weir: self.kafka.restart_broker(2))
        self.assertEqual([id for id, n in found.items() if n > 1], [])

    def test_leaders_change_when_a_broker_is_killed(self):
        def kill(weir):
            self.kafka.kill_broker(1)
            time.sleep(3)
            self.kafka.start_broker(1)
        found = self.under_load(self.topic(min_insync_replicas=2), kill)
        self.assertEqual([id for id, n in found.items() if n > 1], [])

    def test_a_kill_of_weir_loses_nothing(self):
        topic = self.topic()
        weir = self.start(self.config(topic))
        stop = threading.Event()
        sent, acked = [], set()

        def send():
            while not stop.is_set():
                rows = events(f"k-{len(sent)}", 50)
                sent.append({row["id"] for row in rows})
                try:
                    if post(weir.address, ndjson(rows), timeout=30).status == 200:
                        acked.update(sent[-1])
                except OSError:
                    time.sleep(0.05)

        client = threading.Thread(target=send)
        client.start()
        for _ in range(3):
            eventually(lambda: len(acked) > 200, "events")
            time.sleep(0.3)
            weir.kill()
            weir = self.start(self.config(topic))
            count = len(acked)
            eventually(lambda: len(acked) > count + 100, lambda: "events after the kill\n" + weir.log())
        stop.set()
        client.join(60)
        found = self.ids(topic)
        self.assertEqual(acked - set(found), set(), "acknowledged and not in the topic")
        self.assertEqual(set(found) - set().union(*sent), set(), "in the topic and never sent")
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_what_is_too_large_lies_in_the_dead_letter_topic_as_it_was_with_the_reason_in_its_headers(self):
        topic = self.topic()
        dead = self.kafka.create(topic + "-dead")
        weir = self.start(self.config(topic, "dead_letter: dead, max_message: 2KiB", LETTERS))
        rows = events("a", 3)
        rows[1]["load"] = "x" * 5000
        self.assertEqual(post(weir.address, ndjson(rows)).status, 200)
        self.assertEqual(set(self.ids(topic)), {rows[0]["id"], rows[2]["id"]})
        letter = self.kafka.read(dead, 1)[0]
        self.assertEqual(json.loads(letter.value()), rows[1])
        headers = {name: value.decode() for name, value in letter.headers()}
        self.assertEqual((headers["weir-reason"], headers["weir-origin"], headers["weir-attempts"]),
                         ("sink_rejected", "out", "1"))
        self.assertIn("bytes", headers["weir-why"])
        self.assertLess(abs(int(headers["weir-at-ms"]) / 1000 - time.time()), 60)
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_nobody_answers_and_whoever_waits_is_told_when_to_come_back(self):
        topic = self.topic()
        weir = self.start(self.config(topic))
        self.assertEqual(post(weir.address, ndjson(events("a", 1))).status, 200)
        for broker in self.kafka.nodes:
            self.kafka.kill_broker(broker)
        stop = threading.Event()
        loads = [Load(weir.address, f"c{i}", stop) for i in range(4)]
        eventually(lambda: "sink out" in weir.command("why")[1], lambda: weir.command("why")[1], within=30)
        starts = [threading.Thread(target=self.kafka.start_broker, args=(n,)) for n in self.kafka.nodes]
        for start in starts:  # together: one alone is no quorum and gives up
            start.start()
        for start in starts:
            start.join()
        eventually(lambda: sum(len(load.stored) for load in loads) > 100, lambda: weir.log(), within=90)
        stop.set()
        for load in loads:
            load.join(90)
        found = self.ids(topic)
        self.assertEqual(set().union(*(load.stored for load in loads)) - set(found), set())
        self.assertEqual([id for id, n in found.items() if n > 1], [])
        self.assertEqual(weir.stop(), 0, weir.log())

    def test_a_wrong_start_ends_with_one_line_that_says_what_to_do(self):
        for config, line in (
                (self.config("nowhere"), "sink out: there is no topic nowhere at"),
                (self.config("t", "connect_timeout: 1s, dead_letter: dead", brokers="127.0.0.1:1"), "127.0.0.1:1"),
                (self.config("t", "sasl: PLAIN, user: weir, password_env: WEIR_TEST_SECRET, dead_letter: dead",
                             brokers=self.kafka.sasl_address), "check user and password")):
            weir = Weir(config, self.folder, env={"WEIR_TEST_SECRET": "wr0ng-horse"})
            weir.spawn()
            self.assertNotEqual(weir.wait(60), 0)
            errors = [text for text in weir.lines if "error" in text or "weir:" in text]
            self.assertTrue(any(line in text for text in errors), weir.log())
            self.assertNotIn("wr0ng-horse", weir.log())

    def test_it_logs_in_with_a_password(self):
        topic = self.topic()
        weir = Weir(self.config(topic, "sasl: PLAIN, user: weir, password_env: WEIR_TEST_SECRET, dead_letter: dead",
                                brokers=self.kafka.sasl_address), self.folder, env={"WEIR_TEST_SECRET": "weir-secret"})
        self.running.append(weir)
        weir.start()
        self.assertEqual(post(weir.address, ndjson(events("a", 10))).status, 200)
        self.assertEqual(len(self.ids(topic)), 10)
        self.assertEqual(weir.stop(), 0, weir.log())
        self.assertNotIn("weir-secret", weir.log())


if __name__ == "__main__":
    main()
