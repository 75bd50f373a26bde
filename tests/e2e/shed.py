"""A queue that drops writes what it drops to its dead letters, all of it or a share; the events themselves stay dropped."""
import json
import os

from clients import events, ndjson, post
from stalls import Locked, rows_of
from weir_process import WeirTest, eventually, main, weir

CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted }
sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    busy_timeout: 50ms
    batch: { max_events: 20 }
    queue: { max_events: 100, when_full: drop_newest, order: ORDER, dead_letter_shed: SHARE }
    breaker: { open: 200ms }
    retry: { base: 20ms, cap: 200ms }
    dead_letter: dead
  dead: { type: file, path: "@DIR/dead.ndjson" }
admin: { listen: "@ADMIN" }
"""
POSTS, EACH = 30, 100
STAGE = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: processed }
stages:
  some: { type: throttle, from: [in], rate: 1/h, burst: 5, when_over: shed, dead_letter: TARGET }
JOURNAL
sinks:
  out: { type: file, from: [some], path: "@DIR/out.ndjson" }
  dead: { type: file, path: "@DIR/dead.ndjson"DEAD }
admin: { listen: "@ADMIN" }
"""


class Shed(WeirTest):
    def shed(self, share, order="fifo"):
        """Sends to a sink that stands still, lets it go on, and stops. Ids: sent, stored, in letters; and the ledger."""
        w = self.start(CONFIG.replace("SHARE", share).replace("ORDER", order))
        sent = []
        with Locked(self.path("out.db")):
            for n in range(POSTS):
                rows = events(f"p{n}", EACH)
                self.assertEqual(post(w.address, ndjson(rows)).status, 202)
                sent += [row["id"] for row in rows]
            eventually(lambda: self.out(w)["edge"]["offered"] == len(sent), lambda: f"all have arrived: {w.ledger()}")
        ledger = w.assert_balanced()
        self.assertEqual(w.stop(), 0)
        with open(self.path("dead.ndjson")) as f:
            letters = [json.loads(line) for line in f]
        stored = rows_of(self.path("out.db"))
        out = next(s for s in ledger["sinks"] if s["name"] == "out")
        return sent, stored, letters, out

    @staticmethod
    def out(w):
        return next(s for s in w.ledger()["sinks"] if s["name"] == "out")

    def test_every_event_that_is_shed_is_found_in_the_dead_letters_with_its_reason(self):
        sent, stored, letters, out = self.shed("100%")
        self.assertGreater(len(letters), len(sent) // 2)
        self.assertEqual(sorted(stored + [json.loads(letter["event"])["id"] for letter in letters]), sorted(sent))
        for letter in letters:
            self.assertEqual((letter["reason"], letter["origin"], letter["attempts"]), ("drop_newest", "out", 0))
        self.assertEqual(out["reasons"], {"drop_newest": len(letters)}, "none was given up")
        self.assertEqual(out["edge"]["dropped"], {"drop_newest": len(letters)}, "the events are dropped all the same")

    def test_the_same_holds_where_the_newest_goes_first(self):
        sent, stored, letters, _ = self.shed("100%", "adaptive_lifo")
        self.assertEqual(sorted(stored + [json.loads(letter["event"])["id"] for letter in letters]), sorted(sent))

    def test_of_a_tenth_a_tenth_is_found(self):
        sent, stored, letters, _ = self.shed("10%")
        dropped = len(sent) - len(stored)
        self.assertAlmostEqual(len(letters) / dropped, 0.1, delta=0.03)
        self.assertFalse(set(stored) & {json.loads(letter["event"])["id"] for letter in letters})

    def through_a_stage(self, target, journal="", dead=""):
        w = self.start(STAGE.replace("TARGET", target).replace("JOURNAL", journal).replace("DEAD", dead))
        sent = events("x", 40)
        for row in sent:
            self.assertEqual(post(w.address, ndjson([row])).status, 200)
        lines = lambda name: open(self.path(name)).read().splitlines() if os.path.exists(self.path(name)) else []
        eventually(lambda: len(lines("out.ndjson")) + len(lines("dead.ndjson")) == len(sent), lambda: w.ledger())
        stage = w.ledger()["stages"][0]
        self.assertEqual(w.stop(), 0)
        kept = [json.loads(line)["id"] for line in lines("out.ndjson")]
        letters = [json.loads(line) for line in lines("dead.ndjson")]
        self.assertEqual(len(kept), 5)
        self.assertEqual(sorted(kept + [json.loads(letter["event"])["id"] for letter in letters]), sorted(row["id"] for row in sent))
        for letter in letters:
            self.assertEqual((letter["reason"], letter["origin"], letter["attempts"]), ("throttled", "some", 0))
        self.assertEqual((stage["consumed"]["dropped"], stage["reasons"]), (35, {"throttled": 35}), "dropped all the same")

    def test_what_a_stage_drops_is_found_in_its_dead_letters(self):
        self.through_a_stage("dead")

    def test_a_journal_keeps_the_letters_of_a_stage(self):
        self.through_a_stage("letters", 'journals:\n  letters: { type: disk, path: "@DIR/letters", max_bytes: 16MiB }',
                             ", from: [letters], on_failure: drop")

    def test_without_a_dead_letter_it_is_an_error_with_its_line(self):
        config = "\n".join(row for row in CONFIG.splitlines() if "dead_letter: dead" not in row)
        config = config.replace("SHARE", "10%").replace("ORDER", "fifo").replace("@HTTP", "127.0.0.1:1").replace(
            "@ADMIN", "127.0.0.1:2").replace("@DIR", self.folder)
        with open(self.path("bad.yaml"), "w") as f:
            f.write(config)
        code, out, err = weir("check", self.path("bad.yaml"))
        self.assertNotEqual(code, 0)
        self.assertRegex(out + err, r"bad\.yaml:12:\d+: sinks\.out\.queue\.dead_letter_shed: .*no dead_letter is named")


if __name__ == "__main__":
    main()
