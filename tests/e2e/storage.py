"""Ports, paths, disks and databases that are taken, missing, full, locked or damaged: a clear line, and nothing lost."""
import contextlib
import gzip
import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import threading
import time

from clients import events, ndjson, post
from stalls import Locked, Pending, rows_of
from weir_process import PATIENCE, Weir, WeirTest, eventually, main

CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 32, ack_timeout: 60s }
sinks:
  out:
    from: [in]
    SINK
    queue: { max_events: 100 }
    breaker: { open: 200ms }
    retry: { base: 20ms, cap: 200ms }
admin: { listen: "@ADMIN" }
"""
FILE = CONFIG.replace("SINK", 'type: file\n    path: "@DIR/out.ndjson"')
SQLITE = CONFIG.replace("SINK", 'type: sqlite\n    path: "@DIR/out.db"\n    busy_timeout: 100ms')




class Limited(WeirTest):
    """`ulimit -f`: a write beyond it is a signal that ends a process which does not expect it."""
    MOST = 256 << 10

    def test_a_limit_of_file_sizes_is_a_full_disk_that_says_so_and_not_the_end(self):
        journal = FILE.replace("sinks:", 'journals:\n  kept: { type: disk, from: [in], path: "@DIR/kept", max_bytes: 16MiB }\nsinks:') \
                      .replace("from: [in]\n    type", "from: [kept]\n    on_failure: drop\n    type")
        for config, said in ((FILE, "ulimit -f"), (SQLITE, "out.db"), (journal, "kept")):
            with self.subTest(said):
                w = self.start(config, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (self.MOST, self.MOST)))
                told, n = [], 0
                pad = "x" * 4000

                def is_told():
                    nonlocal n
                    n += 1
                    answer = Pending(w.address, json.dumps({"id": f"{said}{n}", "pad": pad}).encode() + b"\n")
                    if answer.waits(3):
                        return True
                    if answer.result().status == 200:
                        told.append(f"{said}{n}")
                    return answer.result().status == 503
                eventually(is_told, w.log)
                eventually(lambda: said in w.command("why")[1], lambda: w.command("why")[1])
                self.assertFalse(w.exited(), w.log())
                w.kill()
                if config is SQLITE:
                    self.assertLessEqual(set(told), set(rows_of(self.path("out.db"))))
                elif config is FILE:
                    with open(self.path("out.ndjson")) as f:
                        found = {json.loads(line)["id"] for line in f if line.endswith("\n")}
                    self.assertLessEqual(set(told), found)
                    os.remove(self.path("out.ndjson"))


class Starting(WeirTest):
    def fails_to_start(self, config, http=None):
        """One line, exit code 1."""
        weir = Weir(config, self.folder, http=http)
        self.addCleanup(weir.kill)
        weir.spawn()
        self.assertEqual(weir.wait(), 1, weir.log())
        self.assertEqual(len([line for line in weir.lines if re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z error not started: ", line)]), 1, weir.log())
        return weir.log()

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            line = self.fails_to_start(FILE, http=taken.getsockname())
            self.assertIn("source in", line)
            self.assertIn("%s:%d" % taken.getsockname(), line)
            self.assertIn("in use", line)

    def test_an_admin_port_in_use_is_named_before_any_file_exists(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            line = self.fails_to_start(FILE.replace("@ADMIN", "%s:%d" % taken.getsockname()))
            self.assertIn("admin", line)
            self.assertIn("in use", line)
        self.assertFalse(os.path.exists(self.path("out.ndjson")))

    def test_a_second_weir_on_the_same_port_is_refused(self):
        first = self.start(FILE)
        self.assertIn("in use", self.fails_to_start(FILE.replace("out.ndjson", "other.ndjson"), http=first.address))

    def test_a_second_weir_on_the_same_file_is_refused(self):
        self.start(FILE)
        self.assertIn("out.ndjson", self.fails_to_start(FILE))

    def test_a_path_that_cannot_be_written_is_named(self):
        with open(self.path("afile"), "w"):
            pass
        for path in ("@DIR/afile/out", "/proc/nowhere/out", "@DIR"):
            for config, name in ((FILE, "@DIR/out.ndjson"), (SQLITE, "@DIR/out.db")):
                line = self.fails_to_start(config.replace(name, path))
                self.assertIn(path.replace("@DIR", self.folder), line)
                self.assertIn("sink out", line)

    def test_a_file_that_is_no_database_is_an_error_at_start(self):
        with open(self.path("out.db"), "wb") as f:
            f.write(b"this is not a database, it only has its name\n" * 100)
        line = self.fails_to_start(SQLITE)
        self.assertIn("out.db", line)
        self.assertIn("not a database", line)

    def test_a_damaged_database_is_an_error_at_start(self):
        connection = sqlite3.connect(self.path("out.db"))
        connection.execute("create table events (id TEXT PRIMARY KEY NOT NULL, received_at INTEGER NOT NULL, priority TEXT NOT NULL, event TEXT NOT NULL)")
        connection.commit()
        connection.close()
        with open(self.path("out.db"), "r+b") as f:
            f.seek(100)
            f.write(b"\xff" * 1500)
        self.assertIn("out.db", self.fails_to_start(SQLITE))

    def test_a_table_with_other_columns_is_named_with_what_is_needed(self):
        connection = sqlite3.connect(self.path("out.db"))
        connection.execute("create table events (a, b)")
        connection.commit()
        connection.close()
        self.assertIn("table \"events\" has columns (a, b)", self.fails_to_start(SQLITE))


class Running(WeirTest):
    def test_a_locked_database_is_waited_for_and_nothing_is_lost(self):
        weir = self.start(SQLITE)
        self.assertEqual(post(weir.address, ndjson(events("before", 3))).status, 200)
        with Locked(self.path("out.db")):
            pending = [Pending(weir.address, ndjson(events(f"during{n}", 3))) for n in range(4)]
            eventually(lambda: weir.graph(sink="out")["retries"] >= 3, "it tries again and again")
            eventually(lambda: "lock" in weir.graph(sink="out")["why"], lambda: weir.graph(sink="out"))
            self.assertTrue(all(p.waits(0) or p.answer.status == 503 for p in pending))
        answers = [p.result() for p in pending]
        self.assertGreaterEqual(sum(a.status == 200 for a in answers), 1)
        told = {e["id"] for p, n in zip(answers, range(4)) if p.status == 200 for e in events(f"during{n}", 3)}
        self.assertLessEqual(told, set(rows_of(self.path("out.db"))))

    def on_a_small_disk(self, config):
        """Fills it, sees clients refused, frees it, sees everything told to be stored there."""
        disk = self.path("disk")
        os.mkdir(disk)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("a small disk needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        weir = self.start(config)
        self.running_kill_first(weir)
        self.probes = 0
        told = self.post_until(weir, "small", lambda: weir.graph(sink="out")["stored"] >= 100)
        ballast = os.path.join(disk, "ballast")
        with open(ballast, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 4096)
        pending = [Pending(weir.address, ndjson(events(f"full{n}", 20, load="y" * 1000))) for n in range(8)]
        why = eventually(lambda: "space" in weir.graph(sink="out")["why"] and weir.graph(sink="out")["why"], lambda: weir.graph())
        self.assertIn("out", why)
        refused = eventually(lambda: self.refusal(weir), "a newcomer is refused")
        self.assertGreaterEqual(refused.retry_after, 1)
        os.unlink(ballast)
        for n, p in enumerate(pending):
            if p.result().status == 200:
                told |= {e["id"] for e in events(f"full{n}", 20)}
        told |= self.post_until(weir, "after", lambda: weir.graph(sink="out")["stored"] >= 200)
        self.assertGreaterEqual(len(told), 120)
        return told

    def running_kill_first(self, weir):
        self.addCleanup(weir.kill)  # before the umount above, cleanups run backwards

    def refusal(self, weir):
        self.probes += 1  # one that is not answered at once may have been taken
        answer = Pending(weir.address, ndjson(events(f"probe{self.probes}", 20, load="y" * 1000)))
        return None if answer.waits(0.2) or answer.answer.status != 503 else answer.answer

    def post_until(self, weir, name, enough):
        """As an obedient client; the ids it was told are stored."""
        told, n, end = set(), 0, time.monotonic() + 2 * PATIENCE
        while not enough():
            self.assertLess(time.monotonic(), end, weir.graph())
            rows = events(f"{name}{n}", 20, load="z" * 100)
            answer = post(weir.address, ndjson(rows))
            if answer.status == 503:
                eventually(lambda: post(weir.address, b"").status == 200, "the door opens again", answer.retry_after + PATIENCE)
                continue
            self.assertEqual(answer.status, 200, answer)
            told |= {e["id"] for e in rows}
            n += 1
        return told

    def test_a_full_disk_under_a_file_refuses_clients_and_loses_nothing(self):
        told = self.on_a_small_disk(FILE.replace("@DIR/out", "@DIR/disk/out"))
        found = [e["id"] for e in self.lines_of("disk/out.ndjson")]
        self.assertLessEqual(told, set(found))
        self.assertEqual(len(found), len(set(found)))

    def test_a_full_disk_under_a_database_refuses_clients_and_loses_nothing(self):
        told = self.on_a_small_disk(SQLITE.replace("@DIR/out", "@DIR/disk/out"))
        self.assertLessEqual(told, set(rows_of(self.path("disk/out.db"))))


class TakenAway(WeirTest):
    """An oracle: clients push, their file is taken away; each id that was told to be stored is in some file."""

    def push(self, weir, count, told, stop=None):
        """`count` threads as obedient clients, until `stop` is set."""
        def client(name):
            n = 0
            while not stop.is_set():
                rows = events(f"{name}-{n}", 3)
                answer = post(weir.address, ndjson(rows))
                if answer.status == 200:
                    told.extend(e["id"] for e in rows)
                else:
                    time.sleep(0.05)
                n += 1
        threads = [threading.Thread(target=client, args=(f"c{i}",)) for i in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def found(self, text_of):
        found, torn = set(), []
        for name in os.listdir(self.folder):
            if not name.startswith("out.ndjson"):
                continue
            for line in text_of(self.path(name)).split(b"\n"):
                if line.startswith(b"{"):
                    try:
                        found.add(json.loads(line)["id"])
                    except ValueError:
                        torn.append(line)
                elif line and line != b"a note":
                    torn.append(line)
        return found, torn

    def taken_away(self, config, text_of, notes):
        weir = self.start(config)
        told, stop = [], threading.Event()
        threads = self.push(weir, 4, told, stop)
        out, moves = self.path("out.ndjson"), 0
        try:
            for n in range(40):
                before = len(told)
                eventually(lambda: len(told) > before and os.path.exists(out), "clients go on", 20)
                moves += 1
                if n % 3 == 0:  # logrotate, without a signal
                    os.rename(out, f"{out}.r{n}")
                elif n % 3 == 1:  # a cleaner; what was in it is kept by another name
                    os.link(out, f"{out}.k{n}")
                    os.unlink(out)
                elif notes:  # somebody else writes to it
                    with open(out, "ab", buffering=0) as f:
                        f.write(b"a note\n")
                    notes.append(n)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        # Of a file that is taken away while nothing is written (a slow disk may write all the time until here).
        for name in ("before", "behind"):
            self.assertEqual(post(weir.address, ndjson(events(name, 3))).status, 200)
            told.extend(e["id"] for e in events(name, 3))
            if name == "before":
                os.rename(out, f"{out}.rest")
        self.assertEqual(weir.stop(), 0)
        found, torn = self.found(text_of)
        self.assertEqual(moves, 40)
        self.assertLessEqual(set(told), found, "acknowledged and in no file")
        self.assertEqual(torn, [])
        self.assertIn("what comes now goes to a new one", weir.log())

    def test_nothing_acknowledged_is_lost_behind_renames_deletions_and_other_writers(self):
        def text_of(path):
            with open(path, "rb") as f:
                return f.read()
        self.taken_away(FILE, text_of, notes=[-1])

    def test_nothing_acknowledged_is_lost_behind_renames_and_deletions_of_a_packed_file(self):
        def text_of(path):
            with gzip.open(path, "rb") as f:
                return f.read()
        self.taken_away(FILE.replace("type: file", "type: file\n    compression: gzip"), text_of, notes=None)

    def test_a_journal_whose_folder_is_gone_stops_answering_and_says_so(self):
        weir = self.start(CONFIG.replace("SINK", 'type: file\n    on_failure: drop\n    path: "@DIR/out.ndjson"').replace("from: [in]", "from: [j]")
                          .replace("sinks:", 'journals:\n  j: { type: disk, from: [in], path: "@DIR/journal", max_bytes: 16MiB }\nsinks:')
                          .replace("ack_timeout: 60s", "ack_timeout: 2s"))
        eventually(lambda: post(weir.address, ndjson(events("before", 3))).status == 200, "it is stored, at once or when asked again")
        os.rename(self.path("journal"), self.path("elsewhere"))
        self.assertIn(post(weir.address, ndjson(events("during", 3))).status, (503, 504))
        weir.says("was moved or deleted while it was in use")
        os.rename(self.path("elsewhere"), self.path("journal"))
        eventually(lambda: post(weir.address, ndjson(events("after", 3))).status == 200, "it goes on", 20)
        eventually(lambda: {e["id"] for e in self.lines_so_far("out.ndjson")} >= {e["id"] for e in events("after", 3)}, "delivered", 20)


if __name__ == "__main__":
    main()
