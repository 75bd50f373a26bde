"""Files and standard streams as people use them: a log that is followed, a pipe in, a pipe out, a reader that leaves."""
import json
import os
import signal
import subprocess

import weir_process
from weir_process import PATIENCE, WeirTest, eventually, main, weir

FOLLOW = """memory: 64MiB
sources: { log: { type: file, path: app.log, mode: follow, acks: stored, poll: 20ms } }
sinks: { out: { type: file, from: [log], path: out.ndjson, on_failure: drop } }
admin: { listen: "@ADMIN" }
"""
PIPE = """memory: 64MiB
sources: { in: { type: stdin } }
sinks: { out: { type: stdout, from: [in], format: %s } }
admin: { listen: "127.0.0.1:0" }
"""


class Follow(WeirTest):
    def lines(self, *names):
        with open(self.path("app.log"), "a") as f:
            f.writelines(json.dumps({"id": name}) + "\n" for name in names)

    def found(self):
        return [line["id"] for line in self.lines_so_far("out.ndjson")]

    def test_goes_on_after_a_stop_and_a_rotation_with_nothing_lost_or_doubled(self):
        self.lines("a", "b")
        w = self.start(FOLLOW)
        eventually(lambda: self.found() == ["a", "b"], self.found)
        self.assertEqual(w.stop(), 0, w.log())
        self.lines("c")
        os.rename(self.path("app.log"), self.path("app.log.1"))
        self.lines("d")
        self.start(FOLLOW)
        eventually(lambda: sorted(self.found()) == ["a", "b", "c", "d"], self.found)

    def test_a_damaged_checkpoint_is_refused_by_name(self):
        self.lines("a")
        with open(self.path(".app.log.checkpoint"), "w") as f:
            f.write("1 2 3\n\x1b[2J")
        with open(self.path("weir.yaml"), "w") as f:
            f.write(FOLLOW.replace("@ADMIN", "127.0.0.1:0"))
        code, _, err = weir("run", "weir.yaml", folder=self.folder)
        self.assertNotEqual(code, 0)
        self.assertIn(".app.log.checkpoint: is damaged or no checkpoint: delete it", err)
        self.assertNotIn("\x1b[2J", err)


class Pipes(WeirTest):
    def run_pipe(self, form):
        with open(self.path("pipe.yaml"), "w") as f:
            f.write(PIPE % form)
        process = subprocess.Popen([weir_process.BINARY, "run", "pipe.yaml"], cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        return process

    def test_lines_go_in_and_out_and_logs_stay_apart(self):
        process = self.run_pipe("json")
        process.stdin.write(b'{"a":1}\nnot json\n{"a":2}')
        process.stdin.close()
        process.stdin = None
        self.assertEqual([process.stdout.readline() for _ in range(3)], [b'{"a":1}\n', b"not json\n", b'{"a":2}\n'])
        out, err = process.communicate(timeout=PATIENCE)  # it ends with its input; a signal now would only hurry it
        self.assertEqual((process.returncode, out), (0, b""), err)

    def test_pretty_shows_what_a_terminal_would_obey(self):
        process = self.run_pipe("pretty")
        process.stdin.write(b"a\x1b[2J\xe2\x80\xae\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"a\\x1b[2J\\u{202e}\n")

    def test_a_reader_that_leaves_is_said_once_and_holds_nothing_up(self):
        process = self.run_pipe("text")
        process.stdin.write(b"one\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"one\n")
        process.stdout.close()
        for n in range(5):
            process.stdin.write(b"lost\n")
            process.stdin.flush()
        said = []
        eventually(lambda: said.append(process.stderr.readline()) or b"has gone" in said[-1], "the log says so")
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        process.wait(20)
        self.assertNotEqual(process.returncode, -signal.SIGKILL)
        self.assertLessEqual((b"".join(said) + rest).count(b"whoever read standard output has gone"), 2, rest)


if __name__ == "__main__":
    main()
