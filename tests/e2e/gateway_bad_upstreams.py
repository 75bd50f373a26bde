"""Services that do everything wrong: each has one clear answer, nothing is lost from the account, and nothing is sent
twice that may have happened.
"""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest

from gateway_kit import GatewayTest, read_head
from weir_process import PATIENCE, eventually, main

OPENSSL = shutil.which("openssl")
GET = b"GET /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class BadUpstreams(GatewayTest):
    def says(self, *pieces, end=None, wait=None):
        """A service that reads a head, then sends the pieces; the number of requests it has read."""
        count = [0]

        def script(s):
            while True:
                head, rest = read_head(s)
                if not head:
                    return
                count[0] += 1
                while b"Content-Length: 3" in head and len(rest) < 3:
                    rest += s.recv(65536)
                for piece in pieces:
                    s.sendall(piece)
                if wait:
                    wait.wait(PATIENCE)
                if end:
                    return end(s)
                if not wait:
                    return
        peer = self.peer(script)
        return peer, count

    def outcome(self, peer, request=GET, more="", route=""):
        self.run_gateway(peer.address, more=more, route=route)
        answer = self.raw(request)
        account = self.settled()
        self.assertEqual(account["difference"], 0)
        return answer, account

    def test_what_is_no_answer_is_502_and_nothing_is_sent_twice(self):
        for name, pieces in (("nothing", []), ("garbage", [b"\x16\x03\x01garbage\r\n\r\n"]), ("half a head", [b"HTTP/1.1 200 OK\r\nX: "]),
                             ("bare LF", [b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"]), ("two lengths", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello"]),
                             ("length and chunks", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]),
                             ("a space before the colon", [b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"]), ("a folded line", [b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"]),
                             ("status 99", [b"HTTP/1.1 099 X\r\n\r\n"]), ("HTTP/2", [b"HTTP/2 200\r\n\r\n"]), ("a head without end", [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000]),
                             ("1xx without end", [b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000]), ("1xx and no answer", [b"HTTP/1.1 102 Processing\r\n\r\n"]),
                             ("101 unasked", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\n\r\n"])):
            with self.subTest(name):
                peer, count = self.says(*pieces)
                answer, account = self.outcome(peer, POST, more="    retry: { attempts: 3, budget: 100% }")
                last = answer[answer.rindex(b"HTTP/1.1 "):]
                self.assertTrue(last.startswith(b"HTTP/1.1 502"), answer)
                self.assertIn(b"Weir-Reason: upstream_failed", last)
                self.assertEqual(account["refused"], {"upstream_failed": 1})
                self.assertEqual(count[0], 1, "a POST may have happened")

    def test_an_answer_that_breaks_off_never_looks_whole(self):
        for name, pieces, end in (("too short", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"], None),
                                  ("in a chunk", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello"], None),
                                  ("between chunks", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"], None),
                                  ("without the last line", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"], None),
                                  ("a damaged chunk", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX"], None),
                                  ("reset in the body", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"], reset)):
            with self.subTest(name):
                peer, count = self.says(*pieces, end=end)
                answer, account = self.outcome(peer, more="    retry: { attempts: 3, budget: 100% }")
                self.assertTrue(answer.endswith(b"RESET"), answer)
                self.assertNotIn(b"upstream_failed", answer, "no foreign byte")
                self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)
                self.assertEqual((account["abandoned"], count[0]), ({"upstream_failed": 1}, 1))

    def test_what_is_too_much_is_left_out(self):
        peer, _ = self.says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        self.run_gateway(peer.address)
        self.assertEqual(self.ask()[2], b"hello")
        self.assertEqual(self.ask()[2], b"hello", "the connection was not used again")
        self.assertEqual(peer.listener.fileno() >= 0 and self.settled()["answered"]["2xx"], 2)

    def test_an_early_answer_reaches_a_client_that_still_sends(self):
        def script(s):
            read_head(s)
            s.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        peer = self.peer(script)
        self.run_gateway(peer.address)
        with socket.create_connection(self.weir.address, timeout=PATIENCE) as s:
            s.sendall(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 28000000\r\n\r\n")

            def send():
                try:
                    for _ in range(28):
                        s.sendall(b"x" * 1_000_000)
                except OSError:
                    pass
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            head, rest = read_head(s)
            self.assertIn(b" 413 ", head)
            sender.join(PATIENCE)
        account = self.settled()
        self.assertEqual((account["answered"]["4xx"], account["difference"]), (1, 0))

    def test_silence_is_504_at_the_deadline_and_a_late_answer_is_nobodys(self):
        late = threading.Event()
        self.addCleanup(late.set)
        heads = []

        def script(s):
            while True:
                head, _ = read_head(s)
                if not head:
                    return
                heads.append(head)
                if b"/late" in head:
                    late.wait(PATIENCE)
                    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer = self.peer(script)
        self.run_gateway(peer.address, route="        deadline_from: X-Time", more="    retry: { attempts: 3, budget: 100% }")
        status, fields, _ = self.ask("/late", headers={"X-Time": "150ms"})
        self.assertEqual((status, fields["Weir-Reason"]), (504, "deadline_exceeded"))
        late.set()
        for _ in range(3):
            self.assertEqual(self.ask()[2], b"ok", "not the late one of somebody else")
        self.assertEqual(sum(b"/late" in head for head in heads), 1, "nothing is retried after the deadline")
        self.assertEqual(self.settled()["difference"], 0)

    def test_a_body_without_end_ends_with_its_client_and_a_slow_drip_reaches_it(self):
        def endless(s):
            head, _ = read_head(s)
            s.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            if b"/drip" in head:
                for _ in range(5):
                    s.sendall(b"x")
                    time.sleep(0.02)
                return
            while True:
                s.sendall(b"y" * 65536)
        peer = self.peer(endless)
        self.run_gateway(peer.address)
        self.assertEqual(self.ask("/drip")[2], b"xxxxx")
        with socket.create_connection(self.weir.address, timeout=PATIENCE) as s:
            s.sendall(GET)
            got = 0
            while got < 8 << 20:
                got += len(s.recv(1 << 16))
        account = self.settled()
        self.assertEqual((account["abandoned"], account["difference"]), ({"client_gone": 1}, 0))

    def test_all_endpoints_down_is_one_answer_and_back_is_back(self):
        service = self.service("--slots", "2")
        service.kill()
        self.run_gateway(service.address, "127.0.0.1:1")
        for _ in range(5):
            status, fields, _ = self.ask()
            self.assertEqual((status, fields["Weir-Reason"]), (503, "upstream_unreachable"))
            self.assertIn("Retry-After", fields)
        service.start()
        eventually(lambda: self.ask()[0] == 200, "it is found again")
        self.assertEqual(self.settled()["difference"], 0)

    def test_a_name_without_an_address_is_said_so(self):
        self.run_gateway("nowhere.invalid:80", "localhost:1")
        for _ in range(4):
            status, fields, _ = self.ask()
            self.assertEqual((status, fields["Weir-Reason"]), (503, "upstream_unreachable"))
        errors = [e["last_error"] for e in self.weir.ask("/api/ledger")["upstreams"][0]["endpoints"]]
        self.assertIn("its name was not resolved", errors[0])
        self.assertIn("Connection refused", errors[1])


@unittest.skipUnless(OPENSSL, "openssl is not installed")
class Tls(GatewayTest):
    def openssl(self, *args):
        subprocess.run([OPENSSL, *args], check=True, capture_output=True, cwd=self.folder)

    def certificate(self, name, subject="localhost", days="2"):
        """name.pem and name.key, self-signed for the subject and 127.0.0.1."""
        with open(self.path("names"), "w") as f:
            f.write(f"subjectAltName=DNS:{subject}" + (",IP:127.0.0.1" if subject == "localhost" else ""))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={subject}", "-keyout", "made.key", "-out", "made.csr")
        self.openssl("x509", "-req", "-in", "made.csr", "-signkey", "made.key", "-days", days, "-extfile", "names", "-out", "made.pem")
        for end in ("pem", "key"):
            os.rename(self.path("made." + end), self.path(f"{name}.{end}"))
        return self.path(name)

    def tls_service(self, certificate, client_ca=None):
        """Answers with what it has learned of the connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate + ".pem", certificate + ".key")
        context.set_alpn_protocols(["h2", "http/1.1"])
        names = []
        context.sni_callback = lambda s, name, c: names.append(name)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED

        def script(raw):
            s = context.wrap_socket(raw, server_side=True)
            while read_head(s)[0]:
                said = f"{s.selected_alpn_protocol()} {names[-1:]} {bool(s.getpeercert())}".encode()
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
            s.close()
        return self.peer(script)

    def upstream_answers(self, certificate, more, host="localhost"):
        peer = self.tls_service(certificate)
        self.run_gateway(peer.address.replace("127.0.0.1", host), more=more)
        status, fields, body = self.ask()
        self.assertEqual(self.settled()["difference"], 0)
        return status, fields.get("Weir-Reason"), body.decode()

    def test_an_upstream_is_spoken_to_over_tls_and_kept(self):
        name = self.certificate("good")
        status, _, body = self.upstream_answers(name, f"    tls: true\n    tls_ca: {name}.pem")
        self.assertEqual((status, body), (200, "http/1.1 ['localhost'] False"))
        self.assertEqual(self.ask()[0], 200)
        self.assertEqual(self.weir.ask("/api/ledger")["upstreams"][0]["endpoints"][0]["reused"], 1)

    def test_a_certificate_that_is_not_right_is_no_connection(self):
        good, other, old = self.certificate("good"), self.certificate("other", "other.example"), self.certificate("old", days="-1")
        for name, certificate, ca, host, said in (("unknown", good, other, "localhost", "not trusted"), ("another name", other, other, "localhost", "not trusted"),
                                                  ("expired", old, old, "localhost", "expired"), ("another address", other, other, "127.0.0.1", "not trusted"),
                                                  ("by the system", good, None, "localhost", "not trusted")):
            with self.subTest(name):
                status, reason, body = self.upstream_answers(certificate, "    tls: true" + (f"\n    tls_ca: {ca}.pem" if ca else ""), host)
                self.assertEqual((status, reason), (503, "upstream_unreachable"), body)
                self.assertIn(said, body)
        status, _, body = self.upstream_answers(other, f"    tls: true\n    tls_ca: {other}.pem\n    tls_server_name: other.example")
        self.assertEqual((status, body), (200, "http/1.1 ['other.example'] False"))

    def test_who_speaks_no_tls_or_never_answers_the_hello_is_no_connection(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        for name, script in (("plain", lambda s: s.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")), ("silent", lambda s: hold.wait(PATIENCE)), ("closed", lambda s: s.close())):
            with self.subTest(name):
                peer = self.peer(script)
                self.run_gateway(peer.address, more="    tls: true\n    connect_timeout: 300ms")
                status, fields, _ = self.ask()
                self.assertEqual((status, fields["Weir-Reason"]), (503, "upstream_unreachable"))
                self.assertEqual(self.settled()["difference"], 0)

    def test_the_gateway_shows_its_certificate_to_who_asks(self):
        server, client = self.certificate("server"), self.certificate("client")
        peer = self.tls_service(server, client_ca=client + ".pem")
        self.run_gateway(peer.address.replace("127.0.0.1", "localhost"),
                         more=f"    tls: true\n    tls_ca: {server}.pem\n    tls_certificate: {client}.pem\n    tls_key: {client}.key")
        status, _, body = self.ask()
        self.assertEqual((status, body), (200, b"http/1.1 ['localhost'] True"))

    def tls_client(self, ca, alpn=("h2", "http/1.1"), certificate=None):
        context = ssl.create_default_context(cafile=ca + ".pem")
        context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(certificate + ".pem", certificate + ".key")
        s = context.wrap_socket(socket.create_connection(self.weir.address, timeout=PATIENCE), server_hostname="localhost")
        self.addCleanup(s.close)
        return s

    def test_a_gateway_speaks_tls_and_takes_a_renewed_certificate(self):
        self.certificate("edge")
        shutil.copy(self.path("edge.pem"), self.path("first.pem"))
        heads = []

        def script(s):
            while head := read_head(s)[0]:
                heads.append(head)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        peer = self.peer(script)
        self.run_gateway(peer.address, gateway="    tls_certificate: edge.pem\n    tls_key: edge.key")
        s = self.tls_client(self.path("first"))
        self.assertEqual(s.selected_alpn_protocol(), "http/1.1")
        s.sendall(GET.replace(b"Connection: close\r\n", b""))
        self.assertIn(b"200 OK", read_head(s)[0])
        self.assertIn(b"X-Forwarded-Proto: https", heads[0])
        self.certificate("edge")
        self.weir.signal(1)
        self.weir.says("gateway edge: has read its certificate again")
        self.tls_client(self.path("edge")).sendall(GET)
        with self.assertRaises(ssl.SSLError):
            self.tls_client(self.path("first"))
        s.sendall(GET)
        self.assertIn(b"200 OK", read_head(s)[0], "an open connection lives on")
        self.assertNotIn(b"200", self.raw(GET), "it speaks TLS only")

    def test_a_gateway_lets_in_who_shows_a_certificate(self):
        edge, client = self.certificate("edge"), self.certificate("client", "client.example")
        service = self.service("--slots", "2")
        self.run_gateway(service.address, gateway="    tls_certificate: edge.pem\n    tls_key: edge.key\n    tls_client_ca: client.pem\n"
                         "    tls_client_names: [client.example]")
        s = self.tls_client(edge, certificate=client)
        s.sendall(GET)
        self.assertIn(b"200 OK", read_head(s)[0])
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            nobody = self.tls_client(edge)
            nobody.sendall(GET)
            if not nobody.recv(1):
                raise ConnectionError
        self.assertEqual(self.settled()["in"], 1)

    def test_each_certificate_can_have_a_rate_of_its_own_on_a_route(self):
        edge = self.certificate("edge")
        clients = [self.certificate(name, name) for name in ("shop.example", "bank.example")]
        with open(self.path("clients.pem"), "w") as f:
            for name in ("shop.example", "bank.example"):
                f.write(open(self.path(name + ".pem")).read())
        service = self.service("--slots", "2")
        self.run_gateway(service.address, route="        guards: { rate: { limit: 2/h, burst: 2, key: tls_subject } }",
                         gateway="    tls_certificate: edge.pem\n    tls_key: edge.key\n    tls_client_ca: clients.pem\n")

        def status(certificate):
            s = self.tls_client(edge, certificate=certificate)
            s.sendall(GET)
            return int(read_head(s)[0].split()[1])
        for certificate in clients:
            self.assertEqual([status(certificate) for _ in range(3)], [200, 200, 429], "on connections of their own")


if __name__ == "__main__":
    main()
