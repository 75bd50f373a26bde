"""Three services in a row, the last one slow (X5): the pressure reaches the client of the first; nothing is lost, memory stays flat.

Runs the files of examples/three-services as they are.
"""
import os
import threading
import time

from clients import events, ndjson, post
from stalls import rows_of
from weir_process import Weir, WeirTest, eventually, free_port, main

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "three-services")
RATE = 200  # events a second, as the example says


class Service(Weir):
    """One file of the example; which ports it has is told by variables."""

    def __init__(self, name, folder, ports):
        env = {key: "127.0.0.1:%d" % port for key, port in ports.items()}
        env["C_DATABASE"] = os.path.join(folder, "c.db")
        super().__init__(None, folder, env=env)
        self.file = os.path.join(EXAMPLE, name + ".yaml")
        letter = name.upper()
        self.address, self.admin = ("127.0.0.1", ports[letter + "_LISTEN"]), ("127.0.0.1", ports[letter + "_ADMIN"])

    def spawn(self):
        self.launch()


class Client(threading.Thread):
    """Sends as fast as it is let, and does as it is told."""

    def __init__(self, number, address, until, each=20):
        super().__init__(daemon=True)
        self.number, self.address, self.until, self.each = number, address, until, each
        self.stored, self.refusals, self.wrong, self.waits = [], [], [], []  # (when, ids), ..., ..., seconds
        self.start()

    def run(self):
        n = 0
        while time.monotonic() < self.until:
            n += 1
            rows = events(f"c{self.number}-{n}", self.each)
            answer = post(self.address, ndjson(rows), timeout=60)
            now = time.monotonic()
            if answer.status == 200:
                self.stored.append((now, [row["id"] for row in rows]))
            elif answer.status == 503 and answer.retry_after:
                self.refusals.append((now, answer))
                self.waits.append(answer.retry_after)
                time.sleep(answer.retry_after)
            else:
                self.wrong.append(answer)


class Chain(WeirTest):
    def start_services(self):
        ports = {f"{s}_{what}": free_port() for s in "ABC" for what in ("LISTEN", "ADMIN")}
        services = [Service(name, self.folder, ports) for name in "cba"]
        for service in services:
            self.running.append(service)
            service.start()
        self.c, self.b, self.a = services
        self.running.reverse()  # tests end upstream first, as a person would

    def refused(self, service, source):
        return service.graph(source=source)["refused"]

    def test_x5_the_client_of_the_first_slows_down_to_the_rate_of_the_last(self):
        self.start_services()
        seconds = 25
        begin = time.monotonic()
        clients = [Client(n, self.a.address, begin + seconds) for n in range(60)]
        memory = []
        while time.monotonic() < begin + seconds:
            if time.monotonic() > begin + 10:
                memory.append([s.resident() for s in (self.a, self.b, self.c)])
            time.sleep(1)
        for client in clients:
            client.join(60)
            self.assertFalse(client.is_alive(), lambda: f"a: {self.a.graph()}\nb: {self.b.graph()}\nc: {self.c.graph()}")
        told = {id for client in clients for _, ids in client.stored for id in ids}
        refusals = [r for client in clients for r in client.refusals]
        self.report(clients, told, refusals, memory, begin, seconds)

        self.assertEqual([a for client in clients for a in client.wrong], [])
        stored = rows_of(os.path.join(self.folder, "c.db"))
        self.assertEqual(told - set(stored), set(), "lost")
        self.assertEqual(len(stored), len(set(stored)))

        self.assertGreater(self.refused(self.c, "from_b"), 0, "C refuses B")
        self.assertGreater(self.refused(self.b, "from_a"), 0, "B refuses A")
        self.assertGreater(len(refusals), 0, "A refuses its clients")
        self.assertLessEqual({a.json["error"] for _, a in refusals}, {"flow_full", "priority_shed", "destination_hold"})
        for service, sink in ((self.a, "to_b"), (self.b, "to_c")):
            graph = service.graph(sink=sink)
            self.assertEqual((graph["breaker"], service.metric("weir_destination_failures_total")), ("closed", 0))

        # Obedient clients ask about as often as there is something to be had: far below what 60 in a closed loop would.
        asked = len(refusals) + sum(len(c.stored) for c in clients)
        self.assertLess(asked / seconds, 4 * RATE / 20 + 60)
        late = sum(len(ids) for client in clients for when, ids in client.stored if when > begin + seconds / 2)
        self.assertLess(late / (seconds / 2), 2.5 * RATE)
        for service, before, after in zip((self.a, self.b, self.c), memory[0], memory[-1]):
            service.assert_grew_less(before, 8 << 20, after)

    def report(self, clients, told, refusals, memory, begin, seconds):
        waits = sorted(w for client in clients for w in client.waits) or [0]
        print(f"\n    60 clients, {seconds} s: {len(told)} events stored ({len(told) / seconds:.0f}/s, C does {RATE}/s); "
              f"{sum(len(c.stored) for c in clients)} requests taken, {len(refusals)} refused, told to wait "
              f"{waits[0]} to {waits[-1]} s, median {waits[len(waits) // 2]} s\n"
              f"    refused: C {self.refused(self.c, 'from_b')}, B {self.refused(self.b, 'from_a')}, "
              f"A {self.refused(self.a, 'clients')}; resident A, B, C in MiB: "
              f"{[m >> 20 for m in memory[0]]} -> {[m >> 20 for m in memory[-1]]}", flush=True)

    def test_each_service_can_be_killed_and_started_again(self):
        self.start_services()
        clients = [Client(n, self.a.address, time.monotonic() + 100, each=5) for n in range(4)]
        for service in (self.c, self.b):
            eventually(lambda: sum(len(c.stored) for c in clients) > 3, "events pass")
            service.process.kill()
            service.wait()
            service.process.stderr.close()
            time.sleep(0.5)
            service.start()
            before = sum(len(c.stored) for c in clients)
            eventually(lambda: sum(len(c.stored) for c in clients) > before + 3, lambda: self.a.graph(), 40)
        for client in clients:
            client.until = 0
        for client in clients:
            client.join(60)
            self.assertFalse(client.is_alive())
        told = {id for client in clients for _, ids in client.stored for id in ids}
        self.assertEqual(told - set(rows_of(os.path.join(self.folder, "c.db"))), set(), "lost")
        print(f"\n    C and B killed and started again: {len(told)} events told to be stored, all there", flush=True)


if __name__ == "__main__":
    main()
