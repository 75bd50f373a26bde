"""Only `memory:` is said, and it is small: the defaults follow, the flow runs, and its memory stays below the number.

The quickstart's flow as it stands, at 32 MiB and 64 MiB. Forty connections push plain, chunked and gzip bodies of up to
half a megabyte as fast as they are let, while the database is locked and then while it is not. What counts as memory is
what nothing else can have: anonymous pages, and the kernel's socket buffers where a cgroup can be made to count them.
"""
import http.client
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chaos"))
from cgroup import Cgroup  # noqa: E402
from memory import Pusher  # noqa: E402
from stalls import Locked, rows_of  # noqa: E402
from weir_process import WeirTest, main, sanitized, weir  # noqa: E402

MIB = 1 << 20
QUICKSTART = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "quickstart", "weir.yaml")
SECONDS = float(os.environ.get("WEIR_MEMORY_SECONDS", "6"))


def quickstart(memory):
    with open(QUICKSTART) as f:
        text = f.read()
    for usual, ours in (("memory: 256MiB", f"memory: {memory}MiB"), ("127.0.0.1:8080", '"@HTTP"'), ("127.0.0.1:9600", '"@ADMIN"')):
        assert usual in text, usual
        text = text.replace(usual, ours)
    return text


def anonymous(pid):
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return sum(int(fields[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem"))


class SmallMemory(WeirTest):
    def push(self, memory, pushing=40, idle=0):
        """Memory at its peak while `pushing` connections push, beside `idle` ones that have sent one small request each."""
        group = Cgroup(f"weir-small-{memory}", 4 * memory * MIB)  # it counts sockets only where there is a limit
        self.addCleanup(group.remove)
        w = self.start(quickstart(memory), preexec=None if group.why_not else group.join)
        peak, over = 0, threading.Event()
        pushers = [Pusher(w.address, n, over) for n in range(pushing)]
        for _ in range(idle):
            client = http.client.HTTPConnection(*w.address, timeout=60)
            self.addCleanup(client.close)
            client.request("POST", "/events", b'{"id":"idle"}\n')
            self.assertEqual(client.getresponse().read()[:1], b"{")

        def sample(until):
            nonlocal peak
            while time.monotonic() < until and not w.exited():
                sockets = 0 if group.why_not else group.sockets()
                peak = max(peak, anonymous(w.process.pid) + sockets)
                over.wait(0.05)

        with Locked(self.path("data/events.db")):
            for p in pushers:
                p.start()
            sample(time.monotonic() + SECONDS / 2)
        sample(time.monotonic() + SECONDS / 2)
        over.set()
        for p in pushers:
            p.join(90)
        self.assertFalse(w.exited(), w.log())
        w.assert_balanced(60)
        self.assertEqual(w.stop(60), 0, w.log())
        acknowledged = {id for p in pushers for id in p.acknowledged}
        self.assertGreater(len(acknowledged), 100, "nothing was taken: this shows nothing")
        self.assertFalse(acknowledged - set(rows_of(self.path("data/events.db"))))
        print(f"{memory} MiB: at most {peak / MIB:.1f} MiB; {len(acknowledged)} events acknowledged", file=sys.stderr)
        return peak

    def test_the_quickstart_stays_below_32_and_64_mib_with_no_other_key_said(self):
        if sanitized():
            self.skipTest("a sanitizer's memory is not Weir's")
        threading.stack_size(512 << 10)
        for memory in (32, 64):
            with self.subTest(memory=memory):
                os.makedirs(self.path("data"), exist_ok=True)
                for file in os.listdir(self.path("data")):
                    os.remove(self.path("data/" + file))
                self.assertLessEqual(self.push(memory), memory * MIB)

    def test_connections_that_rest_cost_little_beside_a_few_that_send_large_bodies(self):
        if sanitized():
            self.skipTest("a sanitizer's memory is not Weir's")
        os.makedirs(self.path("data"), exist_ok=True)
        with open(self.path("weir.yaml"), "w") as f:
            f.write(quickstart(32).replace('"@HTTP"', "127.0.0.1:8080").replace('"@ADMIN"', "127.0.0.1:9600"))
        out = weir("check", self.path("weir.yaml"))[1]
        most = int(re.search(r"sources\.events\.max_connections +(\d+) \(usually 512\)", out).group(1))
        self.assertLessEqual(self.push(32, pushing=4, idle=most - 8), 32 * MIB)

    def test_check_says_what_the_defaults_became_and_a_written_value_is_refused_instead(self):
        def check(text):
            with open(self.path("weir.yaml"), "w") as f:
                f.write(text.replace('"@HTTP"', "127.0.0.1:8080").replace('"@ADMIN"', "127.0.0.1:9600"))
            return weir("check", self.path("weir.yaml"))

        code, out, _ = check(quickstart(32))
        self.assertEqual(code, 0)
        became = re.search(r"sources\.events\.max_connections +(\d+) \(usually 512\)", out)
        self.assertLess(int(became.group(1)), 512)
        code, _, err = check(quickstart(32).replace("acks: stored", "acks: stored\n    max_connections: 512"))
        self.assertEqual(code, 2)
        self.assertRegex(err, "memory: 32MiB is too small: .*at least [0-9]+MiB is needed")
        code, out, _ = check(quickstart(256))
        self.assertNotIn("usually", out)


if __name__ == "__main__":
    main()
