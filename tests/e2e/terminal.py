"""`weir top` and `weir tap` as people meet them: in a terminal, resized, with keys; on a pipe; and with names, events and
errors that would like to drive the terminal.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import weir_process
from weir_process import PATIENCE, WeirTest, eventually, main, weir

CONFIG = """memory: 128MiB
sources:
  load: { type: generator, rate: 2000/s }
stages:
  some: { type: filter, from: [load], where: '.n > 10' }
sinks:
  out: { type: blackhole, from: [some], rate: 100000/s }
admin: { listen: "@ADMIN" }
"""
HOSTILE = """memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", max_connections: 16 }
sinks:
  out: { type: file, from: [in], path: out.ndjson, sync: none }
admin: { listen: "@ADMIN" }
"""
# What top may send: where to write, how it looks, which screen. Everything else would be somebody else's doing.
ALLOWED = re.compile(rb"\033\[(\?(1049|25|7)[hl]|[HJK]|\d*m)")


class Pty:
    """A command in a terminal of its own."""

    def __init__(self, args, rows=24, columns=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(weir_process.BINARY, [weir_process.BINARY, *args])
        self.said = b""
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.fd], [], [], 0.02)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return self
            if not piece:
                return self
            self.said += piece
        return self

    def page(self):
        """The last whole page, without how it looks."""
        pages = self.read().said.split(b"\033[H")
        whole = [p for p in pages if p.rstrip(b"\r\n").endswith(b"\033[J")]
        return re.sub(rb"\033\[[^a-zA-Z]*[a-zA-Z]", b"", whole[-1]).decode().replace("\r", "") if whole else ""

    def shows(self, text):
        eventually(lambda: text in self.page(), lambda: f"{text!r} in\n{self.page()}")
        return self.page()

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def code(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("it did not end")


class Top(WeirTest):
    def top(self, w, *args, **size):
        return Pty(["top", "--admin", "%s:%d" % w.admin, "--interval", "0.2", *args], **size)

    def test_keys_select_explain_pause_and_leave(self):
        w = self.start(CONFIG)
        t = self.top(w)
        page = t.shows("reads")
        for word in ("SOURCE", "STAGE", "SINK", "QUEUE", "ledger ok", "budget", "> load", "q quit"):
            self.assertIn(word, page)
        t.press("jj")
        t.shows("> out")
        t.press("k\033[A")
        t.shows("> load")
        t.press("\r")
        t.shows("source load")
        t.press("\033")
        t.shows("SINK")
        t.press("h")
        t.shows("select a row")
        t.press("hps")
        t.shows("paused: p goes on")
        t.shows("sort: rate")
        t.press("q")
        self.assertEqual(t.code(), 0)
        self.assertTrue(t.said.rstrip().endswith(b"\033[?1049l"), t.said[-80:])

    def test_it_fits_every_size_it_is_given(self):
        w = self.start(CONFIG)
        t = self.top(w)
        t.shows("> load")
        for rows, columns in ((10, 40), (5, 20), (40, 200), (1, 1)):
            t.resize(rows, columns)
            eventually(lambda: len(t.page().split("\n")) == (rows if rows >= 3 else 1) and max(map(len, t.page().split("\n"))) <= columns,
                       lambda: f"a page of {columns}x{rows}:\n{t.page()}")
        t.press("\x03")
        self.assertEqual(t.code(), 0)

    def test_colour_is_for_those_who_want_it(self):
        w = self.start(CONFIG)
        os.environ["NO_COLOR"] = "1"
        try:
            t = self.top(w)
        finally:
            del os.environ["NO_COLOR"]
        t.shows("> load")
        t.press("q")
        self.assertEqual(t.code(), 0)
        self.assertNotRegex(t.said, rb"\033\[3\dm")

    def test_on_a_pipe_it_is_plain_text(self):
        w = self.start(CONFIG)
        code, out, err = w.command("top", "--once", "--interval", "0.3")
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn("\033", out)
        self.assertRegex(out, r"(?m)^  load +\d+")

    def test_it_says_so_when_weir_has_gone(self):
        w = self.start(CONFIG)
        t = self.top(w)
        t.shows("> load")
        self.assertEqual(w.stop(), 0)
        t.shows("no answer")
        os.kill(t.pid, signal.SIGTERM)
        self.assertEqual(t.code(), 0)


class Tap(WeirTest):
    def test_every_edge_can_be_looked_at(self):
        w = self.start(CONFIG)
        for edge in ("load", "some", "out"):
            code, out, err = w.command("tap", edge, "--limit", "3")
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(len([line for line in out.splitlines() if '"id":"g-1-' in line]), 3)

    def test_each_output_of_a_route_can_be_looked_at(self):
        w = self.start(CONFIG.replace("type: filter, from: [load], where: '.n > 10'", "type: route, from: [load], outputs: { round: 'contains(.id, \"0\")' }")
                       .replace("from: [some]", "from: [some.round, some.unmatched]"))
        for edge, fits in (("some.round", lambda id: "0" in id), ("some.unmatched", lambda id: "0" not in id)):
            code, out, err = w.command("tap", edge, "--limit", "3")
            self.assertEqual((code, err), (0, ""))
            ids = re.findall(r'"id":"([^"]*)"', out)
            self.assertEqual(len(ids), 3)
            self.assertTrue(all(map(fits, ids)), (edge, ids))

    def test_it_samples_filters_and_hides(self):
        w = self.start(CONFIG)
        code, out, _ = w.command("tap", "load", "--limit", "3", "--sample", "1/10", "--redact", ".pad,n", "--where", '.priority == "normal"')
        self.assertEqual(code, 0)
        for line in out.splitlines():
            self.assertIn('"n":"<redacted>"', line)
            self.assertIn('"pad":"<redacted>"', line)

    def test_what_is_wrong_is_said_in_one_line(self):
        w = self.start(CONFIG)
        for args, word in ((("nope",), "there are: load, out, some"), (("load", "--where", ".x =="), "expected"), (("load", "--sample", "0"), "1/100")):
            code, out, err = w.command("tap", *args)
            self.assertEqual((code, out), (64, ""), err)
            self.assertIn(word, err)
        self.assertEqual(weir("tap", "load", "--admin", "127.0.0.1:1")[0], 5)

    def post(self, w, body):
        import http.client
        connection = http.client.HTTPConnection(*w.address, timeout=PATIENCE)
        connection.request("POST", "/events", body)
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_hostile_events_reach_a_pipe_as_they_are_and_a_terminal_as_text(self):
        w = self.start(HOSTILE)
        event = '{"a":"\u202e\u009b2J","password":"hunter2"}'
        t = Pty(["tap", "in", "--admin", "%s:%d" % w.admin, "--limit", "1"])

        def seen():
            self.post(w, event.encode())
            return b"\n" in t.read().said
        eventually(seen, "the event is shown")
        self.assertEqual(t.code(), 0)
        self.assertIn(b"\\u{202e}\\u{9b}2J", t.said)
        self.assertNotIn("\u009b".encode(), t.said)
        self.assertNotIn(b"hunter2", t.said)

    def test_top_sends_nothing_to_the_terminal_that_is_not_its_own(self):
        w = self.start(HOSTILE)
        t = Pty(["top", "--admin", "%s:%d" % w.admin, "--interval", "0.2"])
        t.shows("> in")
        t.press("jq")
        self.assertEqual(t.code(), 0)
        self.assertNotIn(b"\033", ALLOWED.sub(b"", t.said))


if __name__ == "__main__":
    main()
