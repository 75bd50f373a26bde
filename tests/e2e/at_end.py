"""A run whose input has an end ends with it (at_end: stop)."""
import subprocess
import sys  # noqa: F401

import weir_process
from weir_process import PATIENCE, WeirTest, eventually, main

STDIN = """
memory: 64MiB
sources: { in: { type: stdin } }
sinks: { out: { type: file, from: [in], path: "@DIR/out.ndjson" } }
admin: { listen: "" }
"""
FILE = STDIN.replace("type: stdin", 'type: file, path: "@DIR/in.ndjson"')


class AtEnd(WeirTest):
    def run_with(self, config, text="", within=PATIENCE):
        """Its exit code and what it said; more than `within` seconds are a failure."""
        with open(self.path("weir.yaml"), "w") as f:
            f.write(config.replace("@DIR", self.folder))
        done = subprocess.run([weir_process.BINARY, "run", self.path("weir.yaml")], cwd=self.folder, input=text, text=True,
                              capture_output=True, timeout=within)
        return done.returncode, done.stderr

    def test_standard_input_that_has_ended_ends_the_run_with_everything_delivered(self):
        code, said = self.run_with(STDIN, "".join('{"n":%d}\n' % n for n in range(5000)))
        self.assertEqual(code, 0, said)
        self.assertIn("the input has ended", said)
        self.assertEqual([e["n"] for e in self.lines_of("out.ndjson")], list(range(5000)))

    def test_a_file_that_is_read_once_ends_the_run_with_everything_delivered(self):
        with open(self.path("in.ndjson"), "w") as f:
            f.writelines('{"n":%d}\n' % n for n in range(5000))
        code, said = self.run_with(FILE)
        self.assertEqual(code, 0, said)
        self.assertEqual([e["n"] for e in self.lines_of("out.ndjson")], list(range(5000)))

    def test_a_generator_that_has_made_its_count_ends_the_run_with_everything_delivered(self):
        code, said = self.run_with(STDIN.replace("type: stdin", "type: generator, rate: 100000/s, count: 3000"))
        self.assertEqual(code, 0, said)
        self.assertIn("the input has ended", said)
        self.assertEqual(len(self.lines_of("out.ndjson")), 3000)

    def test_an_end_waits_for_the_slowest_part_behind_it(self):
        code, said = self.run_with(STDIN.replace("sinks:", 'journals: { j: { type: disk, from: [in], path: "@DIR/j" } }\nsinks:')
                                   .replace("from: [in], path: \"@DIR/out", "from: [j], path: \"@DIR/out"), '{"n":1}\n')
        self.assertEqual(code, 0, said)
        self.assertEqual(len(self.lines_of("out.ndjson")), 1)

    def test_a_run_with_a_source_that_has_no_end_goes_on(self):
        for source in ("at_end: wait }", "}\n  gen: { type: generator, rate: 1/s }"):
            with self.subTest(source=source):
                config = STDIN.replace("type: stdin }", "type: stdin, " + source if "wait" in source else "type: stdin " + source)
                config = config.replace("sources: { in", "sources:\n  in").replace("} }\nsinks", "}\nsinks").replace('listen: ""', 'listen: "@ADMIN"')
                if "gen" in source:
                    config = config.replace("from: [in]", "from: [in, gen]")
                w = self.start(config)  # its standard input is this test's, or nothing
                eventually(lambda: w.graph(), "it answers")
                self.assertFalse(w.exited())
                self.assertEqual(w.stop(), 0, w.log())


if __name__ == "__main__":
    main()
