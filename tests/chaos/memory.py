"""P2: memory stays under the number that is set, socket buffers included.

A cgroup of `memory:` + 24 MiB, a sink that stands still, and a hundred connections that push plain, chunked and gzip
bodies as fast as they are let: half of them to a source with `acks: accepted` that refuses when full, half to one with
`acks: stored` that lets them wait unread, so that the kernel's buffers fill too. For WEIR_MEMORY_SECONDS (60):

  the process is not killed and, sockets included, never above the cgroup's limit
  at least 80 % of the budget is in use at the peak, so that it was worth pushing
  after the stall everything that was acknowledged is stored
"""
import gzip
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from cgroup import Cgroup  # noqa: E402
from stalls import Locked, rows_of  # noqa: E402
from weir_process import Weir, free_port, run_or_skip, set_binary, skip  # noqa: E402

SECONDS = float(os.environ.get("WEIR_MEMORY_SECONDS", "60"))
MIB = 1 << 20
MEMORY, MARGIN = 64 * MIB, 24 * MIB
CONNECTIONS = 100
SOURCE = 'type: http, max_connections: 64, max_body: 512KiB, max_event: 64KiB, receive_buffer: 16KiB, ack_timeout: 5s'
CONFIG = f"""
memory: 64MiB
reactors: 1
sources:
  told: {{ {SOURCE}, listen: "@HTTP", acks: accepted }}
  sure: {{ {SOURCE}, listen: "@SURE", acks: stored, when_full: block }}
sinks:
  out:
    type: sqlite
    from: [told, sure]
    path: "@DIR/out.db"
    memory: 2MiB
    busy_timeout: 600s
    queue: {{ max_events: 1000000, max_bytes: 64MiB }}
admin: {{ listen: "@ADMIN" }}
"""


class Pusher(threading.Thread):
    """One connection that is never content: what is refused is tried again at once, in another form."""

    def __init__(self, address, number, over):
        super().__init__(daemon=True)
        self.address, self.number, self.over = address, number, over
        self.dice = random.Random(number)
        self.acknowledged, self.answers = [], {}

    def run(self):
        connection, n = http.client.HTTPConnection(*self.address, timeout=90), 0
        while not self.over.is_set():
            n += 1
            ids = [f"{self.number}-{n}-{i}" for i in range(self.dice.choice((1, 50, 380, 380)))]
            try:
                status = self.push(connection, ids)
            except (OSError, http.client.HTTPException) as error:
                # A refusal closes when its body stands unread, and may overtake it: no answer, no promise.
                status = type(error).__name__
                connection.close()
            self.answers[status] = self.answers.get(status, 0) + 1
            if status in (200, 202):
                self.acknowledged += ids
            elif status == 503:
                self.over.wait(0.02)
        connection.close()

    def push(self, connection, ids):
        body = "".join(json.dumps({"id": id, "load": "%030x" % self.dice.getrandbits(120) * 40}) + "\n" for id in ids).encode()
        body, headers, form = body[: 500_000].rsplit(b"\n", 1)[0], {}, self.dice.choice(("plain", "chunked", "gzip", "both"))
        del ids[body.count(b"\n") + 1:]
        if form in ("gzip", "both"):
            body, headers = gzip.compress(body, 1), {"Content-Encoding": "gzip"}
        if form in ("chunked", "both"):
            pieces = [body[at:at + 8000] for at in range(0, len(body), 8000)]
            connection.request("POST", "/events", body=iter(pieces), headers=headers, encode_chunked=True)
        else:
            connection.request("POST", "/events", body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def stand_still_and_push(weir, group, addresses):
    """The pushers, after the stall, and the largest share of the budget that was in use."""
    over = threading.Event()
    pushers = [Pusher(addresses[n % 2], n, over) for n in range(CONNECTIONS)]
    budget, most = weir.metric("weir_memory_budget_bytes"), 0
    with Locked(os.path.join(weir.folder, "out.db")):
        for p in pushers:
            p.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not weir.exited():
            group.sample()
            most = max(most, weir.metric("weir_memory_budget_used_bytes"))
            over.wait(0.1)
        over.set()
    for p in pushers:
        p.join(90)
    return pushers, most / budget


def main():
    set_binary(sys.argv[1])
    group = Cgroup("weir-memory-test", MEMORY + MARGIN)
    if group.why_not:
        skip(group.why_not)
    threading.stack_size(512 << 10)
    folder = tempfile.mkdtemp(prefix="weir-memory-")
    sure = ("127.0.0.1", free_port())
    weir = Weir(CONFIG.replace("@SURE", "%s:%d" % sure), folder, preexec=group.join).start()
    try:
        pushers, used = stand_still_and_push(weir, group, (weir.address, sure))
        assert not weir.exited(), f"it ended with {weir.process.returncode}, {group.kills()} killed for memory:\n{weir.log()}"
        weir.assert_balanced(60)
        group.sample()
        kills = group.kills()
        assert weir.stop() == 0, weir.log()
        assert "every event is accounted for" in weir.log(), weir.log()
        acknowledged = {id for p in pushers for id in p.acknowledged}
        stored = set(rows_of(os.path.join(folder, "out.db")))
    finally:
        weir.kill()
        shutil.rmtree(folder)
        group.remove()
    answers = {}
    for p in pushers:
        for status, n in p.answers.items():
            answers[str(status)] = answers.get(str(status), 0) + n
    print(f"cgroup version {1 if group.v1 else 2}: at most {group.peak / MIB:.1f} of {group.limit / MIB:.0f} MiB, sockets included ({group.peak_sockets / MIB:.1f}); "
          f"{used:.0%} of the budget in use at the peak\nanswers {answers}; {len(acknowledged)} events acknowledged, {len(stored)} stored")
    assert kills == 0, f"{kills} processes were killed for memory"
    assert group.peak <= group.limit, f"{group.peak} bytes are above the limit of {group.limit}"
    assert used >= 0.8, f"only {used:.0%} of the budget was in use: this shows little"
    assert answers.get("503", 0) > 0 and len(acknowledged) > 1000, "the door was never full: this shows nothing"
    lost = acknowledged - stored
    assert not lost, f"{len(lost)} acknowledged events are lost, such as {sorted(lost)[:3]}"
    print("passed")


if __name__ == "__main__":
    run_or_skip(main)
