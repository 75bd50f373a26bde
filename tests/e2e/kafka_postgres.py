"""A Kafka and a PostgreSQL of their own, for as long as whoever asks for them runs."""
import os
import subprocess
import tempfile

from kafka_cluster import KafkaCluster
from postgres import Cluster


def kafka_and_postgres(add_cleanup):
    base = tempfile.mkdtemp(prefix="weir-both-")
    add_cleanup(lambda: subprocess.run(["rm", "-rf", base], check=True))
    os.chmod(base, 0o711)
    db = Cluster(os.path.join(base, "cluster"), "--max-connections", "40")
    add_cleanup(lambda: db.script("down", "--mode", "immediate"))
    kafka = KafkaCluster()
    add_cleanup(kafka.stop)
    return kafka, db
