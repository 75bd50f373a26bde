"""`weir load`: an open load, whose figures are those of the server's own account."""
import http.server
import json
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time

import weir_process
from weir_process import PATIENCE, WeirTest, eventually, main, weir


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its server's `answer(path)` says: status, headers, body; None: closes the connection."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        with self.server.lock:
            self.server.seen.append((self.command, self.path, dict(self.headers), body))
        reply = self.server.answer(self.path)
        if reply is None:
            self.close_connection = True
            return
        status, headers, text = reply
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class Load(WeirTest):
    def server(self, answer=lambda path: (200, {}, b"hello")):
        server = Server(("127.0.0.1", 0), Handler)
        server.lock, server.seen, server.answer = threading.Lock(), [], answer
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"http://127.0.0.1:{server.server_address[1]}"

    def load(self, url, *options, expected=0):
        deadline = [] if "--deadline" in options else ["--deadline", f"{PATIENCE:.0f}s"]
        code, out, err = weir("load", url, "--json", self.path("load.json"), *deadline, *options, folder=self.folder)
        self.assertEqual(code, expected, out + err)
        with open(self.path("load.json")) as f:
            return json.load(f)

    def test_every_call_is_made_and_counted_as_the_server_counts_it(self):
        server, url = self.server()
        result = self.load(url + "/a?b=1", "--rate", "200/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual((result["calls"], result["good"], result["by_end"]), (200, 200, {"200": 200}))
        self.assertEqual(len(server.seen), 200)
        self.assertEqual({(m, p) for m, p, _, _ in server.seen}, {("GET", "/a?b=1")})
        self.assertEqual(result["goodput"], 200)

    def test_a_call_that_waits_behind_a_stall_took_that_long_although_it_was_sent_in_time(self):
        began = []

        def answer(path):
            began.append(time.monotonic())
            wait = began[0] + 1 - time.monotonic()
            if wait > 0:
                time.sleep(wait)  # the whole service stands still for its first second
            return 200, {}, b""
        _, url = self.server(answer)
        result = self.load(url, "--rate", "100/s", "--for", "2s", "--arrivals", "constant")
        self.assertEqual(result["good"], 200)
        # Who came in the first second waited for the rest of it: half of all, so the median of those is half a second.
        times = result["times"]
        self.assertGreater(times["max_ms"], 980)
        self.assertGreater(times["p99_ms"], 950)
        slow = sum(s["good"] for s in result["slices"][:50])
        self.assertEqual(slow, 100, "calls are due all through the stall")

    def test_what_is_due_is_sent_while_nothing_is_answered(self):
        inside, together = [], threading.Event()

        def answer(path):
            inside.append(path)
            if len(inside) >= 50:
                together.set()
            return (200 if together.wait(PATIENCE) else 500), {}, b""
        _, url = self.server(answer)
        result = self.load(url, "--rate", "50/s", "--for", "1s", "--arrivals", "constant", "--deadline", f"{2 * PATIENCE:.0f}s")
        self.assertEqual(result["good"], 50, result["by_end"])

    def test_events_have_ids_of_their_own_and_an_attempt_that_is_repeated_has_them_again(self):
        refused = []
        lock = threading.Lock()

        def answer(path):
            with lock:
                refused.append(len(refused) < 10)
                return (503 if refused[-1] else 200), {}, b""
        server, url = self.server(answer)
        result = self.load(url, "--profile", "0:40,1:0", "--for", "60s", "--arrivals", "constant", "--events", "25", "--seed", "7", "--clients", "naive",
                           "--tries", "100")
        self.assertEqual((result["calls"], result["good"], result["attempts"]), (40, 40, 50))
        ids, lines = {}, 0
        for _, _, headers, body in server.seen:
            self.assertEqual(headers["Content-Type"], "application/x-ndjson")
            for line in body.decode().splitlines(keepends=True):
                self.assertEqual(len(line), 200)
                event = json.loads(line)["id"]
                ids[event] = ids.get(event, 0) + 1
                lines += 1
        self.assertEqual(set(ids), {f"load7-{n:012}" for n in range(1000)})
        self.assertEqual(lines, 50 * 25)

    def test_a_service_with_one_slot_cannot_slow_the_load_down(self):
        one = threading.Lock()

        def answer(path):
            with one:
                time.sleep(0.02)
            return 200, {}, b""
        server, url = self.server(answer)
        result = self.load(url, "--rate", "100/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual((result["good"], len(server.seen)), (100, 100))
        # 100 x 20 ms of work came within a second: the last of them is a second late.
        self.assertGreater(result["times"]["max_ms"], 950)

    def test_refusals_are_counted_by_status_and_by_weirs_reason_and_clients_come_back_when_told(self):
        counted = []

        def answer(path):
            counted.append(path)
            if len(counted) % 2:
                return 503, {"Retry-After": "1", "Weir-Reason": "flow_full"}, b"no"
            return 200, {}, b""
        server, url = self.server(answer)
        result = self.load(url, "--profile", "0:20,1:0", "--for", "60s", "--clients", "retry-after", "--tries", "7")
        self.assertEqual(result["calls"], result["good"] + result["failed"])
        self.assertEqual(result["by_end"]["503"], result["by_reason"]["flow_full"])
        self.assertEqual(result["attempts"], len(server.seen))
        self.assertEqual(sum(result["by_end"].values()), result["attempts"])
        self.assertGreater(result["attempts"], result["calls"])

    def test_requests_are_as_they_were_written(self):
        server, url = self.server()
        with open(self.path("body.json"), "w") as f:
            f.write('{"a":1}')
        self.load(url + "/x", "--rate", "10/s", "--for", "1s", "--arrivals", "constant", "--method", "PUT", "--body", "@" + self.path("body.json"),
                  "--header", "X-Priority: high", "--header", "Host: shop.example")
        method, path, headers, body = server.seen[0]
        self.assertEqual((method, path, body), ("PUT", "/x", b'{"a":1}'))
        self.assertEqual((headers["X-Priority"], headers["Host"]), ("high", "shop.example"))

    def test_bodies_in_chunks_and_to_the_end_and_none_are_read(self):
        replies = [(200, {"Connection": "close"}, b"x" * 100_000), (204, {}, b""), (304, {}, b"")]
        count = []

        def answer(path):
            count.append(path)
            return replies[len(count) % 3]
        server, url = self.server(answer)
        result = self.load(url, "--rate", "60/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual((result["good"], len(server.seen)), (60, 60))
        result = self.load(url, "--method", "HEAD", "--rate", "30/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual(result["good"], 30)

    def test_what_is_no_answer_is_counted_for_what_it_is(self):
        class Garbage(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(65536)
                self.request.sendall(b"SSH-2.0-OpenSSH\r\n")
        garbage = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Garbage)
        threading.Thread(target=garbage.serve_forever, daemon=True).start()
        self.addCleanup(garbage.server_close)
        self.addCleanup(garbage.shutdown)
        result = self.load(f"http://127.0.0.1:{garbage.server_address[1]}", "--rate", "10/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual(result["by_end"], {"damaged": 10})
        _, url = self.server(lambda path: None)
        result = self.load(url, "--rate", "10/s", "--for", "1s", "--arrivals", "constant")
        self.assertEqual(result["by_end"], {"closed": 10})
        nobody = socket.socket()  # bound, and nothing listens: the port is nobody else's
        self.addCleanup(nobody.close)
        nobody.bind(("127.0.0.1", 0))
        result = self.load("http://127.0.0.1:%d" % nobody.getsockname()[1], "--rate", "10/s", "--for", "1s", "--arrivals", "constant", expected=1)
        self.assertEqual(result["by_end"], {"unreachable": 10})

    def test_a_client_leaves_at_its_deadline_and_an_impatient_one_asks_again_before(self):
        stop = threading.Event()
        self.addCleanup(stop.set)
        server, url = self.server(lambda path: stop.wait(PATIENCE) and None)
        out = self.path("left.json")
        weir("load", url, "--rate", "10/s", "--for", "1s", "--arrivals", "constant", "--deadline", "100ms", "--json", out, folder=self.folder)
        with open(out) as f:
            self.assertEqual(json.load(f)["by_end"], {"deadline": 10})
        weir("load", url, "--profile", "0:10,1:0", "--for", "60s", "--arrivals", "constant", "--deadline", "400ms", "--clients", "impatient", "--json", out,
             folder=self.folder)
        with open(out) as f:
            self.assertEqual(json.load(f)["by_end"], {"deadline": 40})

    def test_what_does_not_fit_into_the_connections_is_counted_and_said(self):
        stop = threading.Event()
        self.addCleanup(stop.set)
        _, url = self.server(lambda path: stop.wait(PATIENCE) and None)
        code, out, _ = weir("load", url, "--rate", "50/s", "--for", "1s", "--arrivals", "constant", "--deadline", "3s", "--connections", "5",
                            "--json", self.path("load.json"), folder=self.folder)
        with open(self.path("load.json")) as f:
            result = json.load(f)
        self.assertEqual(code, 0)
        self.assertEqual(sum(result["by_end"].values()), 50)
        self.assertEqual(result["not_sent"], result["by_end"]["not_sent"])
        self.assertGreater(result["not_sent"], 0)
        self.assertFalse(result["kept_schedule"])
        self.assertIn("NOT KEPT", out)
        self.assertIn(f"{result['not_sent']} not sent", out)

    def test_assertions_set_the_exit_code(self):
        _, url = self.server(lambda path: (200 if path == "/ok" else 500, {}, b""))
        some = ["--rate", "20/s", "--for", "1s", "--arrivals", "constant"]
        within = f"p99 < {2 * PATIENCE:.0f}s"
        self.load(url + "/ok", *some, "--assert", within, "--assert", "success >= 100%", "--assert", "errors <= 0%", "--assert", "goodput >= 20/s")
        result = self.load(url + "/ok", *some, "--assert", within, "--assert", "max < 1ns", expected=1)
        self.assertEqual([a["holds"] for a in result["assertions"]], [True, False])
        # A server that only fails is not fast.
        result = self.load(url + "/no", *some, "--assert", within, expected=1)
        self.assertEqual(result["assertions"][0]["measured"], "no call was good")

    def test_an_interrupted_load_says_what_came_of_it_and_shows_nothing(self):
        server, url = self.server()
        process = subprocess.Popen([weir_process.BINARY, "load", url, "--rate", "50/s", "--for", "1h", "--count", "1000000", "--assert", "p99 < 1h",
                                    "--json", self.path("load.json")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        eventually(lambda: len(server.seen) > 5, "requests")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertIn("interrupted", out)
        with open(self.path("load.json")) as f:
            result = json.load(f)
        self.assertTrue(result["interrupted"])
        self.assertEqual(result["attempts"], len(server.seen))

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return name

    def test_a_file_describes_several_kinds_of_clients_which_are_counted_apart(self):
        server, url = self.server(lambda path: (200 if path == "/browse" else 503, {}, b""))
        name = self.write("mix.yaml", f"""
for: 1s
streams:
  shoppers:
    rate: 100/s
    arrivals: constant
    requests:
      browse: {{ url: "{url}/browse", weight: 3, headers: {{ X-Priority: high }} }}
      order: {{ url: "{url}/order", method: PUT, body: '{{}}' }}
  batch:
    profile: "0:10"
    arrivals: constant
    clients: naive
    tries: 2
    requests:
      report: {{ url: "{url}/report" }}
assert: ["errors < 100%"]
""")
        result = self.load(name)
        labels = result["by_label"]
        self.assertEqual(set(labels), {"shoppers/browse", "shoppers/order", "batch/report"})
        self.assertEqual(result["calls"], 110)
        self.assertEqual(sum(row["calls"] for row in labels.values()), 110)
        seen = {path: sum(1 for r in server.seen if r[1] == path) for path in ("/browse", "/order", "/report")}
        self.assertEqual(seen["/browse"], labels["shoppers/browse"]["good"])
        self.assertEqual(seen["/order"], labels["shoppers/order"]["calls"])
        self.assertEqual(seen["/browse"] + seen["/order"], 100)
        self.assertLess(seen["/order"], seen["/browse"])
        self.assertEqual(labels["batch/report"]["calls"], 10)
        self.assertEqual(seen["/report"] + result["cut_off"], 20)
        self.assertEqual({r[2].get("X-Priority") for r in server.seen if r[1] == "/browse"}, {"high"})
        self.assertTrue(result["assertions"][0]["holds"])

    def test_mistakes_of_a_file_are_named_with_their_places(self):
        server, url = self.server()
        good = f'streams: {{ a: {{ rate: 1/s, requests: {{ x: {{ url: "{url}" }} }} }} }}\n'
        for text, said in [
                ("", "streams: has to be a map"),
                ("streams: {}\n", "streams: has to be a map"),
                ("streams: { a: { rate: 1/s } }\n", "streams.a.requests: has to be a map"),
                (f'streams: {{ a: {{ requests: {{ x: {{ url: "{url}" }} }} }} }}\n', "needs either a rate or a profile"),
                (f'streams: {{ a: {{ rate: 1/s, profile: "1", requests: {{ x: {{ url: "{url}" }} }} }} }}\n', "needs either a rate or a profile"),
                (f'streams: {{ a: {{ rate: 0/s, requests: {{ x: {{ url: "{url}" }} }} }} }}\n', "sends nothing"),
                (f'streams: {{ a: {{ rate: 1, requests: {{ x: {{ url: "{url}" }} }} }} }}\n', "streams.a.rate: '1' has no unit"),
                (f'streams: {{ a: {{ rate: 1/s, requests: {{ x: {{ url: "{url}", weight: 0 }} }} }} }}\n', "no request with a weight"),
                (f'streams: {{ a: {{ rate: 1/s, requests: {{ x: {{ url: "{url}", weight: -1 }} }} }} }}\n', "is no weight"),
                (f'streams: {{ a: {{ rate: 1/s, requests: {{ x: {{ uri: "{url}" }} }} }} }}\n', "unknown key; did you mean url"),
                ('streams: { a: { rate: 1/s, requests: { x: { url: "http://192.0.2.1" } } } }\n', "--target-is-mine"),
                (good + "for: 25h\n", "longer than a day"),
                (good + "assert: [p98 < 1s]\n", "names nothing that is measured"),
                (good + "scenario: 1\n", "unknown key"),
                (good + good, "streams"),
                ("a: [", "mix.yaml:"),
        ]:
            code, out, err = weir("load", self.write("mix.yaml", text), folder=self.folder)
            self.assertEqual((code, out), (2, ""), (text, err))
            self.assertIn(said, err, text)
            self.assertIn("mix.yaml", err)
        code, _, err = weir("load", self.write("mix.yaml", good), "--rate", "1/s", folder=self.folder)
        self.assertEqual((code, err.count("\n")), (2, 1))
        self.assertIn("leave --rate out", err)
        code, _, err = weir("load", "nowhere.yaml", folder=self.folder)
        self.assertEqual((code, err.count("\n")), (2, 1))
        self.assertEqual(server.seen, [])

    def test_the_page_needs_nothing_else_and_shows_what_the_table_says(self):
        _, url = self.server()
        self.load(url + "/?a=<b>&c", "--rate", "50/s", "--for", "1s", "--arrivals", "constant", "--html", self.path("load.html"))
        with open(self.path("load.html")) as f:
            page = f.read()
        self.assertIn("50 good (100 %)", page)
        self.assertEqual(page.count("<svg"), 2)
        self.assertIn("&lt;b&gt;&amp;c", page)
        self.assertNotIn("<b>", page)
        for outside in ("src=", "href=", "@import", "<script", "url("):
            self.assertNotIn(outside, page)

    def test_two_loads_stand_on_one_page_with_one_scale_and_their_marks(self):
        server, url = self.server()
        common = (url, "--for", "1s", "--arrivals", "constant")
        self.load(*common, "--rate", "20/s", "--title", "the <first>", "--mark", "500ms=now & then")
        os.rename(self.path("load.json"), self.path("first.json"))
        self.load(*common, "--rate", "400/s", "--title", "the second", "--compare", self.path("first.json"),
                  "--html", self.path("both.html"))
        with open(self.path("both.html")) as f:
            page = f.read()
        self.assertLess(page.index("<h1>the &lt;first&gt;</h1>"), page.index("<h1>the second</h1>"))
        self.assertEqual((page.count("<svg"), page.count(">500 /s<"), page.count("now &amp; then")), (4, 2, 2), page)
        self.assertEqual((page.count("20: 20 good"), page.count("400: 400 good")), (1, 1), page)

    def test_what_is_no_load_cannot_be_compared_and_that_is_said_before_the_load(self):
        server, url = self.server()
        for text, said in ((None, "cannot be read"), ("", "is empty"), ("{}", "is not what"), ('{"slice_ms":1,"slices":[]}', "is not what")):
            if text is not None:
                self.write("other.json", text)
            code, out, err = weir("load", url, "--rate", "10/s", "--html", self.path("page.html"), "--compare", "other.json",
                                  folder=self.folder)
            self.assertEqual((code, err.count("\n")), (2, 1), err)
            self.assertIn(said, err)
        self.assertEqual(server.seen, [])

    def test_answers_that_are_not_the_services_own_are_counted(self):
        server, url = self.server(lambda path: (200, {"/hit": {"Cache-Status": "weir; hit; detail=stale"}, "/missed": {
            "Cache-Status": "weir; fwd=miss"}, "/degraded": {"Weir-Degraded": "breaker_open"}}[path], b""))
        for path, expected in (("/hit", 5), ("/missed", 0), ("/degraded", 5)):
            result = self.load(url + path, "--rate", "5/s", "--for", "1s", "--arrivals", "constant")
            self.assertEqual((result["good"], result["stood_in"]), (5, expected), path)
            self.assertEqual(sum(s["stood_in"] for s in result["slices"]), expected)

    def test_json_goes_to_standard_output_alone(self):
        _, url = self.server()
        code, out, err = weir("load", url, "--rate", "10/s", "--for", "1s", "--arrivals", "constant", "--json", "-", folder=self.folder)
        self.assertEqual((code, json.loads(out)["good"], err), (0, 10, ""))

    def test_bad_input_is_refused_in_one_line_before_anything_is_sent(self):
        server, url = self.server()
        rate = ["--rate", "10/s"]
        for options, said in [
                ([url], "--rate 800/s, or --profile"),
                ([url, *rate, "--profile", "1"], "--rate 800/s, or --profile"),
                ([url, "--rate", "10"], "has no unit"),
                ([url, "--rate", "0/s"], "sends nothing"),
                ([url, "--rate", "1e9/s"], "is not a rate"),
                ([url, "--rate", "2000000/s"], "at most 1000000/s"),
                ([url, "--profile", "20:5"], "sends nothing"),
                ([url, "--profile", "5:1,1:1"], "--profile: "),
                ([url, *rate, "--for", "0s"], "must be more than 0"),
                ([url, *rate, "--for", "forever"], "--for: "),
                ([url, *rate, "--for", "48h"], "at most 1d"),
                ([url, "--rate", "100000/s", "--for", "1h"], "about 360000000 calls"),
                ([url, *rate, "--arrivals", "uniform"], "none of poisson, constant"),
                ([url, *rate, "--clients", "polite"], "none of none, naive"),
                ([url, *rate, "--tries", "0"], "--tries: "),
                ([url, *rate, "--deadline", "0s"], "--deadline: "),
                ([url, *rate, "--connections", "0"], "--connections: "),
                ([url, *rate, "--count", "0"], "--count: "),
                ([url, *rate, "--header", "nonsense"], "write 'Name: value'"),
                ([url, *rate, "--header", "A: b\r\nC: d"], "is no header"),
                ([url, *rate, "--header", "content-length: 3"], "written by weir load itself"),
                ([url, *rate, "--method", "G T"], "is no method"),
                ([url, *rate, "--body", "@nowhere"], "nowhere cannot be read"),
                ([url, *rate, "--events", "3", "--body", "x"], "leave the other one out"),
                ([url, *rate, "--events", "10001"], "at most 10000 events"),
                ([url, *rate, "--assert", "p98 < 1s"], "names nothing that is measured"),
                ([url, *rate, "--assert", "p99"], "compares nothing"),
                ([url, *rate, "--mark", "soon"], "--mark: "),
                ([url, *rate, "--mark", "11s=after its end"], "--mark: "),
                ([url, *rate, "--compare", "nowhere.json"], "write --html FILE too"),
                (["ftp://x", *rate], "does not begin with http://"),
                (["https://127.0.0.1:1/", *rate], "no TLS"),
                (["http://192.0.2.1/", *rate], "--target-is-mine"),
        ]:
            code, out, err = weir("load", *options, folder=self.folder)
            self.assertEqual((code, out), (64, ""), (options, err))
            self.assertIn(said, err, options)
            self.assertEqual(err.count("\n"), 1, err)
        self.assertEqual(server.seen, [])

    def test_a_report_that_cannot_be_written_is_found_out_before_the_load(self):
        server, url = self.server()
        code, _, err = weir("load", url, "--rate", "10/s", "--json", self.path("no/such/folder.json"), folder=self.folder)
        self.assertEqual(code, 1)
        self.assertIn("cannot be written", err)
        self.assertEqual(server.seen, [])


if __name__ == "__main__":
    main()
