"""X1: events over HTTP, kept in a topic, written to PostgreSQL by two instances of one file, one of which is killed; what the database
refuses lies in the dead-letter topic, and goes into the table when the cause is mended. Runs examples/event-pipeline.yaml and
event-pipeline-replay.yaml as they are.
"""
import json
import os

from clients import events, ndjson, post
from kafka_postgres import kafka_and_postgres
from weir_process import Weir, WeirTest, eventually, free_port, main

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


class EventPipeline(WeirTest):
    def setUp(self):
        super().setUp()
        self.kafka, self.db = kafka_and_postgres(self.addCleanup)
        self.kafka.script("topics", "events:6", "events-dead", "events-still-dead")

    def run_example(self, name):
        with open(os.path.join(EXAMPLES, name)) as f:
            text = f.read()
        door, admin = free_port(), free_port()
        weir = Weir(text, self.folder, env={"KAFKA": self.kafka.address, "DATABASE_URL": self.db.url, "LISTEN": f"127.0.0.1:{door}",
                                            "ADMIN": f"127.0.0.1:{admin}", "ADMIN_REPLAY": f"127.0.0.1:{admin}"})
        self.running.append(weir)
        weir.spawn()
        weir.address, weir.admin = ("127.0.0.1", door), ("127.0.0.1", admin)
        eventually(lambda: weir.ready() or weir.exited(), weir.log, within=60)
        self.assertTrue(weir.ready(), weir.log())
        return weir

    def ids(self):
        return self.db.query("SELECT id FROM events")

    def test_two_instances_one_killed_dead_letters_and_their_replay(self):
        weirs = [self.run_example("event-pipeline.yaml") for _ in range(2)]
        sent = {}

        def send(weir, name, n, **more):
            rows = events(name, n, amount=1, **more)
            self.assertEqual(post(weir.address, ndjson(rows)).status, 200)
            sent.update((row["id"], row) for row in rows)

        for n in range(10):
            send(weirs[n % 2], f"a{n}", 50, user=f"u{n}")
        weirs[1].kill()
        for n in range(10):
            send(weirs[0], f"b{n}", 50, user=f"u{n}")
        self.db.query("ALTER TABLE events ADD CONSTRAINT gain CHECK (amount >= 0)")
        bad = [{"id": "loss", "user": "u1", "amount": -5}, {"user": "u2", "amount": 3}]
        self.assertEqual(post(weirs[0].address, ndjson(bad)).status, 200, "the topic has them")
        self.kafka.produce("events", ["no json at all"])

        # What the killed one had waits until the group takes it for dead.
        eventually(lambda: len(self.ids()) == len(sent), lambda: f"{len(self.ids())} of {len(sent)}\n" + weirs[0].log(), within=90)
        self.assertEqual(set(self.ids()), set(sent))
        letters = {m.value(): {k: v.decode() for k, v in m.headers()} for m in self.kafka.read("events-dead", 3)}
        self.assertEqual({bytes(v) for v in letters}, {json.dumps(b).encode() for b in bad} | {b"no json at all"})
        for headers in letters.values():
            self.assertEqual((headers["weir-origin"], headers["weir-reason"]), ("database", "sink_rejected"))
            topic, partition = headers["weir-place"].split("/")
            place = self.kafka.client.TopicPartition(topic, int(partition), int(headers["weir-position"]))
            self.assertEqual(topic, "events")
            self.assertIn(self.at(place), letters, "its place is where it lies")
        eventually(lambda: self.kafka.lag("weir.pipeline.database", "events") == 0, "the lag is 0 again", within=60)

        self.db.query("ALTER TABLE events DROP CONSTRAINT gain")
        replay = self.run_example("event-pipeline-replay.yaml")
        eventually(lambda: self.kafka.lag("replay", "events-dead") == 0, replay.log, within=60)
        eventually(lambda: set(self.ids()) == set(sent) | {"loss"}, "what is mended is in the table")
        self.assertEqual({bytes(m.value()) for m in self.kafka.read("events-still-dead", 2)}, {json.dumps(bad[1]).encode(), b"no json at all"})
        self.assertEqual([replay.stop(), weirs[0].stop()], [0, 0])

    def at(self, place):
        consumer = self.kafka.client.Consumer({"bootstrap.servers": self.kafka.address, "group.id": "looks", "log_level": 0})
        consumer.assign([place])
        message = consumer.consume(1, 30)[0]
        consumer.close()
        return message.value()


if __name__ == "__main__":
    main()
