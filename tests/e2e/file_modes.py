"""What Weir leaves on the disk belongs to its owner alone, whatever umask it was started with, unless `mode` says more."""
import os
import stat

from clients import events, ndjson, post
from stalls import Locked
from weir_process import WeirTest, eventually, main, weir

FLOW = """memory: 256MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, on_malformed: dead_letter, dead_letter: letters }
  read: { type: file, path: "@DIR/input.log", mode: read, acks: stored, checkpoint: "@DIR/data/read.checkpointCHECKPOINT }
journals:
  kept: { type: disk, from: [in], path: "@DIR/data/journal", max_bytes: 64MiBMODE }
sinks:
  lines: { type: file, from: [kept], path: "@DIR/data/lines.ndjson", rotate_size: 100B, on_failure: drop MODE }
  packed: { type: file, from: [in, read], path: "@DIR/data/packed.ndjson.gz", compression: gzip, on_failure: drop MODE }
  letters: { type: file, path: "@DIR/data/letters.ndjson", on_failure: fail MODE }
  table:
    type: sqlite
    from: [in]
    path: "@DIR/data/out.db"
    busy_timeout: 50ms
    on_failure: fail
    queue: { max_events: 20, when_full: spill, spill: { path: "@DIR/data/spill", max_bytes: 64MiBSPILL } }
    breaker: { open: 100ms }
    retry: { base: 20ms, cap: 100ms }
TABLE
admin: { listen: "@ADMIN" }
"""
#                what the flow has to have made before its modes say anything
MADE = ("lines.ndjson", "lines.ndjson.000001", "packed.ndjson.gz", "letters.ndjson", "out.db", "out.db-wal", "out.db-shm",
        "read.checkpoint", "read.checkpoint.lock", "journal", "spill")


class FileModes(WeirTest):
    def flow(self, mode=None):
        text = FLOW.replace("CHECKPOINT", f'", checkpoint_mode: "{mode}"' if mode else '"')
        text = text.replace("TABLE", f'    mode: "{mode}"' if mode else "")
        text = text.replace("SPILL", f', mode: "{mode}"' if mode else "")
        return text.replace("MODE", f', mode: "{mode}"' if mode else "")

    def run_flow(self, umask, mode=None):
        """Every file there is while it runs, and what its mode is."""
        with open(self.path("input.log"), "w") as f:
            f.write('{"id": 1}\n{"id": 2}\n')
        weir = self.start(self.flow(mode), preexec=lambda: os.umask(umask))
        for i in range(3):
            self.assertEqual(post(weir.address, ndjson(events(f"a{i}", 5)) + b"no json\n").status, 202)
        eventually(lambda: weir.graph(sink="table")["stored"] == 15, lambda: weir.graph())
        eventually(lambda: weir.graph(sink="letters")["stored"] == 3, lambda: weir.graph())
        # The next batch finds the file full: one batch of everything would be no reason to rotate.
        eventually(lambda: weir.graph(sink="lines")["stored"] == 15, lambda: weir.graph())
        lock = Locked(self.path("data/out.db"))
        self.addCleanup(lock.release)
        self.assertEqual(post(weir.address, ndjson(events("b", 60))).status, 202)
        eventually(lambda: weir.graph(sink="table")["spill"]["events"] > 0, lambda: weir.graph())
        modes = eventually(self.all_made, lambda: f"{MADE} are there: {sorted(self.modes())}")
        lock.release()
        weir.stop()
        return {**modes, **self.modes()}

    def all_made(self):
        """The modes, of one look that has found everything."""
        modes = self.modes()
        return modes if all(any(file == name or file.startswith(name + "/") for file in modes) for name in MADE) else None

    def modes(self):
        found = {}
        for folder, _, names in os.walk(self.path("data")):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    found[os.path.relpath(path, self.path("data"))] = stat.S_IMODE(os.stat(path).st_mode)
                except FileNotFoundError:
                    pass  # replaced in between
        return found

    def test_under_an_open_umask_nobody_else_may_read_anything(self):
        others = {name: oct(mode) for name, mode in self.run_flow(0).items() if mode != 0o600}
        self.assertEqual(others, {})

    def test_mode_widens_it_also_under_a_closed_umask(self):
        modes = self.run_flow(0o077, "0640")
        inside = {name: oct(mode) for name, mode in modes.items() if mode != 0o640}
        self.assertEqual(inside, {})

    def test_the_starter_is_its_owners_too_and_one_that_is_there_keeps_its_mode(self):
        """People write secrets into it."""
        make = lambda *more: weir("init", "first.yaml", *more, folder=self.folder)[0]
        shown = lambda: oct(stat.S_IMODE(os.stat(self.path("first.yaml")).st_mode))
        self.assertEqual((make(), shown()), (0, oct(0o600)))
        self.assertEqual(make(), 1)
        os.chmod(self.path("first.yaml"), 0o644)
        self.assertEqual((make("--force"), shown()), (0, oct(0o644)))

    def test_a_file_that_is_there_keeps_its_mode(self):
        os.makedirs(self.path("data"))
        for name in ("lines.ndjson", "packed.ndjson.gz", "letters.ndjson", "out.db", "read.checkpoint.lock"):
            with open(self.path("data/" + name), "w"):
                pass
            os.chmod(self.path("data/" + name), 0o644)
        modes = self.run_flow(0o022)
        for name in ("packed.ndjson.gz", "letters.ndjson", "out.db", "out.db-wal", "out.db-shm", "lines.ndjson.000001",
                     "read.checkpoint.lock"):
            self.assertEqual(oct(modes[name]), oct(0o644), name)
        self.assertEqual(oct(modes["lines.ndjson"]), oct(0o600))  # made by the rotation


if __name__ == "__main__":
    main()
