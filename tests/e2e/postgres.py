"""The postgres sink and a server that restarts, hangs up, is full, is slow or disagrees: everything acknowledged is in
the table once, what it refuses is in the dead letters with the reason, and no password is ever printed."""
import os
import subprocess
import tempfile
import threading
import time

from clients import Load, events, ndjson, post
from weir_process import PATIENCE, SKIPPED, Weir, WeirTest, eventually, main, skip

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "postgres")
PASSWORD = "c0rrect-h0rse"
CONFIG = """
memory: 192MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, ack_timeout: 60s }
sinks:
  out:
    type: postgres
    from: [in]
    url: "URL"
    password_file: "@DIR/secret"
    table: orders
    columns: { id: .id text required, n: .n int, raw: event }
    key: [id]
    create: true
    statement_timeout: TIMEOUT
    connect_timeout: 10s
    workers: WORKERS
    batch: { max_events: 100 }
    queue: { max_events: 2000 }
    breaker: { consecutive_failures: 3, open: 200ms }
    retry: { base: 20ms, cap: 200ms }
    dead_letter: dead
  dead: { type: file, path: "@DIR/dead.ndjson" }
admin: { listen: "@ADMIN" }
"""


class Cluster:
    """One for all tests, since starting one takes a second; every test has tables of its own name."""

    def __init__(self, folder, *how):
        self.folder = folder
        # Here processes are killed and no machine: what the system has been given is there, however slow the disk is.
        self.script("up", "--setting", "fsync=off", *how)
        with open(os.path.join(folder, "env")) as f:
            self.env = dict(line.strip().split("=", 1) for line in f)
        self.url = self.env["URL"]

    def script(self, command, *arguments):
        done = subprocess.run([SCRIPT, command, self.folder, *arguments], capture_output=True, text=True, timeout=150)
        if done.returncode == SKIPPED:
            skip(done.stderr.strip())
        assert done.returncode in (0, 3), done.stderr
        return done

    def restart(self, mode):
        self.script("down", "--keep", "--mode", mode)
        self.script("up")

    def command(self, *more):
        return ["psql", "-X", "-q", "-At", "-h", self.folder, "-p", self.env["PGPORT"], "-U", "weir", "-d", "weir",
                "-v", "ON_ERROR_STOP=1", *more]

    def query(self, sql):
        done = subprocess.run(self.command("-c", sql), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def hold(self, sql):
        """A client that has done `sql` and stays."""
        process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        process.stdin.write(sql + "; SELECT 'done';\n")
        process.stdin.flush()
        while process.stdout.readline().strip() != "done":
            assert process.poll() is None, "psql ended"
        return process


class Postgres(WeirTest):
    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp(prefix="weir-postgres-")
        os.chmod(cls.base, 0o711)
        with open(os.path.join(cls.base, "password"), "w") as f:
            f.write(PASSWORD + "\n")
        cls.db = Cluster(os.path.join(cls.base, "cluster"), "--password", os.path.join(cls.base, "password"),
                         "--max-connections", "12")

    @classmethod
    def tearDownClass(cls):
        cls.db.script("down", "--mode", "immediate")
        subprocess.run(["rm", "-rf", cls.base], check=True)

    def setUp(self):
        super().setUp()
        self.db.query("DROP TABLE IF EXISTS orders")
        self.secret(PASSWORD)
        self.addCleanup(self.no_password_was_printed)

    def secret(self, text):
        with open(self.path("secret"), "w") as f:
            f.write(text + "\n")

    def config(self, workers=2, timeout="5s", url=None):
        return (CONFIG.replace("URL", url or self.db.url).replace("WORKERS", str(workers)).replace("TIMEOUT", timeout))

    def no_password_was_printed(self):
        for w in self.running:
            self.assertNotIn(PASSWORD, w.log())

    def rows(self):
        return self.db.query("SELECT id FROM orders")

    def under_load(self, trouble, **config):
        """Clients send while `trouble` happens; afterwards everything they were told is there, and nothing twice."""
        weir = self.start(self.config(**config))
        stop = threading.Event()
        loads = [Load(weir.address, f"c{i}", stop) for i in range(3)]
        eventually(lambda: len(self.rows()) > 100, "the first rows")
        begin = time.monotonic()
        trouble(weir)
        lasted = time.monotonic() - begin
        before = len(self.rows())
        eventually(lambda: len(self.rows()) > before + 200, lambda: f"it goes on afterwards: {weir.graph(sink='out')}")
        stop.set()
        for load in loads:
            load.join(60)
            self.assertFalse(load.is_alive(), weir.graph())
            self.assertEqual(load.odd, [])
        weir.assert_balanced()
        stored, sent = set().union(*(l.stored for l in loads)), set().union(*(l.sent for l in loads))
        found = self.rows()
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(stored - set(found), set(), "told stored and not there")
        self.assertEqual(set(found) - sent, set(), "never sent")
        self.assertFalse(os.path.getsize(self.path("dead.ndjson")), "nothing of it is a dead letter")
        print(f"\n    {len(found)} rows, {weir.graph(sink='out')['retries']} retries, {lasted:.1f} s of trouble", flush=True)
        return weir

    def test_a_fast_restart_loses_and_doubles_nothing(self):
        self.under_load(lambda weir: self.db.restart("fast"))

    def test_an_immediate_restart_loses_and_doubles_nothing(self):
        self.under_load(lambda weir: self.db.restart("immediate"))

    def test_terminated_connections_lose_and_double_nothing(self):
        def terminate(weir):
            for _ in range(5):
                self.db.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'")
                time.sleep(0.1)
        self.under_load(terminate)

    def test_a_locked_table_is_waited_for_and_statements_time_out(self):
        def lock(weir):
            holder = self.db.hold("BEGIN; LOCK TABLE orders")
            try:
                eventually(lambda: "statement_timeout" in weir.graph(sink="out")["why"], lambda: weir.graph(sink="out"))
                time.sleep(3)
            finally:
                holder.stdin.close()
                holder.wait(PATIENCE)
        self.under_load(lock, timeout="300ms")

    def test_a_server_without_a_free_connection_is_waited_for(self):
        self.db.query(f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'plain') THEN CREATE ROLE plain "
                      f"LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO plain; END IF; END $$")

        def fill(weir):
            holders = [self.db.hold("SELECT 1")]

            def take_all():
                holders[0].stdin.write("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir';\n")
                holders[0].stdin.flush()
                while True:
                    try:
                        holders.append(self.db.hold("SELECT 1"))
                    except (AssertionError, BrokenPipeError):
                        return "no connection to spare" in weir.graph(sink="out")["why"]
            try:
                eventually(take_all, lambda: weir.graph(sink="out"))
                time.sleep(1)
            finally:
                for holder in holders:
                    holder.stdin.close()
                    holder.wait(PATIENCE)
        self.under_load(fill, url=self.db.url.replace("weir@", "plain@"), workers=3)

    def test_bad_rows_are_dead_letters_alone_and_with_their_reason(self):
        self.db.query("CREATE TABLE orders (id text PRIMARY KEY, n int CHECK (n < 100), raw jsonb)")
        weir = self.start(self.config())
        rows = events("r", 150, n=7)
        rows[33]["n"] = 1000
        rows[77]["n"] = "seven"
        rows[78] = {"no": "id"}
        rows[140]["n"] = 100
        answer = post(weir.address, ndjson(rows))
        self.assertEqual((answer.stored, answer.count("dead_lettered")), (146, 4), answer)
        self.assertEqual(set(self.rows()), {f"r-{i}" for i in range(150)} - {"r-33", "r-77", "r-78", "r-140"})
        whys = [letter["why"] for letter in sorted(self.lines_of("dead.ndjson"), key=lambda l: l["event"])]
        self.assertEqual(len(whys), 4)
        self.assertEqual(sum("violates check constraint \"orders_n_check\"" in why for why in whys), 2, whys)
        self.assertIn("column n: \"seven\" is no int", whys)
        self.assertIn("column id: it is missing, and required", whys)

    def test_killed_in_the_middle_it_doubles_nothing_that_is_sent_again(self):
        weir = self.start(self.config())
        rows = [events(f"k-{n}", 50, n=n) for n in range(40)]
        for each in rows[:20]:
            self.assertEqual(post(weir.address, ndjson(each)).status, 200)
        weir.kill()
        again = self.start(self.config())
        for each in rows:
            self.assertEqual(post(again.address, ndjson(each)).status, 200)
        found = self.rows()
        self.assertEqual((len(found), len(set(found))), (2000, 2000))

    def test_a_table_that_goes_is_waited_for(self):
        weir = self.start(self.config())
        self.assertEqual(post(weir.address, ndjson(events("a", 5, n=1))).status, 200)
        self.db.query("ALTER TABLE orders RENAME COLUMN n TO m")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(post(weir.address, ndjson(events("b", 5, n=1)))))
        thread.start()
        eventually(lambda: "add the column" in weir.graph(sink="out")["why"], lambda: weir.graph(sink="out"))
        self.db.query("ALTER TABLE orders RENAME COLUMN m TO n")
        thread.join(60)
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(len(self.rows()), 10)

    def fails_to_start(self, config):
        """One line, exit code 1."""
        w = Weir(config, self.folder)
        self.addCleanup(w.kill)
        w.spawn()
        self.assertEqual(w.wait(), 1, w.log())
        said = [line for line in w.lines if " error not started: " in line]
        self.assertEqual(len(said), 1, w.log())
        self.assertNotIn(PASSWORD, w.log())
        return said[0]

    def test_what_cannot_work_is_one_line_at_start(self):
        self.secret("not-" + PASSWORD[::-1])
        self.assertIn('password authentication failed for user "weir": check the user in `url`', self.fails_to_start(self.config()))
        self.secret(PASSWORD)
        absent = self.config().replace("create: true", "create: false")
        self.assertIn('relation "orders" does not exist: create "orders", say `create: true`', self.fails_to_start(absent))
        self.db.query("CREATE TABLE orders (id text PRIMARY KEY, n text, raw jsonb)")
        self.db.query("ALTER TABLE orders DROP COLUMN n")
        self.assertIn('column "n" of relation "orders" does not exist: add the column', self.fails_to_start(self.config()))
        self.db.query("ALTER TABLE orders ADD COLUMN n date")
        self.assertIn('column "n" is of type date but expression is of type integer: correct its type', self.fails_to_start(self.config()))
        inside = self.config(url=self.db.url.replace("weir@", f"weir:wrong-{PASSWORD[:4]}@")).replace('password_file: "@DIR/secret"', "")
        said = self.fails_to_start(inside)
        self.assertNotIn("wrong-", said)

    def test_a_server_that_is_not_there_yet_is_waited_for(self):
        self.db.script("down", "--keep")
        try:
            w = self.start(self.config())
            w.says("starting without it")
        finally:
            self.db.script("up")
        self.assertEqual(post(w.address, ndjson(events("late", 5, n=1))).status, 200)
        self.assertEqual(len(self.rows()), 5)


def setUpModule():
    if not os.path.exists("/usr/lib/postgresql/15/bin/initdb") and "WEIR_POSTGRES_BIN" not in os.environ:
        skip("there is no PostgreSQL 15 here: install postgresql-15")


if __name__ == "__main__":
    main()
