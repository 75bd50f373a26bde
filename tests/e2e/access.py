"""Who may come in: tokens, users and client certificates at the sources and at the admin listener, pages of other origins,
and certificates and secrets that are renewed while Weir runs, without a signal and without a restart."""
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from clients import events, ndjson, post
from weir_process import PATIENCE, WeirTest, eventually, main, weir

OPENSSL = shutil.which("openssl")
FLOW = """memory: 256MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored MORE }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" ADMIN_MORE }
"""
LINES = """memory: 256MiB
sources:
  in: { type: tcp, listen: "@HTTP" MORE }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""


def bearer(token):
    return f"Bearer {token}"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Access(WeirTest):
    def put(self, name, text):
        """Moved into place, as whoever renews a file should do it."""
        with open(self.path(name + ".new"), "w") as f:
            f.write(text)
        os.rename(self.path(name + ".new"), self.path(name))

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def flow(self, more="", admin="", text=FLOW):
        return text.replace("ADMIN_MORE", admin).replace("MORE", more)

    def stored(self):
        return self.read("out.ndjson").splitlines() if os.path.exists(self.path("out.ndjson")) else []

    def status(self, w, authorization=None, **headers):
        if authorization is not None:
            headers["authorization"] = authorization
        return post(w.address, ndjson(events("x", 1)), **headers).status

    def refusals(self, w, reason="unauthorized"):
        return next(row for row in w.ledger()["sources"] if row["name"] == "in")["reasons"].get(reason, 0)


class Tokens(Access):
    def test_who_sends_a_token_of_the_list_is_let_in_and_others_are_told_how(self):
        self.put("token", "hunter2\n")
        w = self.start(self.flow(', auth_bearer: [ "file:token", "${OTHER}" ]'), env={"OTHER": "swordfish"})
        for authorization in ("Bearer hunter2", "bearer hunter2", "BEARER  swordfish"):
            self.assertEqual(self.status(w, authorization), 200, authorization)
        for authorization in (None, "", "Bearer", "Bearer hunter", "Bearer hunter2x", "Bearer HUNTER2", "hunter2", basic("hunter2", "")):
            answer = post(w.address, ndjson(events("y", 3)), **({} if authorization is None else {"authorization": authorization}))
            self.assertEqual(answer.status, 401, authorization)
            self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="weir"')
            self.assertEqual((answer.json["error"], answer.json["status"]), ("unauthorized", 401))
            self.assertNotIn("hunter2", answer.body)
        self.assertEqual(len(self.stored()), 3)
        self.assertEqual(self.refusals(w), 8)
        self.assertEqual(w.stop(), 0)
        self.assertNotIn("hunter2", w.log())

    def test_who_guesses_is_refused_for_a_while_and_nobody_else(self):
        w = self.start(self.flow(", auth_basic: { ops: swordfish }"))
        for n in range(10):
            self.assertEqual(self.status(w, basic("ops", f"guess{n}")), 401)
        answer = post(w.address, ndjson(events("x", 1)), authorization=basic("ops", "swordfish"))
        self.assertEqual((answer.status, answer.json["error"]), (429, "too_many_guesses"))
        self.assertTrue(1 <= answer.retry_after <= 60, answer)
        elsewhere = http.client.HTTPConnection(*w.address, timeout=PATIENCE, source_address=("127.0.0.2", 0))
        self.addCleanup(elsewhere.close)
        self.assertEqual(post(w.address, ndjson(events("x", 1)), connection=elsewhere, authorization=basic("ops", "swordfish")).status, 200)
        self.assertEqual((self.refusals(w), self.refusals(w, "too_many_guesses")), (10, 1))
        w.says("10 wrong tokens or passwords came from 127.0.0.1 within 60 s")
        self.assertEqual(len(self.stored()), 1)

    def test_a_client_that_was_not_told_of_a_new_token_guesses_nothing(self):
        w = self.start(self.flow(", auth_bearer: hunter3"))
        for _ in range(50):
            self.assertEqual(self.status(w, bearer("hunter2")), 401)
        self.assertEqual(self.status(w), 401)
        self.assertEqual(self.status(w, bearer("hunter3")), 200)

    def test_nothing_of_a_stranger_is_told_apart(self):
        """A wrong path, a wrong method, an unknown type: whoever is not known learns nothing else."""
        w = self.start(self.flow(", auth_bearer: [ hunter2 ]"))
        self.assertEqual(post(w.address, b"{}\n", path="/no").status, 401)
        self.assertEqual(post(w.address, None, method="GET").status, 401)
        self.assertEqual(post(w.address, b"x", content_type="text/csv").status, 401)

    def test_two_authorization_fields_are_none(self):
        w = self.start(self.flow(", auth_bearer: [ hunter2 ]"))
        with socket.create_connection(w.address, timeout=PATIENCE) as s:
            s.sendall(b"POST /events HTTP/1.1\r\nHost: w\r\nConnection: close\r\nAuthorization: Bearer no\r\nAuthorization: Bearer hunter2\r\n"
                      b"Content-Length: 3\r\n\r\n{}\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 401 "))

    def test_a_large_body_without_a_token_is_answered_and_not_read(self):
        w = self.start(self.flow(", auth_bearer: [ hunter2 ], max_body: 8MiB"))
        answer = post(w.address, ndjson([{"x": "y" * 900} for _ in range(4000)]))
        self.assertEqual(answer.status, 401)

    def test_users_have_passwords(self):
        self.put("password", "open sesame: again\n")
        w = self.start(self.flow(", auth_basic: { ops: file:password }, auth_bearer: [ hunter2 ]"))
        self.assertEqual(self.status(w, basic("ops", "open sesame: again")), 200)
        self.assertEqual(self.status(w, bearer("hunter2")), 200)
        for wrong in (basic("ops", "open sesame"), basic("ops", ""), basic("OPS", "open sesame: again"), basic("", ""), "Basic ops:x", "Basic"):
            self.assertEqual(self.status(w, wrong), 401, wrong)

    def test_what_everybody_would_know_is_refused_at_the_start(self):
        self.put("empty", "\n")
        self.put("two", "hunter2\nhunter3\n")
        for more, what in ((', auth_bearer: [ "file:empty" ]', "sources.in.auth_bearer: token 1 is empty"),
                           (', auth_bearer: [ "${NOTHING:-}" ]', "sources.in.auth_bearer: token 1 is empty"),
                           (", auth_bearer: []", "sources.in.auth_bearer: is an empty list"),
                           (', auth_bearer: [ "file:two" ]', "sources.in.auth_bearer: token 1 holds a blank, a line feed"),
                           (", auth_basic: { ops: file:empty }", "sources.in.auth_basic: the password of user 1 is empty"),
                           (", auth_basic: { 'o:ps': x }", "sources.in.auth_basic: the name of user 1")):
            with self.subTest(more):
                self.write(self.flow(more).replace("@HTTP", "127.0.0.1:1").replace("@ADMIN", "127.0.0.1:2"))
                code, out, err = weir("check", "weir.yaml", folder=self.folder)
                self.assertEqual(code, 2, out)
                self.assertIn(what, err)
                self.assertNotIn("hunter", err)

    def write(self, text):
        with open(self.path("weir.yaml"), "w") as f:
            f.write(text.replace("@DIR", self.folder))

    def test_secrets_are_in_no_print(self):
        self.put("token", "hunter2\n")
        self.write(self.flow(', auth_bearer: [ "file:token", "${OTHER}", literal9 ], auth_basic: { ops: pass9 }',
                             ', auth_bearer: literal8').replace("@HTTP", "127.0.0.1:1").replace("@ADMIN", "127.0.0.1:2"))
        for form in ("--print", "--json", "--graph"):
            code, out, err = weir("check", form, "weir.yaml", folder=self.folder, env={"OTHER": "swordfish"})
            self.assertEqual(code, 0, err)
            for secret in ("hunter2", "swordfish", "literal9", "literal8", "pass9"):
                self.assertNotIn(secret, out + err, form)

    def test_a_token_that_was_taken_away_ends_at_the_next_request_of_an_open_connection(self):
        self.put("token", "hunter2\n")
        w = self.start(self.flow(", auth_bearer: file:token"))
        connection = http.client.HTTPConnection(*w.address, timeout=PATIENCE)
        self.addCleanup(connection.close)
        send = lambda token: post(w.address, ndjson(events("x", 1)), connection=connection, authorization=bearer(token)).status
        self.assertEqual(send("hunter2"), 200)
        self.put("token", "hunter3\n")
        eventually(lambda: send("hunter2") == 401, "the old token is no longer taken")
        self.assertEqual(send("hunter3"), 200)
        w.says("sources.in.auth_bearer: has another value, which is not shown: applied")
        self.put("token", "")
        w.says("secrets that were replaced are not taken over")
        w.says("token 1 is empty")
        self.assertEqual(send("hunter3"), 200)
        self.assertEqual(send(""), 401)
        self.put("token", "hunter4\n")
        eventually(lambda: send("hunter4") == 200, "the next change is tried again")
        self.assertEqual(self.renewals(w), (2, 1))
        self.assertNotIn("hunter", w.log())

    def renewals(self, w):
        page = w.get("/metrics")[1]
        return tuple(int(float(next(line for line in page.splitlines() if line.startswith(f'weir_file_renewals_total{{result="{how}"}}'))
                               .rsplit(" ", 1)[1])) for how in ("taken", "refused"))

    def test_other_changes_of_the_configuration_wait_for_a_signal_and_the_secrets_with_them(self):
        self.put("token", "hunter2\n")
        w = self.start(self.flow(", auth_bearer: file:token"))
        w.write(self.flow(", auth_bearer: file:token, when_full: block"))
        self.put("token", "hunter3\n")
        w.says("secrets that were replaced are not taken over: sources.in.when_full: block, was reject: send SIGHUP")
        self.assertEqual(self.status(w, bearer("hunter3")), 401)
        w.signal(1)
        w.says("reload: sources.in.auth_bearer: has another value, which is not shown: applied")
        self.assertEqual((self.status(w, bearer("hunter3")), self.status(w, bearer("hunter2"))), (200, 401))

    def test_a_replay_sends_a_token(self):
        self.put("token", "hunter2\n")
        self.put("letters", json.dumps({"reason": "sink_rejected", "why": "no", "origin": "out", "attempts": 1, "at_ms": 1, "event": '{"id":"e1"}'}) + "\n")
        w = self.start(self.flow(", auth_bearer: file:token"))
        replay = ("replay", "letters", "--to", "http://%s:%d/events" % w.address)
        code, out, err = weir(*replay, folder=self.folder)
        self.assertEqual(code, 1, out + err)
        self.assertIn("answered 401", err)
        code, out, err = weir(*replay, "--token-file", "token", folder=self.folder)
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.stored(), ['{"id":"e1"}'])

    def test_pages_of_other_origins_are_refused(self):
        w = self.start(self.flow(', origins: [ "https://shop.example" ]'))
        self.assertEqual(self.status(w), 200)
        self.assertEqual(self.status(w, origin="https://shop.example"), 200)
        for origin in ("https://evil.example", "null", "http://shop.example", "https://shop.example.evil", "https://SHOP.example"):
            answer = post(w.address, b"{}\n", origin=origin)
            self.assertEqual((answer.status, answer.json["error"]), (403, "origin_refused"), origin)
        self.assertEqual(self.refusals(w, "origin_refused"), 5)
        self.assertEqual(len(self.stored()), 2)


class AdminAccess(Access):
    PATHS = ("/metrics", "/api/graph", "/api/ledger", "/api/pressure", "/api/tap?edge=in", "/nothing")

    def ask_admin(self, w, path, authorization=None, method="GET"):
        connection = http.client.HTTPConnection(*w.admin, timeout=PATIENCE)
        try:
            connection.request(method, path, headers={} if authorization is None else {"Authorization": authorization})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers["WWW-Authenticate"]
        finally:
            connection.close()

    def protected(self, more):
        w = self.start_protected(self.flow("", more))
        self.addCleanup(w.kill)
        return w

    def start_protected(self, text):
        """Its ledger cannot be read without the token: what stops it looks at its last words."""
        from weir_process import Weir
        w = Weir(text, self.folder)
        w.spawn()
        eventually(lambda: w.ready() or w.exited(), lambda: "ready\n" + w.log())
        self.assertTrue(w.ready(), w.log())
        return w

    def test_who_has_no_token_is_told_whether_it_is_ready_and_not_why(self):
        self.put("token", "hunter2\n")
        w = self.protected(", auth_bearer: file:token")
        self.assertEqual(self.ask_admin(w, "/ready")[:2], (200, '{"ready":true}\n'))
        self.assertEqual(self.ask_admin(w, "/ready", bearer("no"))[0], 401)
        self.assertEqual(self.ask_admin(w, "/ready", bearer("hunter2"))[0], 200)

    def test_health_alone_is_for_everybody(self):
        self.put("token", "hunter2\n")
        w = self.protected(", auth_bearer: file:token, auth_basic: { ops: swordfish }")
        self.assertEqual(self.ask_admin(w, "/health")[0], 200)
        for authorization in (None, bearer("no"), basic("ops", "no")):
            for path in self.PATHS:
                status, body, challenge = self.ask_admin(w, path, authorization)
                self.assertEqual(status, 401, path)
                self.assertNotIn(chr(34) + "in" + chr(34), body, "nothing of the flow")
                self.assertIn("Bearer", challenge)
        for path in self.PATHS:
            for authorization in (bearer("hunter2"), basic("ops", "swordfish")):
                self.assertIn(self.ask_admin(w, path, authorization)[0], (200, 404), path)
        self.assertEqual(self.ask_admin(w, "/health", method="POST")[0], 405)
        self.assertEqual(self.ask_admin(w, "/health/../metrics")[0], 401)
        self.assertEqual(w.stop(), 0)

    def test_the_commands_send_a_token(self):
        self.put("token", "hunter2\n")
        self.put("wrong", "hunter1\n")
        self.put("empty", "\n")
        w = self.protected(", auth_bearer: file:token")
        for command in (("why",), ("top", "--once", "--interval", "0.1"), ("tap", "in", "--limit", "1")):
            code, _, err = w.command(*command)
            self.assertEqual(code, 5, err)
            self.assertIn("--token-file", err)
            code, _, err = w.command(*command, "--token-file", "wrong")
            self.assertEqual(code, 5, err)
            self.assertNotIn("hunter", err)
            self.assertEqual(w.command(*command, "--token-file", "empty")[0], 64)
            self.assertEqual(w.command(*command, "--token-file", "none")[0], 64)
        for command in (("why",), ("top", "--once", "--interval", "0.1")):
            self.assertEqual(w.command(*command, "--token-file", "token")[0], 0)
            code, _, err = weir(*command, "--admin", "%s:%d" % w.admin, folder=self.folder, env={"WEIR_ADMIN_TOKEN": "hunter2"})
            self.assertEqual(code, 0, err)
        self.put("token", "hunter3\n")
        eventually(lambda: w.command("why", "--token-file", "token")[0] == 0, "the new token is taken")
        self.assertEqual(self.ask_admin(w, "/metrics", bearer("hunter2"))[0], 401)
        self.assertEqual(w.stop(), 0)
        self.assertNotIn("hunter", w.log())

    def test_who_guesses_is_refused_and_health_still_answers(self):
        w = self.protected(", auth_bearer: hunter2")
        for n in range(10):
            self.assertEqual(self.ask_admin(w, "/metrics", bearer(f"guess{n}"))[0], 401)
        self.assertEqual(self.ask_admin(w, "/metrics", bearer("hunter2"))[0], 429)
        self.assertEqual(self.ask_admin(w, "/health")[0], 200)
        w.says("admin: 10 wrong tokens or passwords came from 127.0.0.1 within 60 s")
        self.assertEqual(w.stop(), 0)

    def test_it_may_listen_for_other_machines_when_it_asks_who_they_are(self):
        text = self.flow("", ", auth_bearer: hunter2").replace("@ADMIN", "0.0.0.0:1").replace("@HTTP", "127.0.0.1:1").replace("@DIR", self.folder)
        tls = ", tls_certificate: c.pem, tls_key: c.key"
        for config, expected in ((text, 0), (text.replace(", auth_bearer: hunter2", ""), 2),
                                 (text.replace(", auth_bearer: hunter2", tls), 2),
                                 (text.replace(", auth_bearer: hunter2", tls + ", tls_client_ca: ca.pem"), 0)):
            with open(self.path("weir.yaml"), "w") as f:
                f.write(config)
            code, _, err = weir("check", "weir.yaml", folder=self.folder)
            self.assertEqual(code, expected, err)


@unittest.skipUnless(OPENSSL, "openssl is not installed")
class Certificates(Access):
    def openssl(self, *args):
        subprocess.run([OPENSSL, *args], check=True, capture_output=True, cwd=self.folder)

    def certificate(self, name, subject="localhost"):
        """name.pem and name.key, self-signed; written where they are not read, then moved there, the certificate first."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={subject}",
                     "-addext", f"subjectAltName=DNS:{subject}", "-days", "2", "-keyout", "made.key", "-out", "made.pem")
        os.rename(self.path("made.pem"), self.path(name + ".pem"))
        os.rename(self.path("made.key"), self.path(name + ".key"))
        return self.read(name + ".pem").strip()

    TLS = ", tls_certificate: cert.pem, tls_key: cert.key"

    def admin_over_tls(self, more=""):
        """It answers no plain request: what waits for it looks at its log."""
        from weir_process import Weir
        w = Weir(self.flow("", self.TLS + more), self.folder)
        w.spawn()
        self.addCleanup(w.kill)
        eventually(lambda: w.ready() or w.exited(), lambda: "ready\n" + w.log())
        self.assertTrue(w.ready(), w.log())
        return w

    def test_admin_speaks_tls_and_the_commands_with_it(self):
        self.certificate("cert")
        self.certificate("other")
        w = self.admin_over_tls()
        self.assertIn("admin: https://", w.log())
        address = "https://%s:%d" % ("localhost", w.admin[1])
        for command in (("why",), ("top", "--once", "--interval", "0.1")):
            code, _, err = weir(*command, "--admin", address, "--ca", "cert.pem", folder=self.folder)
            self.assertEqual(code, 0, err)
            code, _, err = weir(*command, "--admin", address, "--ca", "other.pem", folder=self.folder)
            self.assertEqual(code, 5, "a certificate that it does not believe: " + err)
            code, _, err = weir(*command, "--admin", "%s:%d" % w.admin, folder=self.folder)
            self.assertEqual(code, 5, err)
            self.assertIn("HTTPS", err)
            self.assertEqual(weir(*command, "--admin", address, "--ca", "none.pem", folder=self.folder)[0], 64)
            self.assertEqual(weir(*command, "--admin", address, "--key", "cert.key", folder=self.folder)[0], 64)
        tap = ("tap", "in", "--limit", "1", "--admin", address, "--ca", "cert.pem")
        sent = threading.Event()
        sender = threading.Thread(target=lambda: [post(w.address, ndjson(events("t", 1))) for _ in iter(sent.is_set, True)], daemon=True)
        sender.start()
        code, out, err = weir(*tap, folder=self.folder)
        sent.set()
        sender.join(PATIENCE)
        self.assertEqual(code, 0, err)
        self.assertIn("t-0", out)
        self.assertEqual(w.stop(), 0)

    def test_admin_lets_in_who_shows_a_certificate_and_renews_its_own(self):
        first = self.certificate("cert")
        self.certificate("client", "ops")
        self.certificate("stranger", "ops")
        w = self.admin_over_tls(", tls_client_ca: client.pem, tls_client_names: [ ops ]")
        address = "https://%s:%d" % ("localhost", w.admin[1])
        ask = ("why", "--admin", address, "--ca", "cert.pem")
        self.assertEqual(weir(*ask, folder=self.folder)[0], 5)
        self.assertEqual(weir(*ask, "--cert", "stranger.pem", "--key", "stranger.key", folder=self.folder)[0], 5)
        self.assertEqual(weir(*ask, "--cert", "client.pem", "--key", "client.key", folder=self.folder)[0], 0)
        second = self.certificate("cert")
        self.assertNotEqual(first, second)
        eventually(lambda: ssl.get_server_certificate(w.admin, timeout=PATIENCE).strip() == second, lambda: "the new certificate is shown\n" + w.log())
        w.says("renewed: admin: has read its certificate again")
        self.assertEqual(weir(*ask, "--cert", "client.pem", "--key", "client.key", folder=self.folder)[0], 0)
        self.assertEqual(w.stop(), 0)

    def test_an_admin_listener_whose_certificate_cannot_be_read_ends_the_start(self):
        from weir_process import Weir
        w = Weir(self.flow("", self.TLS), self.folder)
        w.spawn()
        self.addCleanup(w.kill)
        self.assertEqual(w.wait(), 1)
        self.assertIn("admin: ", w.log())
        self.assertIn("cert.pem", w.log())

    def shown(self, w):
        return ssl.get_server_certificate(w.address, timeout=PATIENCE).strip()

    def renewed(self, text):
        first = self.certificate("cert")
        w = self.start(self.flow(self.TLS, text=text))
        self.assertEqual(self.shown(w), first)
        second = self.certificate("cert")
        eventually(lambda: self.shown(w) == second, lambda: "the new certificate is shown\n" + w.log())
        eventually(lambda: 'weir_file_renewals_total{result="taken"} 0' not in w.get("/metrics")[1], "it is counted")
        return w, second

    def test_an_http_source_shows_a_renewed_certificate_without_a_signal(self):
        self.renewed(FLOW)

    def test_a_tcp_source_shows_a_renewed_certificate_without_a_signal(self):
        self.renewed(LINES)

    def test_a_certificate_that_does_not_load_changes_nothing_is_told_once_and_tried_again(self):
        w, shown = self.renewed(FLOW)
        whole = self.read("cert.pem")
        with open(self.path("cert.pem"), "w") as f:
            f.write(whole[:len(whole) // 2])
        w.says("not renewed: source in: cert.pem: no certificate in it")
        self.assertEqual(self.shown(w), shown)
        key = self.read("cert.key")
        third = self.certificate("other")
        self.put("cert.pem", self.read("other.pem"))
        w.says("not renewed: source in: cert.key: is not the key of cert.pem")
        self.assertEqual(self.shown(w), shown)
        os.remove(self.path("cert.key"))
        w.says("cert.key: cannot be read")
        self.assertEqual(self.shown(w), shown)
        self.put("cert.key", self.read("other.key"))
        eventually(lambda: self.shown(w) == third, lambda: "the pair is whole again\n" + w.log())
        self.assertNotIn(key.splitlines()[1], w.log())
        self.assertEqual(sum("no certificate in it" in line for line in w.lines), 1)

    def test_a_link_that_is_switched_is_a_change(self):
        """As Kubernetes renews what it mounts: the names stay, ..data leads elsewhere."""
        shown = []
        for version in ("v1", "v2"):
            os.mkdir(self.path(version))
            shown.append(self.certificate(version + "/cert"))
        os.symlink("v1", self.path("..data"))
        for name in ("cert.pem", "cert.key"):
            os.symlink("..data/" + name, self.path(name))
        w = self.start(self.flow(self.TLS))
        self.assertEqual(self.shown(w), shown[0])
        os.symlink("v2", self.path("..tmp"))
        os.rename(self.path("..tmp"), self.path("..data"))
        eventually(lambda: self.shown(w) == shown[1], lambda: "the new certificate is shown\n" + w.log())
        self.assertFalse(any("not renewed" in line for line in w.lines), w.log())

    def client(self, name=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if name:
            context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context

    def send(self, w, name=None):
        """The status of a request over TLS, or None when there was no answer."""
        connection = http.client.HTTPSConnection(*w.address, timeout=PATIENCE, context=self.client(name))
        try:
            connection.request("POST", "/events", body=b"{}\n")
            return connection.getresponse().status
        except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
            return None
        finally:
            connection.close()

    def test_clients_need_a_certificate_and_one_of_the_names(self):
        self.certificate("cert")
        for name in ("shop.example", "bank.example", "stranger.example"):
            self.certificate(name, name)
        self.put("clients.pem", self.read("shop.example.pem") + self.read("bank.example.pem"))
        w = self.start(self.flow(self.TLS + ", tls_client_ca: clients.pem, tls_client_names: [ shop.example ]"))
        self.assertEqual(self.send(w, "shop.example"), 200)
        for name in (None, "bank.example", "stranger.example"):
            self.assertIsNone(self.send(w, name), name)
        eventually(lambda: self.refusals(w) == 3, lambda: w.graph(source="in"))
        self.assertEqual(len(self.stored()), 1)

    def test_each_certificate_can_have_a_rate_of_its_own(self):
        self.certificate("cert")
        for name in ("shop.example", "bank.example"):
            self.certificate(name, name)
        self.put("clients.pem", self.read("shop.example.pem") + self.read("bank.example.pem"))
        w = self.start(self.flow(self.TLS + ", tls_client_ca: clients.pem, guards: { rate: { limit: 2/h, key: tls_subject } }"))
        self.assertEqual([self.send(w, "shop.example") for _ in range(3)], [200, 200, 429], "on connections of their own")
        self.assertEqual([self.send(w, "bank.example") for _ in range(3)], [200, 200, 429])

    def test_whose_clients_are_let_in_is_renewed_too(self):
        self.certificate("cert")
        for name in ("one", "two"):
            self.certificate(name, name)
        self.put("clients.pem", self.read("one.pem"))
        w = self.start(self.flow(self.TLS + ", tls_client_ca: clients.pem"))
        self.assertEqual((self.send(w, "one"), self.send(w, "two")), (200, None))
        self.put("clients.pem", self.read("two.pem"))
        eventually(lambda: self.send(w, "two") == 200, lambda: "the new one is let in\n" + w.log())
        self.assertIsNone(self.send(w, "one"))

    def test_senders_of_lines_need_a_certificate_too(self):
        self.certificate("cert")
        for name in ("known", "stranger"):
            self.certificate(name, name)
        self.put("clients.pem", self.read("known.pem"))
        w = self.start(self.flow(self.TLS + ", tls_client_ca: clients.pem", text=LINES))

        def send(line, name=None):
            try:
                with self.client(name).wrap_socket(socket.create_connection(w.address, timeout=PATIENCE)) as s:
                    s.sendall(line)
                    s.unwrap()
            except (ssl.SSLError, OSError):
                pass
        send(b'{"id":1}\n')
        send(b'{"id":2}\n', "stranger")
        send(b'{"id":3}\n', "known")
        eventually(lambda: self.stored() == ['{"id":3}'], self.stored)
        eventually(lambda: self.refusals(w) == 2, lambda: w.graph(source="in"))

    def test_a_weir_shows_its_certificate_to_another_and_renews_it(self):
    
        for kind in ("http", "tcp"):
            with self.subTest(kind):
                self.certificate("cert")
                self.certificate("first", "sender")
                second = self.certificate("second", "sender")
                for part in (".pem", ".key"):
                    self.put("sender" + part, self.read("first" + part))
                self.put("clients.pem", self.read("first.pem"))
                receiver = self.start(self.flow(self.TLS + ", tls_client_ca: clients.pem", text=FLOW if kind == "http" else LINES))
                port = receiver.address[1]
                to = f'url: "https://localhost:{port}/events"' if kind == "http" else f'address: "localhost:{port}", tls: true'
                sender = self.start(f"""memory: 256MiB
sources:
  in: {{ type: http, listen: "@HTTP", acks: processed }}
sinks:
  out: {{ type: {kind}, from: [in], {to}, tls_ca: cert.pem, tls_certificate: sender.pem, tls_key: sender.key, on_failure: drop }}
admin: {{ listen: "@ADMIN" }}
""")
                before = len(self.stored())
                self.assertEqual(post(sender.address, ndjson(events(kind, 1))).status, 200)
                eventually(lambda: len(self.stored()) == before + 1, self.stored)
                self.put("sender.key", self.read("second.key"))
                self.put("sender.pem", second + "\n")
                sender.says("renewed: sink out has read its certificates again")
                for w in (sender, receiver):
                    self.assertEqual(w.stop(), 0)

    def test_what_does_not_go_together_is_refused_by_check(self):
        for more, what in ((", tls_client_ca: x.pem", "tls_client_ca without TLS"),
                           (self.TLS + ", tls_client_names: [ shop ]", "tls_client_names without tls_client_ca")):
            for text in (FLOW, LINES):
                with open(self.path("weir.yaml"), "w") as f:
                    f.write(self.flow(more, text=text).replace("@HTTP", "127.0.0.1:1").replace("@ADMIN", "127.0.0.1:2"))
                code, _, err = weir("check", "weir.yaml", folder=self.folder)
                self.assertEqual(code, 2)
                self.assertIn(what, err)


if __name__ == "__main__":
    main()
