"""What a newcomer types: the commands of the starter configuration and of the README, word for word but for the ports."""
import os
import re
import socket
import subprocess
import time

from weir_process import Weir, WeirTest, free_port, main, needs, weir

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Quickstart(Weir):
    """Runs a configuration that is already there, as it stands."""

    def __init__(self, folder, file, admin):
        super().__init__("", folder)
        self.file, self.admin = file, admin

    def spawn(self):
        self.launch()


class Newcomer(WeirTest):
    def setUp(self):
        super().setUp()
        needs("curl", "sqlite3")
        self.ports = {"127.0.0.1:8080": f"127.0.0.1:{free_port()}", "127.0.0.1:9600": f"127.0.0.1:{free_port()}"}

    def elsewhere(self, text):
        for usual, ours in self.ports.items():
            text = text.replace(usual, ours)
        return text

    def runs(self, file):
        host, port = self.ports["127.0.0.1:9600"].split(":")
        w = Quickstart(self.folder, file, (host, int(port)))
        self.running.append(w)
        return w.start()

    def types(self, line):
        """As in a shell; what it prints."""
        done = subprocess.run(self.elsewhere(line), shell=True, cwd=self.folder, text=True, capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0, (line, done.stderr))
        return done.stdout

    def sees_its_event(self, commands):
        curl = next(line for line in commands if line.startswith("curl "))
        query = next(line for line in commands if line.startswith("sqlite3 "))
        sent = re.search(r"-d '([^']*)'", curl).group(1)
        self.assertIn('"stored"', self.types(curl))
        rows = self.types(query).splitlines()
        self.assertEqual(len(rows), 1)
        self.assertTrue(rows[0].endswith(sent), rows)
        self.types(curl)
        self.assertEqual(self.types(query).splitlines(), rows, "an event sent twice stands there once")

    def test_a_usual_admin_port_that_is_taken_is_a_warning_and_one_that_was_written_an_error(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", 9600))
                taken.listen()
            except OSError:
                pass  # somebody else has it: as good
            flow = "memory: 64MiB\nsources: { in: { type: generator, rate: 1/s } }\nsinks: { out: { type: blackhole, from: [in] } }\n"
            w = Weir(flow, self.folder)
            self.running.append(w)
            w.spawn()
            line = w.says("this weir takes")
            self.assertIn("127.0.0.1:9600 is in use", line)
            w.admin = ("127.0.0.1", int(re.search(r"this weir takes 127\.0\.0\.1:(\d+)", line).group(1)))
            w.says(" ready")
            self.assertEqual(len(w.graph()["sinks"]), 1)
            w.write(flow + 'admin: { listen: "127.0.0.1:9600" }\n')
            code, _, err = weir("run", w.file, folder=self.folder)
            self.assertEqual(code, 1)
            self.assertIn("127.0.0.1:9600 is in use", err)

    def test_init_check_run_and_the_lines_it_prints(self):
        began = time.monotonic()
        code, out, _ = weir("init", folder=self.folder)
        self.assertEqual(code, 0)
        self.assertIn("weir check weir.yaml && weir run weir.yaml", out)
        with open(self.path("weir.yaml")) as f:
            text = f.read()
        self.assertEqual(weir("init", folder=self.folder)[0], 1, "it does not overwrite")
        code, out, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("stored", out)
        with open(self.path("weir.yaml"), "w") as f:
            f.write(self.elsewhere(text))
        w = self.runs("weir.yaml")
        self.sees_its_event([line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#   ")])
        code, out, _ = w.command("why")
        self.assertEqual((code, out.splitlines()[0]), (0, "events: nothing holds it up"))
        code, out, _ = w.command("top", "--times", "1")
        self.assertEqual(code, 0)
        self.assertIn("archive", out)
        self.assertLess(time.monotonic() - began, 20)

    def test_the_readme_word_for_word(self):
        with open(os.path.join(SOURCE, "README.md")) as f:
            readme = f.read()
        commands = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.S) for line in block.splitlines()]
        example = re.search(r"`(examples/quickstart/[^`]+)`", readme).group(1)
        with open(os.path.join(SOURCE, example)) as f, open(self.path("quickstart.yaml"), "w") as mine:
            mine.write(self.elsewhere(f.read()))
        self.runs("quickstart.yaml")
        self.sees_its_event(commands)

    def test_every_reason_can_be_explained(self):
        code, out, _ = weir("explain")
        self.assertEqual(code, 0)
        reasons = [line.split()[0] for line in out.splitlines()[1:] if line and not line.startswith("`")]
        self.assertIn("flow_full", reasons)
        for reason in reasons:
            code, out, _ = weir("explain", reason)
            self.assertEqual(code, 0)
            self.assertTrue(out.startswith(reason + ": "))
            self.assertGreaterEqual(len(out.splitlines()), 2)


if __name__ == "__main__":
    main()
