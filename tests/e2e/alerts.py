"""Alerts reach who is told of them: a webhook that is down at first, a file, and a real Alertmanager where there is one."""
import json
import shutil
import subprocess
import urllib.request

from clients import events, ndjson, post
from http_server import OtherSide, Reply
from weir_process import WeirTest, eventually, free_port, main, skip, weir

CONFIG = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, max_connections: 8 }
sinks:
  out:
    type: http
    from: [in]
    url: URL
    queue: { max_events: 5000 }
    breaker: { consecutive_failures: 2, open: 500ms }
    retry: { base: 20ms, cap: 100ms }
admin: { listen: "@ADMIN" }
alerts:
  rules: { errors: off, utilisation: off, latency: off, queue_full_soon: off, queue_depth: off, breaker_open: { severity: info } }
  repeat: 1s
  receivers:
    RECEIVER
"""


class Receiver(OtherSide):
    """Takes arrays of alerts; refuses the first `refusals` deliveries."""

    def __init__(self, refusals=0):
        self.refusals, self.alerts = refusals, []
        super().__init__(None)

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self.lock:
            refuse = self.refusals > 0
            self.refusals -= refuse
            if not refuse:
                self.alerts += body
        handler.send_response(503 if refuse else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def of(self, name):
        with self.lock:
            return [a for a in self.alerts if a["labels"]["alertname"] == name]


class Alerts(WeirTest):
    def begin(self, receiver):
        """A flow whose sink is refused until `self.well` is true."""
        self.well = False
        self.side = OtherSide(lambda n, ids: Reply(200 if self.well else 500))
        self.addCleanup(self.side.close)
        self.weir = self.start(CONFIG.replace("URL", self.side.url).replace("RECEIVER", receiver))
        self.assertEqual(post(self.weir.address, ndjson(events("e", 20))).status, 202)

    def tearDown(self):
        self.well = True  # what waits ends
        super().tearDown()

    def told(self):
        return self.weir.ask("/api/alerts")["receivers"][0]

    def test_a_webhook_that_is_down_at_first_is_told_of_the_beginning_and_of_the_end(self):
        receiver = Receiver(refusals=2)
        self.addCleanup(receiver.close)
        self.begin(f"ops: {{ type: http, url: '{receiver.url}', format: json_array }}")
        eventually(lambda: receiver.of("weir_breaker_open"), "the alert reaches the webhook")
        self.assertGreaterEqual(self.told()["failed"], 2)
        self.weir.says("alert receiver ops: ")
        self.weir.says("is told of alerts again")
        first = receiver.of("weir_breaker_open")[0]
        self.assertEqual((first["status"], first["labels"]["severity"], first["labels"]["node"]), ("firing", "info", "out"))
        self.assertRegex(first["startsAt"], r"^20\d\d-\d\d-\d\dT")
        self.assertGreater(first["endsAt"], first["startsAt"])
        eventually(lambda: len(receiver.of("weir_breaker_open")) >= 3, "what lasts is repeated")
        self.well = True
        eventually(lambda: receiver.of("weir_breaker_open")[-1]["status"] == "resolved", "its end is told")
        eventually(lambda: self.told()["waiting"] == 0, "nothing waits")
        self.assertRegex(self.weir.get("/metrics")[1], r"weir_alert_deliveries_total\{[^}]*outcome=\"failed\"[^}]*\} [1-9]")

    def test_a_file_is_a_receiver_too(self):
        self.begin("log: { type: file, path: alerts.ndjson }")
        eventually(lambda: self.lines_so_far("alerts.ndjson"), "the alert is in the file")
        self.assertEqual(self.lines_so_far("alerts.ndjson")[0]["labels"]["alertname"], "weir_breaker_open")

    def test_a_receiver_that_never_answers_does_not_hold_a_stop(self):
        hangs = OtherSide(None)
        hangs.answer = lambda handler: hangs.over.wait(300)
        self.addCleanup(hangs.close)
        self.begin(f"ops: {{ type: http, url: '{hangs.url}', format: json_array, timeout: 200s }}")
        eventually(lambda: self.weir.ask("/api/alerts")["firing"], "it fires")
        eventually(lambda: self.told()["waiting"] == 1, "the receiver is not told")
        self.well = True
        eventually(lambda: self.weir.pending() == 0, "the flow goes on meanwhile")
        self.weir.stop(within=40)
        self.weir.says("it was not told of the last change of 1 alert")

    def test_what_cannot_be_a_receiver_is_refused_at_its_key(self):
        for receiver, words in (
                ("ops: { type: http, url: 'ftp://x/' }", "alerts.receivers.ops.url: "),
                ("ops: { type: htp }", "alerts.receivers.ops.type: 'htp' is no type of sink; did you mean http?"),
                ("ops: { type: http, url: 'http://127.0.0.1:1/', workers: 2 }", "alerts.receivers.ops.workers: unknown key"),
                ("Ops: { type: blackhole }", "alerts.receivers: ")):
            with self.subTest(receiver=receiver):
                with open(self.path("weir.yaml"), "w") as f:
                    f.write(CONFIG.replace("URL", "http://127.0.0.1:1/").replace("RECEIVER", receiver)
                            .replace("@HTTP", "127.0.0.1:0").replace("@ADMIN", "127.0.0.1:0"))
                code, _, err = weir("check", "weir.yaml", folder=self.folder)
                self.assertEqual(code, 2)
                self.assertIn(words, err)

    def test_an_alertmanager_shows_it_firing_and_resolved(self):
        tool = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if not tool:
            skip("there is no Alertmanager: install prometheus-alertmanager")
        hook = OtherSide(None)
        hook.seen = []

        def hear(handler):
            for alert in json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))["alerts"]:
                hook.seen.append((alert["labels"]["alertname"], alert["status"]))
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        hook.answer = hear
        self.addCleanup(hook.close)
        with open(self.path("am.yml"), "w") as f:
            f.write("route: { receiver: hook, group_by: [alertname, node], group_wait: 0s, group_interval: 1s }\n"
                    f"receivers: [ {{ name: hook, webhook_configs: [ {{ url: '{hook.url}' }} ] }} ]\n")
        port = free_port()
        with open(self.path("am.log"), "w") as log:
            manager = subprocess.Popen([tool, "--config.file=am.yml", "--storage.path=am", f"--web.listen-address=127.0.0.1:{port}",
                                        "--cluster.listen-address="], cwd=self.folder, stdout=log, stderr=log)
        self.addCleanup(manager.wait)
        self.addCleanup(manager.kill)

        def is_up():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10):
                    return True
            except OSError:
                return False
        eventually(is_up, "Alertmanager is up")
        self.begin(f"ops: {{ type: http, url: 'http://127.0.0.1:{port}/api/v2/alerts', format: json_array }}")
        eventually(lambda: ("weir_breaker_open", "firing") in hook.seen, "Alertmanager tells that it fires")
        self.well = True
        eventually(lambda: ("weir_breaker_open", "resolved") in hook.seen, "Alertmanager tells that it is over")
        self.assertEqual(self.told()["failed"], 0, self.told())


if __name__ == "__main__":
    main()
