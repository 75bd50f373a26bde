"""A disk that does not answer: a file system of its own is frozen, so that whoever writes to it hangs and cannot be killed."""
import json
import os
import signal
import subprocess
import threading

from clients import events, ndjson, post
from weir_process import WeirTest, eventually, main, needs, skip

CONFIG = """memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, ack_timeout: 2s }
sinks:
  hangs: { type: file, from: [in], path: "@DIR/frozen/out.ndjson" }
  other: { type: file, from: [in], path: "@DIR/other.ndjson", required: false, queue: { when_full: drop_newest } }
admin: { listen: "@ADMIN" }
"""
THAW_AFTER = 120  # seconds, whatever becomes of this process


class HungDisk(WeirTest):
    def setUp(self):
        super().setUp()
        needs("mkfs.ext4", "fsfreeze", "losetup", "mount")
        if os.geteuid() != 0:
            skip("mounting needs root's rights")
        self.mounted = self.path("frozen")
        os.mkdir(self.mounted)
        with open(self.path("image"), "wb") as f:
            f.truncate(32 << 20)
        subprocess.run(["mkfs.ext4", "-q", self.path("image")], check=True)
        made = subprocess.run(["mount", "-o", "loop", self.path("image"), self.mounted], capture_output=True, text=True)
        if made.returncode:
            skip("no file system can be mounted here: " + made.stderr.strip())

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            self.thaw()
            subprocess.run(["umount", "-l", self.mounted], check=False)

    def freeze(self):
        self.guard = subprocess.Popen(["sh", "-c", f"sleep {THAW_AFTER}; fsfreeze -u '{self.mounted}'"], start_new_session=True,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # nobody waits for its end
        self.addCleanup(self.guard.wait)
        self.addCleanup(os.killpg, self.guard.pid, signal.SIGKILL)
        subprocess.run(["fsfreeze", "-f", self.mounted], check=True)

    def thaw(self):
        subprocess.run(["fsfreeze", "-u", self.mounted], check=False, stderr=subprocess.DEVNULL)

    def stored(self, name):
        """Sent until it is: on a slow disk the time that a sender waits here is short. Its ids are the same each time."""
        eventually(lambda: post(self.weir.address, ndjson(events(name, 5)), timeout=90).status == 200, f"{name} is stored", 60)

    def test_who_waits_is_told_in_time_others_go_on_and_all_of_it_is_there_in_the_end(self):
        self.weir = self.start(CONFIG)
        self.stored("before")
        self.freeze()
        answers = []
        senders = [threading.Thread(target=lambda n=n: answers.append(post(self.weir.address, ndjson(events(f"f{n}", 5)), timeout=90)))
                   for n in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(90)
        self.assertEqual(len(answers), 4, "everybody was answered")
        for answer in answers:
            self.assertIn((answer.status, answer.json["error"]),
                          ((504, "outcome_unknown"), (503, "destination_stalled")), answer.json)
        self.assertEqual(self.weir.get("/health")[0], 200)
        self.assertIn("hangs", self.weir.command("why")[1])
        taken = sum(answer.status == 504 for answer in answers)
        eventually(lambda: len(self.lines_so_far("other.ndjson")) >= 5 + 5 * taken, "the other sink goes on")
        self.thaw()
        eventually(lambda: self.weir.pending() == 0, "it goes on", 60)
        self.stored("after")
        with open(self.path("frozen/out.ndjson")) as f:
            found = {json.loads(line)["id"] for line in f}
        must = {e["id"] for name in ("before", "after") for e in events(name, 5)}
        self.assertLessEqual(must, found)
        self.assertEqual(len(found), 10 + 5 * taken, "what was taken and not confirmed is there, and nothing that was refused")


if __name__ == "__main__":
    main()
