"""`weir replay`: what was put aside is sent again, all of it or a part, also when it is interrupted."""
import http.server
import json
import os
import signal
import subprocess
import threading

import weir_process
from clients import events, ndjson, post
from stalls import Locked, rows_of
from weir_process import PATIENCE, WeirTest, eventually, free_port, main, weir

TARGET = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored }
sinks:
  out: { type: file, from: [in], path: "@DIR/replayed.ndjson" }
admin: { listen: "@ADMIN" }
"""
SHEDDING = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted }
journals:
  dead: { type: disk, path: "@DIR/dead", max_bytes: 64MiB, segment: 1MiB }
sinks:
  out:
    type: sqlite
    from: [in]
    path: "@DIR/out.db"
    busy_timeout: 50ms
    batch: { max_events: 20 }
    queue: { max_events: 100, when_full: drop_newest, dead_letter_shed: 100% }
    breaker: { open: 200ms }
    retry: { base: 20ms, cap: 200ms }
    dead_letter: dead
admin: { listen: "@ADMIN" }
"""
LETTERS = 1000


def letter(n, event=None, **fields):
    event = event if event is not None else json.dumps({"id": f"e{n}", "shop": n % 10})
    return {"reason": "sink_rejected", "why": "no", "origin": "out" if n % 2 else "other", "attempts": 1,
            "at_ms": 1_700_000_000_000 + n * 1000, "event": event, **fields}


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers as its server's list says, then 200; keeps what it took."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        status, headers, text = self.server.answers.pop(0) if self.server.answers else (200, {}, "{}")
        if status == 200:
            self.server.taken += [json.loads(line)["id"] for line in body]
        self.server.seen.append((status, len(body)))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(text)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Replay(WeirTest):
    def write_letters(self, letters):
        with open(self.path("dead.ndjson"), "w") as f:
            f.writelines(json.dumps(row) + "\n" for row in letters)

    def target(self):
        w = self.start(TARGET)
        return w, "http://%s:%d/events" % w.address

    def replay(self, url, *more, source="dead.ndjson"):
        return weir("replay", source, "--to", url, *more, folder=self.folder)

    def ids(self):
        return [row["id"] for row in self.lines_so_far("replayed.ndjson")]

    def server(self, *answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        server.answers, server.taken, server.seen = list(answers), [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, "http://127.0.0.1:%d/events" % server.server_port

    def test_all_letters_arrive_once_and_new_ones_are_all_that_is_sent_the_next_time(self):
        self.write_letters([letter(n) for n in range(LETTERS)])
        _, url = self.target()
        code, out, err = self.replay(url, "--rate", "100000/s")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(f"replayed {LETTERS} (stored {LETTERS}), refused 0, skipped 0", out)
        self.assertEqual(self.ids(), [f"e{n}" for n in range(LETTERS)])
        with open(self.path("dead.ndjson"), "a") as f:
            f.write(json.dumps(letter(LETTERS)) + "\n" + '{"reason":"still being wr')
        code, out, _ = self.replay(url)
        self.assertEqual(code, 0)
        self.assertIn("replayed 1 (stored 1)", out)
        self.assertEqual(len(self.ids()), LETTERS + 1)

    def test_a_dry_run_needs_no_target_and_sends_nothing(self):
        self.write_letters([letter(n) for n in range(10)])
        code, out, err = weir("replay", "dead.ndjson", "--dry-run", folder=self.folder)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("would replay 10", out)
        _, url = self.target()
        self.assertEqual(self.replay(url, "--to-seq", "10")[0], 0)
        code, out, _ = weir("replay", "dead.ndjson", "--dry-run", "--to-seq", "10", folder=self.folder)
        self.assertEqual(code, 0)
        self.assertIn("would replay 0", out, "it goes on where the last replay ended")
        self.assertEqual(weir("replay", "dead.ndjson", folder=self.folder)[0], 64)

    def test_letters_that_die_again_are_in_the_exit_code(self):
        self.write_letters([letter(n) for n in range(4)])
        for fate, code in (("dead_lettered", 7), ("dropped", 7), ("filtered", 0)):
            with self.subTest(fate=fate):
                _, url = self.server((200, {}, json.dumps({"events": 4, "fate": fate, "paths": {"stored": 3, fate: 1}})))
                got, out, _ = self.replay(url, "--restart")
                self.assertEqual(got, code, out)
                self.assertIn(f"{fate} 1", out)

    def test_conditions_see_the_letter_and_the_event_in_it(self):
        self.write_letters([letter(n) for n in range(LETTERS)])
        _, url = self.target()
        where = '.reason == "sink_rejected" && .origin == "out" && .event.shop == 3'
        code, out, _ = self.replay(url, "--where", where, "--dry-run")
        self.assertEqual((code, out), (0, "would replay 100, refuse 0, skip 900; nothing was sent\n"))
        self.assertEqual(os.listdir(self.folder).count("dead.ndjson.replay"), 0)
        code, out, _ = self.replay(url, "--where", where)
        self.assertEqual(code, 0)
        self.assertIn("replayed 100 (stored 100), refused 0, skipped 900", out)
        self.assertEqual(self.ids(), [f"e{n}" for n in range(LETTERS) if n % 10 == 3])
        code, _, err = self.replay(url, "--where", ".event.shop == 4")
        self.assertEqual(code, 64)
        self.assertIn("remembers another replay", err)
        code, out, _ = self.replay(url, "--restart", "--since", "2023-11-14T22:13:21Z", "--until", "2023-11-14T22:13:25Z")
        self.assertIn("replayed 5 ", out)
        self.assertEqual(self.ids()[100:], [f"e{n}" for n in range(1, 6)])

    def test_lines_that_cannot_be_replayed_are_told_with_their_reason(self):
        self.write_letters([letter(0), letter(1, event="no json"), {"id": 1}, letter(3, event='{"id":\n"e3"}'),
                            letter(4, event="two\nlines"), letter(5)])
        _, url = self.target()
        code, out, err = self.replay(url)
        self.assertEqual(code, 7)
        self.assertIn("replayed 3 (stored 3), refused 3", out)
        self.assertRegex(err, r"line 2: .*")
        self.assertIn("line 3: it is no dead letter", err)
        self.assertIn("line 5: it has line feeds and is no JSON", err)
        self.assertEqual(self.ids(), ["e0", "e3", "e5"])

    def test_an_interrupted_replay_goes_on_where_it_was(self):
        self.write_letters([letter(n) for n in range(LETTERS)])
        _, url = self.target()
        for stop in (signal.SIGINT, signal.SIGKILL):
            before = len(self.ids())
            process = subprocess.Popen([weir_process.BINARY, "replay", "dead.ndjson", "--to", url, "--rate", "200/s"],
                                       cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            eventually(lambda: len(self.ids()) > before + 100, "some were replayed")
            process.send_signal(stop)
            out = process.communicate(timeout=PATIENCE)[0]
            if stop == signal.SIGINT:
                self.assertEqual(process.returncode, 3)
                self.assertIn("interrupted, goes on at line", out)
                self.assertEqual(len(self.ids()), len(set(self.ids())), "nothing was sent twice")
        self.assertLess(len(self.ids()), LETTERS)
        code, _, err = self.replay(url, "--rate", "200/s".replace("200", "100000"))
        self.assertEqual(code, 0)
        self.assertIn("goes on at", err)
        ids = self.ids()
        self.assertEqual(set(ids), {f"e{n}" for n in range(LETTERS)})
        self.assertLessEqual(len(ids), LETTERS + 500, "at most one batch twice")

    def test_it_waits_when_it_is_asked_to_and_finds_the_one_that_is_refused(self):
        self.write_letters([letter(n) for n in range(10)])
        server, url = self.server((503, {"Retry-After": 1}, ""), (429, {}, ""), (413, {}, ""),
                                  (200, {}, "{}"), (422, {}, '{"lines":[{"line":2,"why":"odd"}]}'))
        code, out, err = self.replay(url)
        self.assertEqual(code, 7)
        self.assertIn("replayed 9, refused 1", out)
        self.assertIn("line 7: odd", err)
        self.assertEqual(server.seen, [(503, 10), (429, 10), (413, 10), (200, 5), (422, 5), (200, 4)])
        self.assertEqual(server.taken, [f"e{n}" for n in range(10) if n != 6])

    def test_it_ends_where_nobody_answers_and_where_the_address_is_wrong(self):
        self.write_letters([letter(n) for n in range(10)])
        code, _, err = self.replay("http://127.0.0.1:%d/events" % free_port(), "--patience", "300ms")
        self.assertEqual(code, 5)
        self.assertIn("the same command goes on", err)
        _, url = self.server((404, {}, ""))
        code, _, err = self.replay(url)
        self.assertEqual(code, 1)
        self.assertIn("answered 404", err)
        self.assertEqual(self.replay("ftp://x")[0], 64)
        self.assertEqual(self.replay(url, "--rate", "fast")[0], 64)

    def test_dead_letters_in_a_journal_are_replayed_until_none_is_missing(self):
        w = self.start(SHEDDING)
        sent = []
        with Locked(self.path("out.db")):
            for n in range(10):
                rows = events(f"p{n}", 100)
                self.assertEqual(post(w.address, ndjson(rows)).status, 202)
                sent += [row["id"] for row in rows]
            eventually(lambda: next(s for s in w.ledger()["sinks"] if s["name"] == "out")["edge"]["offered"] == len(sent),
                       "all have arrived")
        w.assert_balanced()
        _, out, _ = weir("journal", "export", self.path("dead"), "--live", "--where", '.reason == "drop_newest"')
        self.assertGreater(len(out.splitlines()), 100)
        self.assertEqual(w.stop(), 0)
        stored = rows_of(self.path("out.db"))
        _, url = self.target()
        code, out, err = self.replay(url, source="dead")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(stored + self.ids()), sorted(sent))


if __name__ == "__main__":
    main()
