"""What the examples with two runs share: programs on free ports of the loopback address, a load against them, once without
and once with the defences, a table of both, and one page with the plots of both side by side.

    with Stage(__doc__) as stage:
        stage.start("upstream", ...)
"""
import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scripts"))
from loopback import free_port, free_ports  # noqa: E402

PATIENCE = 60  # seconds until something that was started has to answer


def built():
    """The newest weir that was built here, or the installed one."""
    trees = [os.path.join(HERE, "..", "build", tree, "weir") for tree in ("release", "dev")]
    return next((path for path in trees if os.path.exists(path)), shutil.which("weir"))


def get(port, path, method="GET", timeout=PATIENCE):
    """Status, fields and body of an answer."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path)
        answer = c.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        c.close()


def ask(port, path, method="GET", timeout=PATIENCE):
    """The body of an answer; what is no 2xx is an error."""
    status, _, body = get(port, path, method, timeout)
    if status // 100 != 2:
        raise OSError(f"{path} of port {port} answers {status}: {body[:200]!r}")
    return body


def ledger(admin):
    """The gateway's account when nothing is in flight any more. What came in has to be what became of it."""
    end = time.monotonic() + PATIENCE
    while True:
        account = json.loads(ask(admin, "/api/ledger"))["gateways"][0]
        if account["in_flight"] == 0 and account["difference"] == 0:
            return account
        if time.monotonic() > end:
            sys.exit(f"the ledger does not add up: {account}")
        time.sleep(0.1)


def short(counts):
    return " (" + ", ".join(f"{name} {count}" for name, count in counts.items() if count) + ")" if any(counts.values()) else ""


class Stage:
    """Everything that is started here is ended at the end, in whatever way that comes."""

    def __init__(self, text, html, more=()):
        parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="a few seconds: shows that it works, not how well")
        parser.add_argument("--weir", default=built(), help="the binary (default: the one that was built here)")
        parser.add_argument("--html", default=html, help="the page to write (default: %(default)s)")
        for name, how in more:
            parser.add_argument(name, **how)
        self.options = parser.parse_args()
        if not self.options.weir:
            sys.exit("there is no weir: build one (make), or name it: --weir FILE")
        self.weir = os.path.abspath(self.options.weir)
        self.html = os.path.abspath(self.options.html)
        self.quick = self.options.quick
        self.processes, self.results, self.accounts = [], {}, {}

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="weir-example-")
        os.chmod(self.folder, 0o711)  # a PostgreSQL of another user may have a folder in it
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def seconds(self, whole):
        """A time of the scenario; in a quick run a tenth of it."""
        return whole / 10 if self.quick else whole

    def start(self, command, port, path, env=None):
        """A program, when it answers `path`."""
        with open(os.path.join(self.folder, "log"), "a") as log:
            process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                ask(port, path, timeout=5)
                return process
            except (OSError, http.client.HTTPException) as trouble:
                if process.poll() is not None or time.monotonic() > end:
                    with open(os.path.join(self.folder, "log")) as log:
                        sys.exit(f"{' '.join(command)} does not answer: {trouble}\n{log.read()[-2000:]}")
                time.sleep(0.05)

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def service(self, port, *options):
        """`weir upstream`: a service that can be made slower while it runs."""
        return self.start([self.weir, "upstream", "--listen", f"127.0.0.1:{port}", *options], port, "/.weir/upstream")

    def gateway(self, file, admin, env):
        return self.start([self.weir, "run", file], admin, "/ready", {**env, "ADMIN": f"127.0.0.1:{admin}"})

    def load(self, title, template, changes=(), **values):
        """One load, from a file with @NAMES in it. `changes`: (second, text for the plots, what is done then)."""
        with open(template) as f:
            text = f.read()
        for name, value in values.items():
            text = text.replace("@" + name, str(value))
        file, told = (os.path.join(self.folder, f"{title}.{end}") for end in ("yaml", "json"))
        with open(file, "w") as f:
            f.write(text)
        command = [self.weir, "load", os.path.basename(file), "--quiet", "--connections", "3000",
                   "--title", title, "--json", told, "--html", self.html]
        for second, what, _ in changes:
            command += ["--mark", f"{second:g}s={what}"]
        for other in self.results:
            command += ["--compare", os.path.join(self.folder, f"{other}.json")]
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=self.folder)
        self.processes.append(load)
        began = time.monotonic()
        for second, _, change in changes:
            time.sleep(max(0, began + second - time.monotonic()))
            change()
        out = load.communicate()[0]
        if load.returncode:
            sys.exit(f"weir load ended with {load.returncode}:\n{out}")
        with open(told) as f:
            self.results[title] = json.load(f)
        return self.results[title]

    def table(self, rows):
        """`rows`: (what, function of a result). One column for each load."""
        print(f"{'':<44}" + "".join(f"{title:>16}" for title in self.results))
        for what, value in rows:
            print(f"{what:<44}" + "".join(f"{value(result):>16}" for result in self.results.values()))
        for name, account in self.accounts.items():
            print(f"\n{name}: {account['in']} in = {sum(account['answered'].values())} answered + "
                  f"{sum(account['refused'].values())} refused{short(account['refused'])} + "
                  f"{sum(account['abandoned'].values())} abandoned{short(account['abandoned'])}", end="")
        if self.accounts:
            print()
        print(f"\nplots of both: {self.html}", flush=True)


class Window:
    """Of a result, what was due in [begin, end) seconds."""

    def __init__(self, result, begin, end):
        length = result["slice_ms"] / 1e3
        self.slices = [s for i, s in enumerate(result["slices"]) if begin <= i * length < end]
        self.seconds = max(length, length * len(self.slices))

    def sum(self, what):
        return sum(s[what] for s in self.slices)

    def goodput(self):
        return self.sum("good") / self.seconds

    def success(self):
        return self.sum("good") / max(1, self.sum("due"))

    def slowest_p99(self):
        """Milliseconds, of the slice where it was worst."""
        return max((s["p99_ms"] for s in self.slices if s["good"]), default=0)


def back(result, since):
    """From `since` on: how long until nineteen of twenty calls of a second are good."""
    slices = result["slices"]
    length = result["slice_ms"] / 1e3
    for i in range(int(since / length), len(slices)):
        window = Window(result, i * length, i * length + min(1, 5 * length))
        if window.success() >= 0.95:
            return f"{max(0, i * length - since):.1f} s"
    return "never"


def percent(share):
    return f"{100 * share:.1f} %"
