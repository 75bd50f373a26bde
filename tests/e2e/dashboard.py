"""The dashboard: its files, its stream of frames and the history behind its plots, and the page in a real browser.

The browser is Debian's chromium, driven by chromium-driver over its own protocol (W3C WebDriver); without them
(`scripts/install-packages browser`) those tests are skipped.
"""
import http.client
import json
import shutil
import socket
import subprocess
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clients import ndjson, post
from weir_process import Weir, WeirTest, eventually, free_port, main

LONG = 120  # seconds: a browser on a busy machine
HOSTILE = "<img src=x onerror=document.title='owned'>"
FLOW = """memory: 256MiB
sources:
  shop: { type: http, listen: "@HTTP", acks: accepted }
sinks:
  warehouse: { type: http, from: [shop], url: "URL", queue: { max_events: 100 } }
admin: { listen: "@ADMIN" MORE }
"""
VIEWERS = 64  # the most; of this much memory a sixteenth holds them


class Destination:
    """Answers 503 with words of its own while it is `down`."""

    def __init__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = HOSTILE.encode()
                self.send_response(503 if outer.down else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.down = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Asking(Weir):
    """With the token of the configuration, for what the kit itself asks."""
    token = None

    def get(self, path, timeout=LONG):
        connection = http.client.HTTPConnection(*self.admin, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} if self.token else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class DashboardTest(WeirTest):
    def start(self, config, token=None):
        w = Asking(config, self.folder)
        w.token = token
        self.running.append(w)
        return w.start()

    def setUp(self):
        super().setUp()
        self.destination = Destination()
        self.addCleanup(self.destination.close)

    def flow(self, more=""):
        return FLOW.replace("URL", self.destination.url).replace("MORE", more)

    def get(self, w, path, **headers):
        connection = http.client.HTTPConnection(*w.admin, timeout=LONG)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def viewer(self, w, **headers):
        connection = http.client.HTTPConnection(*w.admin, timeout=LONG)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/live", headers=headers)
        return connection.getresponse()

    @staticmethod
    def frame(answer):
        """The next one: a line of JSON and an empty line."""
        line = answer.readline()
        assert line.startswith(b"data: "), line
        assert answer.readline() == b"\n"
        return json.loads(line[len(b"data: "):])


class OverHttp(DashboardTest):
    def test_its_files_are_its_own_and_allow_nothing_from_elsewhere(self):
        w = self.start(self.flow())
        for path, kind in (("/", "text/html"), ("/dashboard", "text/html"), ("/dashboard.js", "text/javascript"),
                           ("/graph.js", "text/javascript"), ("/dashboard.css", "text/css"), ("/icon.svg", "image/svg+xml")):
            answer, body = self.get(w, path)
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.getheader("Content-Type").startswith(kind), path)
            policy = answer.getheader("Content-Security-Policy")
            self.assertTrue(policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), policy)
            self.assertNotIn("unsafe", policy)
            self.assertGreater(len(body), 100, path)
        page = self.get(w, "/")[1].decode()
        for forbidden in ("http://", "https://", "<style", " style=", " onclick=", "<script>"):
            self.assertNotIn(forbidden, page)
        self.assertEqual(self.get(w, "/", Host="evil.example")[0].status, 421)

    def test_a_viewer_gets_the_graph_again_and_again_with_the_level_of_each_queue(self):
        w = self.start(self.flow())
        answer = self.viewer(w)
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        first, second = self.frame(answer), self.frame(answer)
        self.assertGreater(second["uptime_s"], first["uptime_s"])
        self.assertEqual(second["sinks"][0]["level"], "normal")
        eventually(lambda: self.get(w, "/api/history?part=sink/warehouse")[0].status == 200, "a first point", LONG)
        history = json.loads(self.get(w, "/api/history?part=sink/warehouse")[1])
        self.assertEqual([len(s["points"]) for s in history["series"]], [360] * 8)
        self.assertEqual(self.get(w, "/api/history?part=sink/none")[0].status, 404)

    def test_viewers_have_a_limit_of_their_own_and_leave_the_api_its_connections(self):
        w = self.start(self.flow())
        viewers = [self.viewer(w) for _ in range(VIEWERS)]
        for viewer in viewers:
            self.assertEqual(viewer.status, 200)
        one_more = self.viewer(w)
        self.assertEqual(one_more.status, 503)
        self.assertEqual(json.loads(one_more.read())["error"], "too_many_connections")
        self.assertTrue(one_more.getheader("Retry-After"))
        w.says("watch the dashboard already")
        for _ in range(20):  # more than the listener's places
            self.assertEqual(self.get(w, "/api/graph")[0].status, 200)
        for viewer in viewers:
            self.frame(viewer)
        viewers.pop().close()
        eventually(lambda: self.viewer(w).status == 200, "a place that is free again", LONG)

    def test_frames_are_for_those_who_may_ask_and_end_when_secrets_change(self):
        with open(self.path("token"), "w") as f:
            f.write("first")
        w = self.start(self.flow(f', auth_bearer: "file:{self.path("token")}"'), token="first")
        self.assertEqual(self.get(w, "/")[0].status, 200)
        self.assertEqual(self.viewer(w).status, 401)
        self.assertEqual(self.get(w, "/api/history?part=flow/")[0].status, 401)
        viewer = self.viewer(w, Authorization="Bearer first")
        self.frame(viewer)
        with open(self.path("token"), "w") as f:
            f.write("second")
        w.token = "second"
        viewer.read()  # to its end
        self.assertEqual(self.viewer(w, Authorization="Bearer second").status, 200)

    def test_a_page_of_another_site_cannot_hold_a_place(self):
        w = self.start(self.flow())
        refused = self.viewer(w, **{"Sec-Fetch-Site": "cross-site"})
        self.assertEqual((refused.status, json.loads(refused.read())["error"]), (403, "origin_refused"))
        self.assertEqual(self.viewer(w, **{"Sec-Fetch-Site": "same-origin"}).status, 200)


CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


class Browser:
    """A session of chromedriver; `run` evaluates a function's body in the page."""

    def __init__(self, test):
        port = free_port()
        self.address = ("127.0.0.1", port)
        process = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        test.addCleanup(process.wait)
        test.addCleanup(process.kill)
        eventually(self.listens, "chromedriver listens", LONG)
        options = {"binary": CHROMIUM, "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                                                f"--user-data-dir={test.path('profile')}"]}
        try:
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]
        except (AssertionError, OSError) as why:
            raise unittest.SkipTest(f"chromium does not start here: {str(why)[:200]}") from None
        test.addCleanup(self.ask, "DELETE", f"/session/{self.session}")

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=4 * LONG)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        finally:
            connection.close()
        assert answer.status == 200, value
        return value

    def command(self, name, body):
        return self.ask("POST", f"/session/{self.session}/{name}", body)

    def go(self, url):
        self.command("url", {"url": url})

    def run(self, script):
        return self.command("execute/sync", {"script": script, "args": []})

    def emulate(self, width, height, scheme):
        for what, how in (("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
                          ("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})):
            self.command("goog/cdp/execute", {"cmd": what, "params": how})

    def until(self, script, what):
        return eventually(lambda: self.run(script), lambda: f"{what}; the page says: {self.run('return document.body.innerText')}", LONG)

    def complaints(self):
        """Of the policy, and errors of scripts; that an answer was not 200 is no complaint."""
        return [e["message"] for e in self.command("se/log", {"type": "browser"})
                if "Content Security Policy" in e["message"] or "Uncaught" in e["message"]]


@unittest.skipUnless(CHROMIUM and DRIVER, "chromium or chromedriver is not installed: scripts/install-packages browser")
class InABrowser(DashboardTest):
    def test_from_start_over_an_alert_to_its_end_and_hostile_words_stay_text(self):
        w = self.start(self.flow())
        browser = Browser(self)
        browser.emulate(1280, 900, "light")
        browser.go("http://%s:%d/" % w.admin)
        browser.until("return document.getElementById('health').textContent === 'all is well'", "all is well")
        browser.until("return document.querySelectorAll('.plot canvas').length > 0", "plots")
        self.destination.down = True
        for i in range(3):
            post(w.address, ndjson([{"text": HOSTILE, "n": i}]), content_type="application/x-ndjson")
        browser.until("return document.getElementById('alerts').innerText.includes('sink warehouse')", "an alert")
        browser.until("return document.querySelector('[data-key=\"sink/warehouse\"]').dataset.level !== 'normal'", "a level")
        self.destination.down = False
        browser.until("return document.getElementById('health').textContent === 'all is well'", "well again")
        browser.run("document.getElementById('tap-button').click()")
        browser.until("return document.getElementById('tap-note').textContent !== ''", "the tap is on")
        post(w.address, ndjson([{"text": HOSTILE, "password": "hunter2"}]), content_type="application/x-ndjson")
        browser.until("return document.getElementById('tap-events').innerText.includes('<img src=x')", "the event as text")
        self.assertEqual(browser.run("return document.querySelectorAll('main img').length"), 0)
        self.assertNotIn("hunter2", browser.run("return document.body.innerText"))
        self.assertNotEqual(browser.run("return document.title"), "owned")
        self.assertEqual(browser.complaints(), [])

    def test_on_a_phone_in_the_dark_by_keyboard_and_with_a_token(self):
        w = self.start(self.flow(", auth_bearer: [hunter2]"), token="hunter2")
        browser = Browser(self)
        browser.emulate(390, 844, "dark")
        browser.go("http://%s:%d/" % w.admin)
        browser.until("return !document.getElementById('login').hidden", "the page asks for a token")
        browser.run("document.getElementById('token').value = 'hunter2'; document.querySelector('#login button').click()")
        browser.until("return document.querySelectorAll('.node').length === 2", "the graph")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390)
        red, green, blue = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")[:3]
        self.assertLess(red + green + blue, 150)
        browser.run("document.querySelector('[data-key=\"source/shop\"]').focus()")
        enter = {"type": "key", "id": "k", "actions": [{"type": "keyDown", "value": "\ue007"}, {"type": "keyUp", "value": "\ue007"}]}
        browser.command("actions", {"actions": [enter]})
        browser.until("return document.getElementById('part-title').textContent === 'source shop'", "chosen by the keyboard")
        roles = browser.run("return ['header', 'main', 'footer', 'h1', '[role=status]', '[aria-live=polite]']"
                            ".map((s) => document.querySelectorAll(s).length)")
        self.assertEqual(roles[:4], [1, 1, 1, 1])
        self.assertNotIn("hunter2", browser.run("return location.href + document.cookie + JSON.stringify(localStorage)"))
        self.assertEqual(browser.complaints(), [])


if __name__ == "__main__":
    main()
