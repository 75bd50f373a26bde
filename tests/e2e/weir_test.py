"""`weir test`: the cases of a configuration, on given time, with a diff that a person can read and an exit code for CI."""
import os
import socket

from weir_process import WeirTest, main, weir

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FLOW = """sources:
  in: { type: http, listen: "127.0.0.1:1" }
stages:
  loud: { type: filter, from: [in], where: .level == "error" }
sinks:
  out: { type: file, from: [loud], path: out.ndjson }
"""


class Test(WeirTest):
    def run_cases(self, text, *more):
        with open(self.path("weir.yaml"), "w") as f:
            f.write(FLOW + text)
        return weir("test", "weir.yaml", *more, folder=self.folder)

    def case(self, event, expect, name="a case"):
        return f"  - name: {name}\n    events: [ {{ into: in, event: {event} }} ]\n    expect: {expect}\n"

    def test_the_example_passes(self):
        code, out, err = weir("test", os.path.join(SOURCE, "examples", "tested-pipeline", "weir.yaml"))
        self.assertEqual((code, err), (0, ""), out)
        self.assertTrue(out.endswith("4 cases, 0 failed\n"), out)

    def test_the_example_of_a_gateway_passes_whatever_listens_where_it_would(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with open(os.path.join(SOURCE, "examples", "gateway", "weir.yaml")) as f:
                text = f.read().replace("127.0.0.1:8000", "127.0.0.1:%d" % taken.getsockname()[1])
            with open(self.path("weir.yaml"), "w") as f:
                f.write(text)
            code, out, err = weir("test", "weir.yaml", folder=self.folder)
        self.assertEqual((code, err), (0, ""), out)
        self.assertTrue(out.endswith("2 cases, 0 failed\n"), out)

    def test_a_case_that_fails_shows_what_was_expected_and_what_came(self):
        passing = self.case("{ level: error }", "{ sinks: { out: [ { level: error } ] }, fates: { stored: 1 } }", "right")
        wrong = self.case("{ msg: x, level: error }", "{ sinks: { out: [ { level: warn } ] }, fates: { filtered: 1 } }", "wrong")
        code, out, err = self.run_cases("tests:\n" + passing + wrong)
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(out, "ok      right\n"
                              "FAILED  wrong  (weir.yaml:11:5)\n"
                              "  sink out: 1 event expected, 1 came\n"
                              '    - {"level":"warn"}\n'
                              '    + {"level":"error","msg":"x"}\n'
                              "  fates\n    - filtered: 1\n    + filtered: 0\n"
                              "2 cases, 1 failed\n")

    def test_nothing_is_opened_or_written(self):
        self.run_cases("tests:\n" + self.case("{ level: error }", "{ sinks: { out: { count: 1 } } }"))
        self.assertEqual(os.listdir(self.folder), ["weir.yaml"])

    def test_hostile_content_is_shown_escaped(self):
        event = '"{\\"level\\":\\"error\\",\\"m\\":\\"\\u202e\\"}"'
        _, out, _ = self.run_cases("tests:\n" + self.case(event, "{ sinks: { out: [] } }", '"a\\e[2Jb"'))
        self.assertIn("\\x1b[2J", out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)

    def test_a_typo_has_its_line_and_column_in_check_too(self):
        text = "tests:\n" + self.case("{ a: 1 }", "{ sinks: { ot: [] } }") + "    finsh: true\n"
        code, _, err = self.run_cases(text)
        self.assertEqual(code, 2)
        self.assertIn("weir.yaml:11:5: tests[1].finsh: unknown key: did you mean finish?", err.replace(";", ":"))
        self.assertIn("did you mean out?", err)
        self.assertEqual(weir("check", "weir.yaml", folder=self.folder)[::2], (2, err))

    def test_a_filter_chooses_cases_by_their_names(self):
        cases = "tests:\n" + self.case("{}", "{ only: true }", "one") + self.case("{}", "{ only: true }", "two")
        self.assertEqual(self.run_cases(cases, "--filter", "tw")[:2], (0, "ok      two\n1 case, 0 failed\n"))
        self.assertEqual(self.run_cases(cases, "--filter", "three")[0], 64)

    def test_no_cases_are_an_error_with_advice(self):
        code, out, err = self.run_cases("")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("has no tests", err)


if __name__ == "__main__":
    main()
