"""A real Kafka for tests: scripts/kafka starts it, librdkafka's Python client fills it and looks into it.

Where Java, the program or the client cannot be had the test that asked is skipped with the reason; with
WEIR_REQUIRE_KAFKA=1 it fails.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from weir_process import SKIPPED, skip

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "kafka")


def no_kafka(why):
    if os.environ.get("WEIR_REQUIRE_KAFKA") == "1":
        raise AssertionError("WEIR_REQUIRE_KAFKA=1, and there is no Kafka: " + why)
    skip("no Kafka: " + why)


def client():
    try:
        import confluent_kafka
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")  # another Python than Debian's comes first in PATH
        try:
            import confluent_kafka
        except ImportError:
            no_kafka("there is no Python client: install python3-confluent-kafka")
    return confluent_kafka


class KafkaCluster:
    """Brokers for one test run; gone with `stop`."""

    def __init__(self, brokers=1):
        self.client = client()
        import confluent_kafka.admin
        self.folder = tempfile.mkdtemp(prefix="weir-kafka-")
        done = self.script("up", "--brokers", str(brokers), check=False)
        if done.returncode != 0:
            self.stop()
            if done.returncode == SKIPPED:
                no_kafka(done.stderr.strip().splitlines()[-1].removeprefix("no Kafka: "))
            raise AssertionError("Kafka did not start:\n" + done.stderr)
        self.nodes = [n + 1 for n in range(brokers)]
        self.address = done.stdout.strip().splitlines()[-1].removeprefix("brokers: ")
        with open(os.path.join(self.folder, "cluster.json")) as f:
            known = json.load(f)
        self.sasl_address = ",".join("127.0.0.1:%d" % broker["sasl_port"] for broker in known)
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        self.new_topic = confluent_kafka.admin.NewTopic

    def script(self, action, *arguments, check=True):
        command = [SCRIPT, action, self.folder, *arguments]
        done = subprocess.run(command, text=True, capture_output=True, timeout=700)
        if check and done.returncode != 0:
            raise AssertionError("%s: %s" % (" ".join(command[1:]), done.stderr))
        return done

    def stop(self):
        if os.path.exists(os.path.join(self.folder, "cluster.json")):
            self.script("down", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill_broker(self, node=1):
        self.script("kill-broker", str(node))

    def stop_broker(self, node=1):
        self.script("stop-broker", str(node))

    def start_broker(self, node=1):
        self.script("start-broker", str(node))

    def restart_broker(self, node=1):
        self.stop_broker(node)
        self.start_broker(node)

    def create(self, topic, partitions=1, **config):
        """Configuration as keyword arguments: max_message_bytes=2000000."""
        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        new = self.new_topic(topic, num_partitions=partitions, replication_factor=len(self.nodes), config=config)
        for _ in range(3):  # brokers that have just begun on a busy machine may not answer the first time
            if self.is_created(self.admin.create_topics([new], operation_timeout=30, request_timeout=40)[topic]):
                return topic
        raise AssertionError("no broker has created " + topic)

    def is_created(self, future):
        try:
            future.result(45)
        except TimeoutError:
            return False
        except self.client.KafkaException as error:
            if error.args[0].name() in ("_TIMED_OUT", "REQUEST_TIMED_OUT"):
                return False
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # where the answer was lost
                raise
        return True

    def producer(self, **config):
        config = {key.replace("_", "."): value for key, value in config.items()}
        return self.client.Producer({"bootstrap.servers": self.address, "acks": "all", "enable.idempotence": True,
                                     "linger.ms": 5, "log_level": 0, **config})

    def produce(self, topic, values, key=None, partition=None, headers=None, **config):
        """Each value, a text, bytes or None, and waits until the brokers have all of them."""
        producer, failed = self.producer(**config), []
        where = {} if partition is None else {"partition": partition}
        for n, value in enumerate(values):
            while True:
                try:
                    producer.produce(topic, value, key=key(n) if callable(key) else key, headers=headers,
                                     on_delivery=lambda error, _: failed.append(error) if error else None, **where)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        if producer.flush(60) or failed:
            raise AssertionError("not produced: %s" % (failed[:1] or "time is up"))

    def produce_ids(self, topic, first, count, size=0, **more):
        """{"id":"m-FIRST"} and so on, padded to about `size` bytes."""
        pad = ',"pad":"%s"' % ("x" * size) if size else ""
        self.produce(topic, ('{"id":"m-%d","n":%d%s}' % (n, n, pad) for n in range(first, first + count)),
                     key=more.pop("key", lambda n: "k%d" % n), **more)

    def _partitions(self, consumer, topic):
        told = consumer.list_topics(topic, timeout=30).topics[topic]
        return [self.client.TopicPartition(topic, p) for p in told.partitions]

    def lags(self, group, topic):
        """For each partition what the group has not committed; all there is where it has committed nothing."""
        consumer = self.client.Consumer({"bootstrap.servers": self.address, "group.id": group, "log_level": 0})
        try:
            lags = {}
            for place in consumer.committed(self._partitions(consumer, topic), timeout=30):
                low, high = consumer.get_watermark_offsets(place, timeout=30)
                lags[place.partition] = high - (place.offset if place.offset >= 0 else low)
            return lags
        finally:
            consumer.close()

    def lag(self, group, topic):
        """None while nobody can tell: a broker is down, the group is moving."""
        try:
            return sum(self.lags(group, topic).values())
        except self.client.KafkaException:
            return None

    def read(self, topic, count, within=30):
        """The first `count` messages of all its partitions, fewer if that takes too long."""
        consumer = self.client.Consumer({"bootstrap.servers": self.address, "group.id": "reads-" + topic,
                                         "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0})
        try:
            places = self._partitions(consumer, topic)
            for place in places:
                place.offset = self.client.OFFSET_BEGINNING
            consumer.assign(places)
            got, late = [], threading.Event()
            timer = threading.Timer(within, late.set)
            timer.start()
            while len(got) < count and not late.is_set():
                got += [m for m in consumer.consume(count - len(got), 0.2) if not m.error()]
            timer.cancel()
            return got
        finally:
            consumer.close()
