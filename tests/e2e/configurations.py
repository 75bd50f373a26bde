"""Configurations that cannot work: exit code 2 and the exact line, from `check` and from `run`, before anything is opened."""
import os

from weir_process import WeirTest, main, weir

BASE = """memory: 128MiB
sources:
  in: { type: http, listen: "127.0.0.1:0", acks: stored, max_connections: 32 }
sinks:
  out: { type: file, from: [in], path: out.ndjson }
admin: { listen: "127.0.0.1:0" }
"""
FILTERS = "stages:\n  a: { type: filter, from: [%s], where: %s }\n%ssinks:"

# What is replaced, by what, and the line that says so.
CASES = {
    "an unknown key": (
        "max_connections: 32", "max_conections: 32",
        "weir.yaml:3:58: sources.in.max_conections: unknown key; did you mean max_connections?"),
    "an unknown section": (
        "sinks:", "sink:", "weir.yaml:4:1: sink: unknown key; did you mean sinks?"),
    "a size without a unit": (
        "128MiB", "128", "weir.yaml:1:9: memory: '128' has no unit: write 128MiB or 128KB"),
    "a duration without a unit": (
        "max_connections: 32", "max_connections: 32, ack_timeout: 30",
        "weir.yaml:3:92: sources.in.ack_timeout: '30' has no unit: write 30s or 30ms"),
    "a duration for a size": (
        "max_connections: 32", "max_body: 5s",
        "weir.yaml:3:68: sources.in.max_body: '5s' is not a size: write a number and B, KiB, MiB, GiB, KB, MB or GB, as in 64MiB"),
    "an unknown type": (
        "type: file", "type: fil", "weir.yaml:5:16: sinks.out.type: 'fil' is no type of sink; did you mean file?"),
    "a dangling from": (
        "from: [in]", "from: [on]", "weir.yaml:5:28: sinks.out.from: there is no source, stage or journal on; did you mean in?"),
    "a cycle": (
        "sinks:", FILTERS % ("in, b", ".x", "  b: { type: filter, from: [a], where: .y }\n"),
        "weir.yaml:5:28: stages.a.from: events would go round for ever: b -> a -> b: cut one of these"),
    "stored into what only sends": (
        "path: out", "sync: none, path: out",
        "weir.yaml:3:50: sources.in: asks for acks: stored, but sinks.out only sends and never learns what became of it "
        "(type file): use a sink that confirms, or acks: processed"),
    "stored over what drops": (
        "path: out.ndjson", "path: out.ndjson, queue: { when_full: drop_oldest }",
        "weir.yaml:3:50: sources.in: asks for acks: stored, but sinks.out.queue drops (when_full: drop_oldest): use block, "
        "or acks: processed"),
    "stored without a required sink": (
        "type: file", "required: false, queue: { when_full: drop_newest }, type: file",
        "weir.yaml:3:50: sources.in: asks for acks: stored, but it leads to no required sink: use acks: accepted"),
    "a broken expression": (
        "sinks:", FILTERS % ("in", "'.x =='", ""),
        "weir.yaml:5:41: stages.a.where: expected a path or a value\n  .x ==\n       ^"),
    "no YAML": (
        "sources:", "sources: [", "weir.yaml:4:1: this is not YAML: end of sequence flow not found"),
    "an address without a port": (
        "127.0.0.1:0\", acks", "localhost\", acks",
        "weir.yaml:3:29: sources.in.listen: 'localhost' has no port: write HOST:PORT, as in 127.0.0.1:8080"),
    "a dead letter that is not there": (
        "path: out", "dead_letter: nowhere, path: out", "weir.yaml:5:47: sinks.out.dead_letter: there is no sink nowhere"),
    "more workers than a file has": (
        "path: out", "workers: 4, path: out",
        "weir.yaml:5:43: sinks.out.workers: 4 workers, but a sink of type file can have 1: write workers: 1"),
}


class Configurations(WeirTest):
    def write(self, text, name="weir.yaml"):
        with open(self.path(name), "w") as f:
            f.write(text)

    def test_every_mistake_has_its_exact_line(self):
        for what, (old, new, line) in CASES.items():
            self.assertIn(old, BASE)
            self.write(BASE.replace(old, new, 1))
            for command in ("check", "run"):
                with self.subTest(what, command=command):
                    code, out, err = weir(command, "weir.yaml", folder=self.folder)
                    self.assertEqual((code, out), (2, ""), err)
                    self.assertIn("\n" + line + "\n", "\n" + err)
        self.assertEqual(os.listdir(self.folder), ["weir.yaml"], "nothing was opened")

    def test_too_little_memory_says_how_much_is_needed_and_that_is_enough(self):
        self.write(BASE.replace("128MiB", "16MiB"))
        code, _, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertEqual(code, 2)
        self.assertRegex(err, r"^weir.yaml:1:9: memory: 16MiB is too small: parts declare \d+MiB \(largest: .*\) and one request may "
                              r"need \d+MiB: at least \d+MiB is needed\n$")
        self.write(BASE.replace("128MiB", err.split("at least ")[1].split(" ")[0]))
        self.assertEqual(weir("check", "weir.yaml", folder=self.folder)[0], 0)

    def test_all_mistakes_are_shown_in_one_run(self):
        self.write(BASE.replace("128MiB", "128").replace("type: file", "type: fil").replace("acks: stored", "acks: sometimes"))
        code, _, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertEqual(code, 2)
        self.assertEqual([line.split(":")[1] for line in err.splitlines()[:-1]], ["1", "3", "5"], err)
        self.assertEqual(err.splitlines()[-1], "weir: 3 errors")

    def test_a_warning_says_so_once(self):
        self.write(BASE.replace("sinks:", FILTERS % ("in", ".x", "")))
        code, _, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertEqual((code, err), (0, "weir.yaml:5:3: stages.a: warning: leads nowhere: nothing reads from it: name it in a sink's from\n"))

    def test_a_file_that_is_not_there_is_named(self):
        code, _, err = weir("check", "nowhere.yaml", folder=self.folder)
        self.assertEqual(code, 2)
        self.assertIn("nowhere.yaml", err)

    def test_check_says_what_a_good_one_promises(self):
        self.write(BASE)
        code, out, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertEqual((code, err), (0, ""))
        for word in ("Promises", "stored", "Queues", "When I cannot keep up", "503 with Retry-After", "Memory", "128 MiB"):
            self.assertIn(word, out)
        for form in ("--json", "--print", "--graph"):
            self.assertEqual(weir("check", form, "weir.yaml", folder=self.folder)[0], 0)

    def test_print_shows_no_secret_that_stands_in_a_table(self):
        for sink, shown in (
                ("type: http, url: 'http://127.0.0.1:9/', headers: { Authorization: Bearer hunter2, X-Api-Key: hunter2, X-Shop: a }",
                 "headers: { Authorization: <secret>, X-Api-Key: <secret>, X-Shop: a }"),
                ("type: kafka, brokers: '127.0.0.1:9', topic: t, librdkafka: { sasl.password: hunter2, client.rack: a }",
                 "librdkafka: { sasl.password: <secret>, client.rack: a }"),
                ("type: postgres, url: 'postgres://u@127.0.0.1/d', table: t, columns: { token: .token }",
                 "columns: { token: .token }")):
            self.write(BASE.replace("type: file", sink).replace(", path: out.ndjson", "").replace("acks: stored", "acks: accepted"))
            code, printed, err = weir("check", "--print", "weir.yaml", folder=self.folder)
            self.assertEqual(code, 0, err)
            self.assertIn(shown, printed)
            self.assertNotIn("hunter2", printed)

    def test_check_refuses_what_run_refuses_without_opening_anything(self):
        http = 'type: http, listen: "127.0.0.1:0", acks: stored, max_connections: 32'
        generator = "type: generator, rate: 1/s"
        file = "type: file, from: [in], path: out.ndjson"
        for old, new, word in (
                ('listen: "127.0.0.1:0", acks', 'listen: ":8080", acks', "has no host"),
                ('listen: "127.0.0.1:0", acks', 'listen: "::1:8080", acks', "brackets"),
                ("acks: stored, max", "acks: stored, tls_certificate: a.pem, max", "belong together"),
                (http, "type: tcp, tls_key: a.pem, max_connections: 8", "belong together"),
                (http, "type: tcp, receive_buffer: 1KiB, max_connections: 8", "receive_buffer: at least 4KiB"),
                (http, 'type: file, path: "a/**/b.log"', "may be a pattern"),
                (http, "type: file, path: a.log, max_files: 0", "max_files"),
                (http, "type: stdin, priority: { from: .severity }", "one priority"),
                (http, generator.replace("rate: 1/s", 'steps: ["soon"]'), "step"),
                (http, "type: kafka, brokers: ['db:http'], topics: [t], group: g", "sources.in.brokers: db:http is no address"),
                (http, "type: kafka, brokers: ['u:hunter2@db:1'], topics: [t], group: g", "sources.in.brokers: one names a user"),
                (http, "type: kafka, brokers: ['db:1'], topics: ['a b'], group: g", "no name of a topic"),
                (http, "type: kafka, brokers: ['db:1'], topics: [t], group: g, tls_ca: a.pem", "tls_ca without tls"),
                (file, "type: kafka, from: [in], brokers: ['db:1'], topic: t, key: '@topic'", "sinks.out.key"),
                (file, "type: kafka, from: [in], brokers: ['db:1'], topic: t, librdkafka: { client.id: a }", "has an option of its own"),
                (file, "type: postgres, from: [in], url: 'postgres://db/x', table: a.b.c", "sinks.out.table"),
                (file, "type: postgres, from: [in], url: 'postgres://db/x', tls_key: k.pem", "belong together"),
                (file, "type: sqlite, from: [in], path: a.db, id: x", "sinks.out.id"),
                (file, 'type: http, from: [in], url: "ftp://a/"', "sinks.out.url"),
                (file, 'type: http, from: [in], url: "http://a/", tls_ca: a.pem', "sinks.out.tls_ca"),
                (file, 'type: tcp, from: [in], address: "127.0.0.1:1", tls_ca: a.pem', "tls_ca without tls")):
            with self.subTest(new=new):
                self.assertIn(old, BASE)
                text = BASE.replace(old, new)
                if old == file and "tcp" in new:
                    text = text.replace("acks: stored", "acks: accepted")
                self.write(text)
                for command in ("check", "run"):
                    code, _, err = weir(command, "weir.yaml", folder=self.folder)
                    self.assertEqual(code, 2, err)
                    self.assertRegex(err, "^weir.yaml:[0-9]+:[0-9]+: (sources.in|sinks.out)")
                    self.assertIn(word, err)

    def test_check_warns_of_files_that_this_machine_has_not(self):
        http = 'type: http, listen: "127.0.0.1:0", acks: stored, max_connections: 32'
        file = "type: file, from: [in], path: out.ndjson"
        for old, new, option in (
                (http, http + ", tls_certificate: /nowhere/a.pem, tls_key: /nowhere/a.pem", "sources.in.tls_certificate"),
                (file, 'type: http, from: [in], url: "https://a/", tls_ca: /nowhere/a.pem', "sinks.out.tls_ca"),
                (file, "type: kafka, from: [in], brokers: ['db:1'], topic: t, tls: true, tls_ca: /nowhere/a.pem", "sinks.out.tls_ca"),
                (file, "type: postgres, from: [in], url: 'postgres://db/x', password_file: /nowhere/a", "sinks.out.password_file")):
            with self.subTest(option=option, new=new):
                self.write(BASE.replace(old, new))
                code, _, err = weir("check", "weir.yaml", folder=self.folder)
                self.assertEqual(code, 0, err)
                self.assertRegex(err, rf"(?m)^weir.yaml:[0-9]+:[0-9]+: {option}: warning: /nowhere/a\S* cannot be read here: No such file")

    def test_what_other_products_call_a_key_is_known(self):
        self.write(BASE.replace("from: [in]", "inputs: [in]"))
        _, _, err = weir("check", "weir.yaml", folder=self.folder)
        self.assertIn("sinks.out.inputs: unknown key; did you mean from?", err)

    def test_the_version_the_help_of_a_command_and_a_command_that_is_none(self):
        for args in (("--version",), ("version",)):
            self.assertEqual(weir(*args), (0, weir("version")[1], ""))
        for args, words in ((("help",), ("Usage: weir [", "  replay  ", "  why  ")), (("help", "check"), ("Usage: weir check [", "--graph")),
                            (("help", "journal"), ("Usage: weir journal [", "  export  ")),
                            (("help", "journal", "ls"), ("Usage: weir journal ls [", "--live"))):
            code, out, err = weir(*args)
            self.assertEqual((code, err), (0, ""))
            for word in words:
                self.assertIn(word, out)
        for args, meant in ((("chek",), "check"), (("journal", "expor", "x"), "export"), (("help", "chek"), "check")):
            code, _, err = weir(*args)
            self.assertEqual(code, 64)
            self.assertIn(f"did you mean {meant}?", err)

    def test_an_option_that_is_none_is_named(self):
        for args, words in ((("-x",), "weir: there is no option '-x'; `weir help` lists them all"),
                            (("--versoin",), "weir: there is no option '--versoin'; did you mean --version?"),
                            (("check", "--jsno"), "weir check: there is no option '--jsno'; did you mean --json?"),
                            (("journal", "ls", "--lvie=1", "x"), "weir journal ls: there is no option '--lvie'; did you mean --live?"),
                            (("journal", "-x"), "weir journal: there is no option '-x'; `weir help journal` lists them all"),
                            (("run", "-q", "-x"), "weir run: there is no option '-x'; `weir help run` lists them all")):
            code, out, err = weir(*args, folder=self.folder)
            self.assertEqual((code, out), (64, ""), args)
            self.assertEqual(err.strip(), words)

    def test_bad_usage_is_64(self):
        for args in ((), ("walk",), ("check", "--loud"), ("explain", "no_such_reason")):
            self.assertEqual(weir(*args, folder=self.folder)[0], 64, args)

    def test_nobody_at_the_admin_address_is_5(self):
        for command in ("why", "top"):
            code, _, err = weir(command, "--admin", "127.0.0.1:1", folder=self.folder)
            self.assertEqual(code, 5)
            self.assertIn("127.0.0.1:1", err)


if __name__ == "__main__":
    main()
