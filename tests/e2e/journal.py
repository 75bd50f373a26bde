"""A journal looked into, checked and put right by hand: `weir journal`, after the process was killed."""
import json
import os
import random
import re
import signal
import struct
import subprocess
import threading

import weir_process
from clients import events, ndjson, post
from http_server import OtherSide, Reply
from journal_reader import Journal
from weir_process import WeirTest, eventually, main, weir

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored }
journals:
  kept: { type: disk, from: [in], path: "@DIR/kept", max_bytes: 64MiB, segment: 1MiB }
sinks:
  out: { type: http, from: [kept], url: "http://127.0.0.1:1/nobody", on_failure: drop }
admin: { listen: "@ADMIN" }
"""
REST = """
sinks:
  out: { type: file, from: [kept], path: "@DIR/out.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""
DRAINING = CONFIG[:CONFIG.index("sinks:")] + REST.lstrip()
POSTS, EACH = 40, 100


def segment(number):
    return f"{number:020}.segment"


class JournalByHand(WeirTest):
    def setUp(self):
        super().setUp()
        self.weir = self.start(CONFIG)
        self.sent = []
        for n in range(POSTS):
            rows = events(f"p{n}", EACH, pad="x" * 500)
            self.assertEqual(post(self.weir.address, ndjson(rows)).status, 200)
            self.sent += rows
        self.folder_of_journal = self.path("kept")

    def kill(self):
        self.weir.signal(signal.SIGKILL)
        self.weir.wait()

    def journal(self, command, *more):
        return weir("journal", command, self.folder_of_journal, *more)

    def exported(self, *more):
        code, out, err = self.journal("export", *more)
        self.assertEqual((code, err), (0, ""))
        return [json.loads(line) for line in out.splitlines()]

    def overwrite(self, name, at, data):
        with open(os.path.join(self.folder_of_journal, name), "r+b") as f:
            f.seek(at)
            f.write(data)

    def record_offsets(self, name):
        """Where its records begin: each says how long it is."""
        with open(os.path.join(self.folder_of_journal, name), "rb") as f:
            data = f.read()
        at, places = 4096, []
        while data[at:at + 4] == b"WREC":
            places.append(at)
            count, size = struct.unpack_from("<2I", data, at + 24)
            at += -(-(64 + size + 8 * count) // 8) * 8
        return places

    def test_what_was_stored_is_listed_and_exported_after_kill_9(self):
        self.kill()
        code, out, err = self.journal("ls", "--json")
        self.assertEqual((code, err), (0, ""))
        told = json.loads(out)
        self.assertEqual((told["first"], told["end"], told["events"]), (1, len(self.sent) + 1, len(self.sent)))
        self.assertGreaterEqual(len(told["segments"]), 2)
        self.assertEqual([(c["name"], c["position"], c["lag_events"]) for c in told["consumers"]],
                         [("out", 1, len(self.sent))])
        code, out, err = self.journal("ls")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"kept: 4000 events, .* in \d segments")
        self.assertRegex(out, r"\nout +1 +4000 ")
        self.assertEqual(self.exported(), self.sent)
        self.assertEqual(self.exported("--consumer", "out", "--to", "10"), self.sent[:10])
        self.assertEqual(self.exported("--from", "3991"), self.sent[3990:])
        self.assertEqual(self.exported("--where", '.id == "p7-3"'), [row for row in self.sent if row["id"] == "p7-3"])
        self.assertEqual(self.journal("check")[0], 0)

    def test_events_come_with_what_is_known_of_them(self):
        self.kill()
        first = self.exported("--to", "1", "--with-meta")[0]
        self.assertEqual((first["sequence"], first["priority"]), (1, "normal"))
        self.assertRegex(first["received"], r"^20\d\d-.*Z$")
        self.assertEqual(json.loads(first["event"]), self.sent[0])
        data = subprocess.run([weir_process.BINARY, "journal", "export", self.folder_of_journal, "--to", "1", "--format",
                               "framed"], capture_output=True, check=True, timeout=30).stdout
        length = struct.unpack_from(">I", data)[0]
        self.assertEqual((len(data), json.loads(data[4:])), (4 + length, self.sent[0]))

    def test_an_open_journal_is_left_alone_but_may_be_looked_at(self):
        for command in ("ls", "check", "repair", "export"):
            code, out, err = self.journal(command)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(f"used by process {self.weir.process.pid}; stop that one first", err)
        self.assertEqual(self.exported("--live"), self.sent)
        self.assertEqual(self.journal("ls", "--live")[0], 0)
        self.kill()

    def test_a_folder_that_is_no_journal_is_left_as_it_is(self):
        os.mkdir(self.path("other"))
        for command in ("ls", "check", "repair", "export"):
            code, _, err = weir("journal", command, self.path("other"))
            self.assertEqual(code, 1)
            self.assertIn("is no journal", err)
        self.assertEqual(os.listdir(self.path("other")), [])
        self.kill()

    def test_damage_is_found_planned_for_and_repaired_and_weir_runs_again(self):
        self.kill()
        second = self.record_offsets(segment(1))[1]
        self.overwrite(segment(1), second + 100, b"\0\1\2")
        self.overwrite(segment(2), 30, b"\xff")
        self.overwrite("out.cursor", 0, b"x" * 8192)
        os.remove(os.path.join(self.folder_of_journal, "journal"))
        with open(os.path.join(self.folder_of_journal, segment(1)), "rb") as f:
            copy = f.read()
        with open(os.path.join(self.folder_of_journal, segment(50)), "wb") as f:
            f.write(copy)
        code, out, _ = self.journal("check", "--json")
        told = json.loads(out)
        self.assertEqual(code, 6)
        self.assertEqual(sorted(f["code"] for f in told["findings"]), ["copy", "cursor", "header", "journal", "records"])
        lost = told["lost_events"]
        self.assertEqual(lost, EACH)
        before = self.contents()
        code, plan, _ = self.journal("repair")
        self.assertEqual(code, 6)
        self.assertIn("--apply does it", plan)
        self.assertEqual(self.contents(), before, "a plan changes nothing")
        code, done, err = self.journal("repair", "--apply")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("lost events stay lost", done)
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder_of_journal, "aside"))),
                         [segment(2), segment(50), "out.cursor"])
        self.assertIn("nothing to repair", self.journal("repair", "--apply")[1])
        self.assertEqual([f["code"] for f in json.loads(self.journal("check", "--json")[1])["findings"]], ["records"])
        self.drains(len(self.sent) - lost)

    def contents(self):
        names = [n for n in sorted(os.listdir(self.folder_of_journal)) if n != "lock"]
        return {n: open(os.path.join(self.folder_of_journal, n), "rb").read() for n in names}

    def drains(self, count):
        w = self.start(DRAINING)
        eventually(lambda: len(self.lines_so_far("out.ndjson")) >= count, lambda: w.log())
        w.assert_balanced()
        self.assertEqual(w.stop(), 0)
        ids = {row["id"] for row in self.lines_of("out.ndjson")}
        self.assertEqual(len(ids), count)
        self.assertLessEqual(ids, {row["id"] for row in self.sent})

    def test_the_example_of_the_description_is_one(self):
        self.kill()
        self.assertEqual(self.exported("--to", "1"), self.sent[:1])
        with open(os.path.join(SOURCE, "engine", "journal", "FORMAT.md")) as f:
            text = f.read().split("## One journal in hexadecimal")[1]
        os.mkdir(self.path("example"))
        for name, size in (("journal", 4096), ("00000000000000000001.segment", 8192), ("out.cursor", 8192)):
            data = bytearray(size)
            for line in text.split(f"\n{name}\n")[1].split("\n\n")[0].splitlines():
                found = re.match(r"([0-9a-f]{8})  ((?:[0-9a-f]{2} {1,2}){16}) ?\|", line)
                if found:
                    at = int(found[1], 16)
                    data[at:at + 16] = bytes.fromhex(found[2])
            with open(self.path("example/" + name), "wb") as f:
                f.write(data)
        code, out, err = weir("journal", "export", self.path("example"))
        self.assertEqual((code, out, err), (0, '{"id":"a"}\n{"id":"b","n":2}\n', ""))
        self.assertEqual(weir("journal", "check", self.path("example"))[0], 0)
        read = Journal(self.path("example"))
        self.assertEqual((read.events, read.cursors), ({1: b'{"id":"a"}', 2: b'{"id":"b","n":2}'}, {"out": 1}))

    def test_another_program_reads_it_from_the_description_alone(self):
        self.kill()
        read = Journal(self.folder_of_journal)
        self.assertEqual([json.loads(text) for _, text in sorted(read.events.items())], self.sent)
        self.assertEqual(sorted(read.events), list(range(1, len(self.sent) + 1)))
        self.assertEqual(read.cursors, {"out": 1})
        last = json.loads(self.journal("ls", "--json")[1])["segments"][-1]["number"]
        torn = self.record_offsets(segment(last))[-1]
        self.overwrite(segment(1), self.record_offsets(segment(1))[3] + 80, b"\xff\xff")
        self.overwrite(segment(last), torn + 80, b"\xff\xff")
        code, out, _ = self.journal("export", "--with-meta")
        self.assertEqual(code, 6)
        told = [json.loads(line) for line in out.splitlines()]
        read = Journal(self.folder_of_journal)
        self.assertEqual([(row["sequence"], row["event"]) for row in told],
                         [(n, text.decode()) for n, text in sorted(read.events.items())])
        self.assertEqual(len(told), len(self.sent) - 2 * EACH)


MAY_MISS = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored }
journals:
  kept: { type: disk, from: [in], path: "@DIR/kept", max_bytes: 2MiB, segment: 256KiB }
sinks:
  out: { type: file, from: [kept], path: "@DIR/out.ndjson", on_failure: drop }
  away:
    type: http
    from: [kept]
    url: "http://127.0.0.1:AWAY/"
    required: false
    on_failure: drop
    consumer: { when_behind: skip }
admin: { listen: "@ADMIN" }
"""


class Ledger(WeirTest):
    def test_it_counts_what_a_consumer_that_may_miss_events_was_never_given(self):
        back = threading.Event()
        away = OtherSide(lambda n, ids: Reply(200 if back.is_set() else 503))
        self.addCleanup(away.die)
        self.weir = self.start(MAY_MISS.replace("AWAY", str(away.port)))
        sent = set()
        for n in range(60):
            rows = events(f"p{n}", 100, pad=random.Random(n).randbytes(1000).hex())
            self.assertEqual(post(self.weir.address, ndjson(rows)).status, 200)
            sent |= {row["id"] for row in rows}

        def consumer(name):
            return next(c for c in self.weir.ask("/api/ledger")["journals"][0]["consumers"] if c["name"] == name)
        eventually(lambda: consumer("away")["skipped"] > 0, lambda: consumer("away"))
        self.assertEqual(consumer("out"), {"name": "out", "skipped": 0, "damaged": 0})
        back.set()
        eventually(lambda: consumer("away")["skipped"] + len(away.taken) == len(sent),
                   lambda: (consumer("away"), len(away.taken)), 60)
        self.assertEqual(len(set(away.taken)), len(away.taken))
        self.assertLessEqual(set(away.taken), sent)


if __name__ == "__main__":
    main()
