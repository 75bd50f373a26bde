"""What people get wrong with journals: each mistake has one line that says what, where and what to do, and nothing that was
stored is touched by it."""
import os
import signal

from clients import events, ndjson, post
from weir_process import WeirTest, eventually, main, weir

BASE = """memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64 }
journals:
  log: { type: disk, from: [in], path: "@DIR/log", max_bytes: 16MiB }
sinks:
  a: { type: file, from: [log], path: "@DIR/a.ndjson", on_failure: drop }
  b: { type: file, from: [log], path: "@DIR/b.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""
CASES = {
    "two consumers of one name": (
        "path: \"@DIR/b.ndjson\"", "consumer: a, path: \"@DIR/b.ndjson\"",
        "sinks.b: reads journals.log as consumer a, and so does another: give each a consumer: of its own"),
    "a durability that cannot carry the level": (
        "max_bytes: 16MiB", "max_bytes: 16MiB, durability: interval",
        "sources.in: asks for acks: stored, but journals.log has durability: interval may lose what it has said it has: use "
        "durability: commit, or acks: processed"),
    "a file of it that never fits": (
        "max_bytes: 16MiB", "max_bytes: 16MiB, segment: 32MiB",
        "journals.log.segment: is more than max_bytes: not even one of its files would fit"),
    "two journals in one folder": (
        "sinks:\n", "  two: { type: disk, from: [in], path: \"@DIR/./log\" }\nsinks:\n",
        "/log is where journals.log lives: give each a folder of its own"),
    "a journal inside of another": (
        "sinks:\n", "  two: { type: disk, from: [in], path: \"@DIR/log/two\" }\nsinks:\n",
        "/log, where journals.log lives: give each a folder of its own, neither inside the other"),
    "a file that is the folder of a journal": (
        "path: \"@DIR/b.ndjson\"", "path: \"@DIR/log\"",
        "/log is the folder where journals.log lives: name a file in another folder"),
    "a source that reads the files of a journal": (
        "sources:\n", "sources:\n  raw: { type: file, path: \"@DIR/log/*\", acks: accepted }\n",
        "/log, where journals.log lives: it would take that one's files for events: read journals.log by from: instead"),
    "dropping what a consumer must read": (
        "max_bytes: 16MiB", "max_bytes: 16MiB, when_full: drop_oldest",
        "journals.log.when_full: drops what sinks.a has not read, which may miss nothing: use block, or say sinks.a.consumer: { "
        "when_behind: skip }"),
    "a required consumer that may skip": (
        "path: \"@DIR/b.ndjson\"", "consumer: { when_behind: skip }, path: \"@DIR/b.ndjson\"",
        "sinks.b.consumer: may skip events, but this sink is required: add required: false, or remove when_behind: skip"),
    "dead letters that come back": (
        "path: \"@DIR/b.ndjson\", on_failure: drop", "path: \"@DIR/b.ndjson\", dead_letter: log",
        "sinks.b.dead_letter: its dead letters would come back to it by journals.log: name a sink or journal that does not lead "
        "here"),
    "what is full is the journal": (
        "max_bytes: 16MiB", "max_bytes: 16MiB, queue: { when_full: reject }",
        "journals.log.queue.when_full: is not said of the queue: what is full is the journal: write journals.log.when_full"),
    "a consumer where there is no journal": (
        "from: [log], path: \"@DIR/b.ndjson\"", "from: [in], consumer: b, path: \"@DIR/b.ndjson\"",
        "sinks.b.consumer: reads no journal, so there is no place to keep: remove it"),
    "a refusal for good would come back for ever": (
        "path: \"@DIR/a.ndjson\", on_failure: drop", "path: \"@DIR/a.ndjson\", on_failure: fail",
        "sinks.a: journal log reads again what is not stored, so an event this sink refuses for good would come back for ever: "
        "add dead_letter: or on_failure: drop"),
    "a journal that feeds itself": (
        "from: [in], path: \"@DIR/log\"", "from: [in, log], path: \"@DIR/log\"",
        "journals.log.from: events would go round for ever: log -> log: cut one of these"),
}


class JournalMistakes(WeirTest):
    def check(self, text):
        for name in ("HTTP", "ADMIN"):
            text = text.replace("@" + name, "127.0.0.1:1")
        with open(self.path("check.yaml"), "w") as f:
            f.write(text.replace("@DIR", self.folder))
        return weir("check", "check.yaml", folder=self.folder)

    def test_every_mistake_is_told_with_its_place(self):
        for what, (old, new, line) in CASES.items():
            with self.subTest(what):
                self.assertIn(old, BASE)
                code, _, err = self.check(BASE.replace(old, new, 1))
                self.assertEqual(code, 2, err)
                self.assertRegex(err, r"(?m)^check\.yaml:\d+:\d+: ")
                self.assertIn(line, err)

    def store(self, weir_, name, n=5):
        self.assertEqual(post(weir_.address, ndjson(events(name, n))).status, 200)

    def fails(self, text, said):
        config = text.replace("@HTTP", "127.0.0.1:0").replace("@ADMIN", "").replace("@DIR", self.folder)
        with open(self.path("again.yaml"), "w") as f:
            f.write(config)
        code, _, err = weir("run", "again.yaml", folder=self.folder)
        self.assertNotEqual(code, 0)
        self.assertRegex(err, said)

    def test_a_second_one_on_the_same_folder_is_told_who_has_it(self):
        first = self.start(BASE)
        self.store(first, "x")
        self.fails(BASE, rf"journal log: .*used by process {first.process.pid}")
        self.store(first, "y")

    def test_a_newer_format_is_refused_and_left_as_it_is(self):
        first = self.start(BASE)
        self.store(first, "x")
        self.assertEqual(first.stop(), 0)
        path = self.path("log/journal")
        with open(path, "r+b") as f:
            f.seek(8)
            f.write(b"\x02")
        with open(path, "rb") as f:
            before = f.read()
        self.fails(BASE, r"journal log: .*format version 2; this weir reads version 1")
        with open(path, "rb") as f:
            self.assertEqual(f.read(), before)

    def test_a_path_that_cannot_be_a_folder_is_named(self):
        with open(self.path("log"), "w") as f:
            f.write("a file")
        self.fails(BASE, r"journal log: .*/log.*(Not a directory|File exists)")

    WITHOUT_B = "\n".join(line for line in BASE.splitlines() if not line.startswith("  b:")) + "\n"

    def events_of_b(self):
        with open(self.path("b.ndjson")) as f:
            return f.read().count("\n")

    def test_a_required_consumer_that_is_left_out_finds_its_events_when_it_is_back(self):
        first = self.start(BASE.replace("  b: { type: file, from: [log], path: \"@DIR/b.ndjson\"", "  b: { type: http, from: [log], url: \"http://127.0.0.1:1/x\"")
                           .replace("memory: 128MiB", "memory: 128MiB\ndrain_deadline: 1s"))
        self.store(first, "x", 500)
        first.stop()
        second = self.start(self.WITHOUT_B)
        second.says("nobody reads by the cursor b (500 events behind); they are kept")
        for i in range(20):
            self.store(second, f"y{i}", 500)
        self.assertIn("what it has not read is kept until it is back or forgotten", second.command("why", "log")[1])
        self.assertEqual(second.stop(), 0)
        third = self.start(BASE)
        eventually(lambda: self.events_of_b() == 10_500, "b has all of them")
        self.assertEqual(third.stop(), 0)

    def test_the_journal_fills_for_a_consumer_that_is_left_out_and_names_it_until_it_is_forgotten(self):
        small = BASE.replace("16MiB", "2MiB").replace("stored, max", "stored, ack_timeout: 1s, max")
        without = self.WITHOUT_B.replace("16MiB", "2MiB").replace("stored, max", "stored, ack_timeout: 1s, max")
        self.assertEqual(self.start(small).stop(), 0)
        second = self.start(without)
        statuses = [post(second.address, ndjson(events(f"y{i}", 200, load="z" * 200))).status for i in range(60)]
        self.assertTrue({503, 504} & set(statuses), statuses)
        second.says("weir journal forget " + self.path("log") + " b")
        code, _, err = weir("journal", "forget", self.path("log"), "b")
        self.assertEqual(code, 1)
        self.assertIn("stop that one first", err)
        second.kill()
        self.assertEqual(weir("journal", "forget", self.path("log"), "nobody")[0], 64)
        code, out, _ = weir("journal", "forget", self.path("log"), "b")
        self.assertEqual(code, 0)
        self.assertIn("consumer b is forgotten", out)
        self.assertNotIn("b.cursor", os.listdir(self.path("log")))
        third = self.start(without)
        eventually(lambda: post(third.address, ndjson(events("again", 5))).status == 200, "there is room")

    def test_a_full_journal_is_refused_as_that_and_why_names_who_has_not_read_it(self):
        stuck = (BASE.replace("16MiB", "2MiB, queue: { max_events: 1000 }").replace("stored, max", "stored, ack_timeout: 1s, max")
                 .replace("type: file, from: [log], path: \"@DIR/b.ndjson\"", "type: http, from: [log], url: 'http://127.0.0.1:1/x'"))
        w = self.start(stuck.replace("memory: 128MiB", "memory: 128MiB\ndrain_deadline: 1s"))
        answers = []
        for i in range(100):
            answers.append(post(w.address, ndjson(events(f"y{i}", 200, load="z" * 200))))
            if answers[-1].status == 503:
                break
        refused = answers[-1]
        self.assertEqual((refused.status, refused.json["error"]), (503, "journal_full"), [(a.status, a.json) for a in answers[-3:]])
        self.assertRegex(refused.json["message"], r"sink log: queue \d+/\d+ events <- journal full, waits for its consumers$")
        self.assertTrue({a.json["error"] for a in answers if a.status == 503} <= {"journal_full"})
        for _ in range(20):
            said = w.command("why")[1]
            self.assertRegex(said, r"(?m)^log: held up <- queue .* <- journal full, waits for its consumers <- .*/log is full: .*wait for consumer b")
            self.assertRegex(said, r"(?m)^b: held up <- \d+ events \(.*\) behind in journal log <- .*(trying again|breaker open)")
            self.assertNotRegex(said, r"(?m)^(log|b): (keeps up|idle)")
            self.assertNotIn("retry budget", said)
        w.kill()

    def test_the_file_may_say_that_a_consumer_is_forgotten(self):
        self.assertEqual(self.start(BASE).stop(), 0)
        second = self.start(self.WITHOUT_B.replace("max_bytes: 16MiB", "max_bytes: 16MiB, forget: [b]"))
        second.says("the consumer b is forgotten")
        self.assertNotIn("b.cursor", os.listdir(self.path("log")))
        code, _, err = self.check(BASE.replace("max_bytes: 16MiB", "max_bytes: 16MiB, forget: [b]"))
        self.assertNotEqual(code, 0)
        self.assertIn("journals.log.forget: names b, by which sinks.b reads", err)

    def test_an_optional_consumer_that_is_gone_is_named_and_holds_nothing_up(self):
        first = self.start(BASE.replace("b.ndjson\", ", "b.ndjson\", required: false, consumer: { when_behind: skip }, "))
        self.store(first, "x")
        self.assertEqual(first.stop(), 0)
        second = self.start(self.WITHOUT_B)
        second.says("nobody reads by the cursor b")
        for i in range(40):
            self.store(second, f"y{i}", 500)
        code, out, _ = second.command("why", "log")
        self.assertEqual(code, 0)
        self.assertIn("log: nobody reads by the cursor b; it is kept and holds nothing up", out)
        self.assertIn("b.cursor", os.listdir(self.path("log")))

    def test_a_renamed_sink_keeps_its_place_under_its_consumers_name(self):
        first = self.start(BASE)
        self.store(first, "x")
        eventually(lambda: os.path.exists(self.path("b.ndjson")) and open(self.path("b.ndjson")).read().count("\n") == 5, "b has 5")
        self.assertEqual(first.stop(), 0)
        second = self.start(BASE.replace("  b: {", "  c: { consumer: b,"))
        self.store(second, "y")
        eventually(lambda: open(self.path("b.ndjson")).read().count("\n") == 10, "the renamed sink has 10")
        self.assertEqual(second.stop(), 0)
        with open(self.path("b.ndjson")) as f:
            self.assertEqual(f.read().count("\n"), 10, "nothing came twice")

    def test_lag_is_told_while_a_consumer_is_behind(self):
        text = BASE.replace("type: file, from: [log], path: \"@DIR/b.ndjson\"", "type: http, from: [log], url: 'http://127.0.0.1:1/x'")
        w = self.start(text.replace("memory: 128MiB", "memory: 128MiB\ndrain_deadline: 1s"))
        self.store(w, "x", 50)
        row = lambda: next(c for c in w.graph()["journals"][0]["consumers"] if c["name"] == "b")
        eventually(lambda: row()["lag_events"] > 0 and row()["lag_s"] > 0, row)
        metrics = [line for line in w.get("/metrics")[1].splitlines()
                   if line.startswith("weir_consumer_lag_events{") and 'consumer="b"' in line and 'journal="log"' in line]
        self.assertEqual(len(metrics), 1, metrics)
        self.assertGreater(float(metrics[0].rsplit(" ", 1)[1]), 0)
        self.assertIn("behind", w.command("why", "log:b")[1])
        eventually(lambda: next(c for c in w.graph()["journals"][0]["consumers"] if c["name"] == "a")["lag_events"] == 0, w.graph)
        w.signal(signal.SIGTERM)
        self.assertEqual(w.wait(), 3, "what is left is safe in the journal")


if __name__ == "__main__":
    main()
