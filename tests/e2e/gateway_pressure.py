"""Three instances of Weir behind a gateway, one of which does not get rid of what it takes: it says so in Weir-Pressure
(`pressure_header`), and the gateway sends it less before it has to refuse anybody.
"""
import json
import threading

from gateway_kit import GatewayTest
from weir_process import eventually, main

INSTANCE = """
memory: 64MiB
sources:
  in:
    type: http
    listen: @HTTP
    acks: accepted
    pressure_header: @TELLS
sinks:
  out:
    from: [in]
    queue: { max_events: 50 }
@SINK
admin: { listen: "@ADMIN" }
"""
FAST = "    type: blackhole"
STUCK = '    type: http\n    url: "http://%s/"\n    timeout: 10m'
EVENTS = 240


class Pressure(GatewayTest):
    def instances(self, tells):
        """Two that are fast, and one whose sink is never answered."""
        over = threading.Event()
        self.addCleanup(over.set)
        silent = self.peer(lambda s: over.wait())
        sinks = (FAST, STUCK % silent.address, FAST)
        return [self.start(INSTANCE.replace("@TELLS", tells).replace("@SINK", sink)) for sink in sinks]

    def post(self, n):
        status, _, body = self.ask("/events", "POST", json.dumps({"n": n}), {"Content-Type": "application/json"})
        return status, body

    def share(self, instances):
        """How many events each has taken, while as many are sent one after the other; and what was refused."""
        self.run_gateway(*("%s:%d" % w.address for w in instances))
        refused = [said for said in map(self.post, range(EVENTS)) if said[0] != 202]
        taken = [w.graph()["sources"][0]["in"] for w in instances]
        instances[1].kill()  # it would wait for its sink
        self.assertEqual(sum(taken), EVENTS - len(refused))
        return taken, refused

    def test_one_that_says_how_full_it_is_gets_less_and_refuses_nobody(self):
        instances = self.instances("true")
        taken, refused = self.share(instances)
        self.assertEqual(refused, [])
        self.assertLess(taken[1] * 2, min(taken[0], taken[2]), taken)

    def test_one_that_says_nothing_gets_its_third_until_it_refuses(self):
        """What the header is for: without it, somebody is told no."""
        instances = self.instances("false")
        self.run_gateway(*("%s:%d" % w.address for w in instances))
        self.assertTrue(any(self.post(n)[0] == 503 for n in range(4 * EVENTS)))
        instances[1].kill()

    def test_a_source_tells_how_full_what_is_behind_it_is(self):
        stuck = self.instances("true")[1]
        self.weir = stuck

        def full():
            status, headers, _ = self.ask("/events", "POST", "{}", {"Content-Type": "application/json"})
            return status == 503 and headers.get("Weir-Pressure") == "1.00"
        eventually(full, lambda: stuck.graph()["sinks"][0])
        stuck.kill()


if __name__ == "__main__":
    main()
