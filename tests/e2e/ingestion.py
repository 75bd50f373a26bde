"""X4: orders come from Kafka three times as fast as the database takes them, for a while; then the database is fast again.

Runs examples/ingestion-service.yaml as it is, and examples/ingestion-service.sql holds the database to 5 000 writes a second. The queue
never exceeds 512, polling pauses, the lag grows in Kafka and nowhere else, memory stays flat; afterwards everything drains by itself and
every id is in the table once. Prints the time line as a table and a plot.

    ingestion.py WEIR        WEIR_LONG=1: a minute of it instead of a few seconds
"""
import os
import sys
import threading
import time

from kafka_postgres import kafka_and_postgres
from weir_process import Weir, WeirTest, eventually, free_port, main, sanitized

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
LONG = os.environ.get("WEIR_LONG") == "1"
SECONDS, RATE, HELD = 60 if LONG else 8, 15_000, 5_000
BOUND, EVERY = 512, 0.5


class Producer(threading.Thread):
    """As many a second as it is told, on whole ticks, so that a busy machine makes bursts and not a lower rate."""

    def __init__(self, kafka, seconds):
        super().__init__(daemon=True)
        self.client, self.total, self.sent, self.failed = kafka.producer(), seconds * RATE, 0, []
        self.start()

    def run(self):
        begin = time.monotonic()
        while self.sent < self.total:
            for n in range(self.sent, min(self.total, int((time.monotonic() - begin) * RATE))):
                value = '{"id":"o-%d","n":%d,"item":"%s"}' % (n, n, "x" * 160)
                self.client.produce("orders", value, key="k%d" % n, on_delivery=self.told)
                self.client.poll(0)
                self.sent = n + 1
            time.sleep(0.01)
        self.client.flush(60)

    def told(self, error, _):
        if error:
            self.failed.append(error)


def edge_of(weir):
    return next(e for e in weir.ask("/api/pressure")["edges"] if e["sink"] == "database")


class Line:
    """What is seen of the flow every half second; pauses are those of polling since the last look."""

    def __init__(self, weir, kafka, producer):
        self.weir, self.kafka, self.producer, self.rows, self.over = weir, kafka, producer, [], threading.Event()
        self.begin = self.last = time.monotonic()
        self.stored, self.pauses, self.thread = 0, 0, threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.over.wait(EVERY):
            self.look()

    def look(self):
        now, lag = time.monotonic(), self.kafka.lag("ingestion", "orders")
        stored, edge = self.weir.graph(sink="database")["stored"], edge_of(self.weir)
        pauses = edge["pauses"] - self.pauses or int(edge["paused"])
        with open(f"/proc/{self.weir.process.pid}/statm") as f:
            resident = int(f.read().split()[1]) * 4096 / 2**20
        self.rows.append((now - self.begin, self.producer.sent, edge["waiting_events"], pauses, lag,
                          (stored - self.stored) / (now - self.last), resident))
        self.stored, self.pauses, self.last = stored, edge["pauses"], now

    def end(self):
        self.over.set()
        self.thread.join(30)

    def show(self):
        print("\n   time  produced  queue  pauses      lag  stored/s  resident MiB")
        for time_, sent, depth, pauses, lag, rate, resident in self.rows:
            print(f"{time_:6.1f}s {sent:9d} {depth:6d}  {pauses:6d} {lag if lag is not None else -1:8d} {rate:9.0f} {resident:8.1f}")
        for name, column in (("queue", 2), ("lag", 4), ("stored/s", 5), ("MiB", 6)):
            values = [row[column] or 0 for row in self.rows]
            most = max(values) or 1
            print(f"{name:>9s} {''.join(' ▁▂▃▄▅▆▇█'[round(8 * v / most)] for v in values)}  up to {most:.0f}")
        sys.stdout.flush()


class Ingestion(WeirTest):
    def setUp(self):
        super().setUp()
        self.kafka, self.db = kafka_and_postgres(self.addCleanup)
        self.kafka.create("orders", 6)
        self.kafka.create("orders-dead")

    def test_x4_a_database_three_times_too_slow_fills_kafka_and_nothing_else_and_all_drains_after(self):
        with open(os.path.join(EXAMPLES, "ingestion-service.sql")) as f:
            self.db.query(f.read())
        with open(os.path.join(EXAMPLES, "ingestion-service.yaml")) as f:
            config = f.read()
        admin = "127.0.0.1:%d" % free_port()
        weir = Weir(config, self.folder, env={"KAFKA": self.kafka.address, "DATABASE_URL": self.db.url, "ADMIN": admin})
        self.running.append(weir)
        weir.spawn()
        weir.admin = (admin.split(":")[0], int(admin.split(":")[1]))
        eventually(lambda: weir.ready() or weir.exited(), weir.log, within=60)
        self.assertTrue(weir.ready(), weir.log())
        self.kafka.produce("orders", ['{"id":"first"}'])
        eventually(lambda: self.kafka.lag("ingestion", "orders") == 0, "the group has its partitions", within=60)
        producer = Producer(self.kafka, SECONDS)
        line = Line(weir, self.kafka, producer)
        producer.join()
        self.assertEqual(producer.failed, [])
        slow = len(line.rows)
        self.db.query("DROP TRIGGER held ON orders")
        try:
            eventually(lambda: line.rows and line.rows[-1][4] == 0, "the lag is 0 again", within=120)
        finally:
            line.end()
            line.show()
        self.judge(line.rows, slow, weir)
        self.assertEqual(self.db.query("SELECT count(*), count(DISTINCT n) FROM orders WHERE id LIKE 'o-%'"),
                         [f"{producer.total}|{producer.total}"])
        self.assertEqual(weir.stop(), 0, weir.log())

    def judge(self, rows, slow, weir):
        held = rows[2:slow]  # the first second fills the queue
        self.assertLessEqual(edge_of(weir)["max_waiting_events"], BOUND)
        self.assertGreater(sum(row[3] > 0 for row in held), len(held) / 2, "polling pauses")
        self.assertGreater(max(row[4] or 0 for row in held), (RATE - HELD) * SECONDS / 2, "the lag grows in Kafka")
        rates = sorted(row[5] for row in held)
        self.assertLess(rates[len(rates) // 2], 1.3 * HELD, "the database is held")
        self.assertGreater(max(row[5] for row in rows[slow:]), 1.3 * rates[len(rates) // 2], "it is fast again")
        memory = [row[6] for row in rows[slow // 2:]]  # buffers grow to their size before that
        if not sanitized():  # a sanitizer keeps what was freed
            self.assertLess(max(memory) - min(memory), 16, "memory stays flat")


if __name__ == "__main__":
    main()
