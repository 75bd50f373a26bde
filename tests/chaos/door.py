"""P5: Retry-After is a promise. At a full door, clients that come back when they were told are let in, and the sink is
never left idle by it.

A sink of a fixed rate, three times as many obedient clients as fit in, and as figures: of those that came back when
told, the share that was admitted on that try (at least 90 %), and the share of its time that the sink had nothing to do (at
most 5 %). WEIR_DOOR_SECONDS (25) is how long is measured, after five seconds of settling in.
"""
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
from clients import events, ndjson  # noqa: E402
from weir_process import Weir, set_binary  # noqa: E402

SECONDS = float(os.environ.get("WEIR_DOOR_SECONDS", "25"))
SETTLING = 5
TRIES = 3  # a machine that gives clients or Weir no processor for seconds breaks a promise that neither has broken
RATE, EVENTS, BOUND = 1000, 10, 2000  # two seconds of work fit in
CLIENTS = 3 * BOUND // EVENTS // 2
CONFIG = f"""
memory: 256MiB
sources:
  in: {{ type: http, listen: "@HTTP", acks: processed, max_connections: {CLIENTS + 16}, max_body: 16KiB }}
sinks:
  out: {{ type: blackhole, from: [in], rate: {RATE}/s, queue: {{ max_events: {BOUND} }}, batch: {{ max_events: 50 }} }}
admin: {{ listen: "@ADMIN" }}
"""


class Client(threading.Thread):
    """Sends, waits for its answer, sends again; when refused it comes back when told, within 20 ms."""

    def __init__(self, address, number, measuring, over):
        super().__init__(daemon=True)
        self.address, self.number = address, number
        self.measuring, self.over = measuring, over
        self.first = self.returned = self.admitted = self.served = 0
        self.told, self.late, self.trouble = [], [], []
        self.dice = random.Random(number)

    def run(self):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        self.over.wait(self.dice.uniform(0, 3))
        due = None
        while not self.over.is_set():
            counted = self.measuring.is_set()
            status, retry_after = self.send(connection)
            if counted and due is not None:
                self.returned += 1
                self.admitted += status == 200
            self.first += counted and due is None
            self.served += counted and status == 200
            due = None
            if status == 503:
                self.told.append(retry_after)
                due = time.monotonic() + retry_after + self.dice.uniform(0, 0.02)
                self.over.wait(max(0, due - time.monotonic()))
        connection.close()

    def send(self, connection):
        try:
            connection.request("POST", "/events", body=ndjson(events(self.number, EVENTS)))
            answer = connection.getresponse()
            body = answer.read()
            if answer.status not in (200, 503):
                self.trouble.append((answer.status, body))
            return answer.status, int(answer.getheader("retry-after") or 0)
        except (OSError, http.client.HTTPException) as error:
            if not self.over.is_set():
                self.trouble.append(repr(error))
                connection.close()
            return 0, 0


def idle_seconds(weir):
    return weir.graph(sink="out")["idle_s"]


def measured(weir, clients, measuring):
    """The figures of SECONDS from now on."""
    for c in clients:
        c.returned = c.admitted = 0
        c.told = []
    idle, began, stored = idle_seconds(weir), time.monotonic(), weir.graph(sink="out")["stored"]
    measuring.set()
    time.sleep(SECONDS)
    idle, took = idle_seconds(weir) - idle, time.monotonic() - began
    stored = weir.graph(sink="out")["stored"] - stored
    measuring.clear()
    returned, admitted = sum(c.returned for c in clients), sum(c.admitted for c in clients)
    told = sorted(t for c in clients for t in c.told)
    return {"clients": CLIENTS, "seconds": round(took, 1), "came back as told": returned, "admitted on that try": admitted,
            "share": round(admitted / returned if returned else 0, 4), "sink idle": round(idle / took, 4), "events a second": round(stored / took),
            "Retry-After": {"median": told[len(told) // 2] if told else None, "most": told[-1] if told else None}}


def short_of_the_promise(figures):
    if figures["came back as told"] < 50:
        return "the door was never full: this shows nothing"
    if figures["share"] < 0.9:
        return f"{figures['share']:.1%} of those that came back as told were admitted, at least 90 % was promised"
    if figures["sink idle"] >= 0.05:
        return f"the sink was idle {figures['sink idle']:.1%} of its time, at most 5 % was promised"
    return ""


def main():
    set_binary(sys.argv[1])
    threading.stack_size(256 << 10)
    folder = tempfile.mkdtemp(prefix="weir-door-")
    weir = Weir(CONFIG, folder).start()
    try:
        measuring, over = threading.Event(), threading.Event()
        clients = [Client(weir.address, n, measuring, over) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        over.wait(SETTLING)
        for _ in range(TRIES):
            figures = measured(weir, clients, measuring)
            print(json.dumps(figures, indent=2), flush=True)
            if not short_of_the_promise(figures):
                break
        over.set()
        for client in clients:
            client.join(60)
        weir.assert_balanced(30)
        assert weir.stop() == 0, weir.log()
    finally:
        weir.kill()
        shutil.rmtree(folder)
    trouble = [t for c in clients for t in c.trouble]
    assert not trouble, trouble[:3]
    assert not short_of_the_promise(figures), short_of_the_promise(figures)


if __name__ == "__main__":
    main()
