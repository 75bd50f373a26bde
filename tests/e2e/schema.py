"""`weir schema` against the loader: what is right for one is right for the other, and neither knows a key the other does
not. Completion and the man page are made from the same definition as `--help`, so they are looked at here too.
"""
import glob
import json
import os
import re
import subprocess

import weir_process
from weir_process import WeirTest, main, needs, skip, weir

try:
    import jsonschema
    import yaml
except ImportError as error:
    missing = error.name
else:
    missing = None

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BASE = """memory: 128MiB
sources:
  in: { type: http, listen: "127.0.0.1:0", acks: stored, max_connections: 32 }
sinks:
  out: { type: file, from: [in], path: out.ndjson }
admin: { listen: "127.0.0.1:0" }
"""

def gateway(upstream='endpoints: ["127.0.0.1:1"]', route="match: { path: /** }, to: shop", more=""):
    """In place of `admin:`, with it behind."""
    return ("upstreams:\n  shop: { max_connections: 16, " + upstream + " }\ngateways:\n  edge: { listen: \"127.0.0.1:2\", "
            "max_connections: 16, routes: [ { " + route + " } ]" + more + " }\nadmin:")


# Wrong in a way that a schema can know: both must refuse. What is replaced, by what.
WRONG = {
    "an unknown key at the top": ("memory:", "memry:"),
    "an unknown key of a source": ("acks:", "ack:"),
    "an option of another type": ("path: out.ndjson", "path: out.ndjson, table: x"),
    "an unknown type": ("type: file", "type: fil"),
    "no type": ("type: file, ", ""),
    "a required option left out": (", path: out.ndjson", ""),
    "a size without a unit": ("128MiB", "128"),
    "a size with a unit of time": ("128MiB", "128s"),
    "a duration without a unit": ("32 }", "32, ack_timeout: 30 }"),
    "a choice that is none": ("acks: stored", "acks: sometimes"),
    "words for a count": ("32 }", "many }"),
    "a list for a value": ("32 }", "[32] }"),
    "a map for a value": ("acks: stored", "acks: { a: b }"),
    "a ratio above one": ("path: out", "queue: { pause_at: 80 }, path: out"),
    "an unknown key of a queue": ("path: out", "queue: { max_event: 80 }, path: out"),
    "an unknown key of a breaker": ("path: out", "breaker: { opens: 1s }, path: out"),
    "a rate without its time": ("path: out", "retry: { budget: { minimum: 10 } }, path: out"),
    "neither true nor false": ("path: out", "required: maybe, path: out"),
    "a name with capitals": ("  out:", "  Out:"),
    "no name in from": ("[in]", "[]"),
    "an address without a port": ('"127.0.0.1:0", acks', "localhost, acks"),
    "an unknown guard": ("acks:", "guards: { rates: 100/s }, acks:"),
    "a rate without a limit": ("acks:", "guards: { rate: { burst: 5 } }, acks:"),
    "a rate counted in an unknown way": ("acks:", "guards: { rate: { limit: 5/s, algorithm: bucket } }, acks:"),
    "shares of nobody": ("acks:", "guards: { fairness: { tenants: 5 } }, acks:"),
    "an unknown way to find a limit": ("acks:", "guards: { concurrency: { algorithm: best } }, acks:"),
    "an unknown priority": ("acks:", "priority: { from: .x, default: highest }, acks:"),
    "an unknown key of an upstream": ("admin:", gateway('endpoints: ["127.0.0.1:1"], queues: {}')),
    "an upstream without endpoints": ("admin:", gateway("concurrency: 5")),
    "a concurrency that is none": ("admin:", gateway('endpoints: ["127.0.0.1:1"], concurrency: much')),
    "a route that leads nowhere": ("admin:", gateway(route="match: { path: / }")),
    "a route that matches nothing": ("admin:", gateway(route="match: { methods: [GET] }, to: shop")),
    "an unknown key of a gateway": ("admin:", gateway(more=", half_closed: serve")),
    "a gateway without routes": ("admin:", "gateways: { edge: { listen: \"127.0.0.1:2\" } }\nadmin:"),
    "an unknown alert": ("admin:", "alerts: { rules: { lags: off } }\nadmin:"),
    "an alert that is neither off nor a map": ("admin:", "alerts: { rules: { lag: never } }\nadmin:"),
    "an alert without a number that has one": ("admin:", "alerts: { rules: { ledger: { above: 5 } } }\nadmin:"),
    "a severity that is none": ("admin:", "alerts: { rules: { lag: { severity: page } } }\nadmin:"),
    "a receiver of no type": ("admin:", "alerts: { receivers: { ops: { url: 'http://127.0.0.1:1/' } } }\nadmin:"),
    "a receiver with the keys of a sink": ("admin:", "alerts: { receivers: { ops: { type: http, url: 'http://127.0.0.1:1/', workers: 3 } } }\nadmin:"),
    "a priority from nowhere": ("acks:", "priority: { default: high }, acks:"),
}
# Right, each in one of the forms that the loader allows.
RIGHT = {
    "as it is": ("", ""),
    "a variable": ("128MiB", "${MEM:-128MiB}"),
    "a variable for a choice": ("acks: stored", "acks: \"${ACKS:-stored}\""),
    "an automatic size": ("128MiB", "auto"),
    "one name for a list": ("[in]", "in"),
    "a ratio in percent": ("path: out", "queue: { pause_at: 80%, resume_at: 0.2 }, path: out"),
    "a section or a value": ("path: out", "queue: { codel: false }, retry: { budget: 10% }, workers: 1, path: out"),
    "a section instead of a value": (
        "path: out", "batch: { linger: 5ms }, retry: { budget: { ratio: 0.1 } }, workers: { min: 1, max: 1 }, path: out"),
    "a rate": ("acks:", "guards: { rate: 100/s }, acks:"),
    "a rate as a map": ("path: out", "guards: { rate: { limit: 10MiB/s, burst: 1MiB, per: bytes, mode: observe } }, path: out"),
    "several rates": ("acks:", "guards: { rate: [1000/s, { name: each, limit: 100/s, burst: 20, key: \"header:X-Api-Key\", keys: 1000 }] }, acks:"),
    "a limit on what is under way": ("acks:", "guards: { concurrency: adaptive }, acks:"),
    "such a limit as a number": ("acks:", "guards: { concurrency: 64, pressure: true }, acks:"),
    "such a limit as a map, with shares": ("acks:", "guards: { concurrency: { algorithm: vegas, min: 2, max: 50, max_wait: 100ms }, fairness: { key: [\"header:X-Tenant\", path], tenants: 10 }, pressure: { memory: 80%, cpu: 0 } }, acks:"),
    "weights": ("acks:", "guards: { fairness: { key: \"header:X-Tenant\", weights: { gold: 4 } } }, acks:"),
    "a priority": ("acks:", "priority: { from: header:X-Priority, map: { urgent: high }, default: low }, acks:"),
    "tokens and users": ('admin: { listen: "127.0.0.1:0" }', 'admin: { listen: "127.0.0.1:0", auth_bearer: ["${NO:-x}"], auth_basic: { ops: "${NO:-x}" } }'),
    "a gateway": ("admin:", gateway()),
    "a gateway with all keys": ("admin:", gateway(
        'endpoints: "127.0.0.1:1", concurrency: 8, connect_timeout: 2s, queue: { max_wait: 0s, max_requests: 9 }, '
        'retry: { attempts: 2, budget: 10% }, breaker: { open: 5s }, tls: true, tls_ca: a.pem, tls_certificate: b.pem, tls_key: c.pem, '
        'tls_server_name: h, health: { path: /h, every: 1s, timeout: 1s, unhealthy: 2, healthy: 2 }',
        'match: { path: /a/**, host: shop.example, methods: [GET, POST], headers: { X-A: b } }, to: shop, deadline: 1s, '
        'deadline_from: grpc-timeout, rewrite: /v2/**, host: h, request: { set: { A: b }, add: { C: d }, remove: [E] }, '
        'answer: { remove: F }, upgrades: { allow: websocket, max: 3, idle: 1m }, '
        'degraded: { status: 200, content_type: a/b, body: x }, '
        'cache: { max_bytes: 1MiB, max_body: 10KiB, stale_if_error: 60s, stale_while_open: 10m, max_waiting: 9 }, '
        'priority: { from: "header:X-P", default: low }',
        ", half_close: serve, tls_certificate: a.pem, tls_key: b.pem, tls_client_ca: c.pem, tls_client_names: [n], "
        "trusted_peers: 10.0.0.0/8, forwarded: both, access_log: { path: a.log, sample: 10% }")),
    "an upstream whose limit is found out": ("admin:", gateway('endpoints: ["127.0.0.1:1"], concurrency: adaptive')),
    "alerts": ("admin:", "alerts: { rules: { lag: { above: 10m, for: 30s, severity: info }, errors: { above: 10% }, queue_depth: { above: 3 }, latency: off }, "
                         "repeat: 5m, receivers: { ops: { type: http, url: 'http://127.0.0.1:1/', format: json_array }, disk: { type: file, path: a.ndjson } } }\nadmin:"),
    "no admin": ('admin: { listen: "127.0.0.1:0" }', 'admin: { listen: "" }'),
}


def plain(text):
    """A quantity in its smallest unit, so that 60s is 1m."""
    units = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    found = re.fullmatch(r"(\d+)([a-zA-Z]+)", text)
    return int(found[1]) * units[found[2]] if found and found[2] in units else text


class Schema(WeirTest):
    @classmethod
    def setUpClass(cls):
        if missing:
            skip(f"there is no Python module {missing}: install python3-{missing}")
        code, text, err = weir("schema")
        assert code == 0, err
        cls.schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def check(self, text):
        """What the loader says: its exit code and its words."""
        with open(self.path("weir.yaml"), "w") as f:
            f.write(text)
        code, _, err = weir("check", "weir.yaml", folder=self.folder)
        return code, err

    def errors(self, text):
        """What the schema says, of the values as an editor sees them and of every value as text."""
        return [[e.message for e in self.validator.iter_errors(yaml.load(text, loader))] for loader in (yaml.SafeLoader, yaml.BaseLoader)]

    def test_what_is_right_is_right_for_both(self):
        for what, (old, new) in RIGHT.items():
            with self.subTest(what):
                self.assertIn(old, BASE)
                text = BASE.replace(old, new, 1)
                self.assertEqual(self.check(text), (0, ""))
                self.assertEqual(self.errors(text), [[], []])

    def test_what_is_wrong_is_wrong_for_both(self):
        for what, (old, new) in WRONG.items():
            with self.subTest(what):
                self.assertIn(old, BASE)
                text = BASE.replace(old, new, 1)
                self.assertEqual(self.check(text)[0], 2, text)
                self.assertTrue(all(self.errors(text)), text)

    def test_every_example_passes(self):
        files = glob.glob(os.path.join(SOURCE, "examples", "**", "*.yaml"), recursive=True)
        self.assertTrue(files)
        self.assertEqual(weir("init", "starter.yaml", folder=self.folder)[0], 0)
        for file in files + [self.path("starter.yaml")]:
            with self.subTest(file), open(file) as f:
                text = f.read()
                if "sources:" in text or "gateways:" in text:
                    self.assertEqual(self.errors(text), [[], []])

    def test_every_configuration_of_the_tests_passes(self):
        """Whatever a test starts is right, so its text has to pass too: blocks that hold both sources and sinks."""
        tried = 0
        for file in glob.glob(os.path.join(SOURCE, "tests", "**", "*.py"), recursive=True):
            with open(file) as f:
                blocks = re.findall(r'"""(.*?)"""', f.read(), re.S)
            for block in blocks:
                if not (re.search(r"^sources:", block, re.M) and re.search(r"^sinks:", block, re.M)) or re.search(r"%s|%d|%\(|{}|{{", block):
                    continue
                text = block.replace("@HTTP", "127.0.0.1:1").replace("@ADMIN", "127.0.0.1:2").replace("@DIR", "/d")
                if re.search(r"[@\\]|\b[A-Z]{3,}\b", text):  # words that the test replaces
                    continue
                tried += 1
                with self.subTest(file, block=block):
                    self.assertEqual(self.errors(text), [[], []])
        self.assertGreater(tried, 3)

    def test_the_effective_configuration_passes_and_has_the_defaults_of_the_schema(self):
        self.check(BASE)
        code, printed, err = weir("check", "--print", "weir.yaml", folder=self.folder)
        self.assertEqual(code, 0, err)
        self.assertEqual(self.errors(printed), [[], []])
        tree = yaml.load(printed, yaml.BaseLoader)
        definitions = self.schema["$defs"]
        written = {"memory", "listen", "max_connections", "path", "from", "type", "acks", "reactors"}

        def compare(where, values, properties):
            for key, value in values.items():
                self.assertIn(key, properties, where)
                default = properties[key].get("default")
                if isinstance(value, dict):
                    compare(f"{where}.{key}", value, definitions[key]["properties"])
                elif key not in written and default is not None:
                    self.assertEqual(plain(value), plain(str(default).lower() if isinstance(default, bool) else str(default)), f"{where}.{key}")

        compare("", {k: v for k, v in tree.items() if k not in ("sources", "sinks", "admin")}, self.schema["properties"])
        compare("sources.in", tree["sources"]["in"], definitions["source.http"]["properties"])
        compare("sinks.out", tree["sinks"]["out"], definitions["sink.file"]["properties"])

    def test_every_key_the_loader_asks_for_is_in_the_schema(self):
        asked = set()
        for name in ("nodes", "read_queue", "read_guards", "read_concurrency", "read_pressure", "load"):
            with open(os.path.join(SOURCE, "engine", "config", name + ".cc")) as f:
                asked |= set(re.findall(r'\b(?:value|count|size|duration|ratio|flag|name|names|find|choice(?:<\w+>)?)\(\s*"(\w+)"', f.read()))
        asked -= {"classes"}  # an option of a component, looked at
        known = set(self.schema["properties"]) | {"type"}
        for name, definition in self.schema["$defs"].items():
            known |= set(definition.get("properties", ()))
        self.assertLess({"max_events", "breaker", "when_full", "admin", "half_open_wait"}, asked)
        self.assertEqual(asked - known, set(), "keys that the schema does not have: add them to schema_keys.cc")


class MadeFromTheCommandLine(WeirTest):
    def file(self, *path):
        with open(os.path.join(SOURCE, *path)) as f:
            return f.read()

    def test_what_is_in_the_repository_is_what_the_binary_prints(self):
        self.assertEqual(weir("man")[1], self.file("docs", "man", "weir.1"), "write the output of `weir man` to docs/man/weir.1")

    def test_the_man_page_is_free_of_errors(self):
        needs("mandoc")
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "error", os.path.join(SOURCE, "docs", "man", "weir.1")], text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = 'source <("$1" completion bash); shift; COMP_WORDS=(weir "$@"); COMP_CWORD=$#; compopt() { :; }; _weir; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, "bash", weir_process.BINARY, *words], cwd=self.folder,
                              text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_commands_options_files_and_reasons(self):
        for name in ("flow.yaml", "notes.txt"):
            open(self.path(name), "w").close()
        self.assertEqual(self.complete("ch"), ["check"])
        self.assertEqual(self.complete("check", "--pr"), ["--print"])
        self.assertEqual(self.complete("run", ""), ["flow.yaml"])
        self.assertEqual(self.complete("explain", "flow_f"), ["flow_full"])
        self.assertEqual(self.complete("completion", ""), ["bash", "fish", "zsh"])

    def test_every_script_is_understood_by_its_shell(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                with open(self.path("script"), "w") as f:
                    f.write(weir("completion", shell)[1])
                needs(shell)
                done = subprocess.run([shell, "-n", self.path("script")], text=True, capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_command_is_in_the_help_the_man_page_and_the_readme(self):
        commands = re.findall(r"^  (\w+) ", weir("--help")[1].split("Subcommands:")[1], re.M)
        self.assertIn("tap", commands)
        for command in commands:
            self.assertIn(f'.SS "weir {command}"', self.file("docs", "man", "weir.1"))
            if command not in ("man", "version"):
                self.assertIn(f"weir {command}", self.file("README.md"))


if __name__ == "__main__":
    main()
