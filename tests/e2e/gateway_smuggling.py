"""Whatever bytes a client sends, the gateway and the server behind it see the same requests.

Some hundred well-formed, odd and malformed requests go through the gateway to real servers of five kinds. The oracle is
the access log: the requests that it has sent on are, one for one, those that the server has written down.
"""
import collections
import json
import socket

import odd_requests
from back_ends import BackEnd
from gateway_kit import GatewayTest
from weir_process import PATIENCE, eventually, main

SPLIT = ("CL.TE", "TE.CL", "two in one packet", "plain chunks", "chunks 5 '2;a=b\\r\\nab\\r\\n0\\r\\n\\r\\n'", "an empty line before")


class Smuggling(GatewayTest):
    def log(self):
        with open(self.path("access.log"), encoding="utf-8") as f:
            return [json.loads(line) for line in f.read().splitlines()]

    def send(self, pieces):
        """What comes back until the gateway closes or nothing more can come."""
        with socket.create_connection(self.weir.address, timeout=PATIENCE) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            out = b""
            try:
                for piece in pieces:
                    s.sendall(piece)
                s.shutdown(socket.SHUT_WR)
                while more := s.recv(65536):
                    out += more
            except OSError:
                pass
            return out

    @staticmethod
    def as_logged(line):
        method, path = line.split("?")[0].split(" ", 1)
        return f"{method} {path[:1024]}"

    def check(self, kind):
        if not BackEnd.program(kind):
            self.skipTest(f"{kind} is not installed")
        back = BackEnd(kind, self.folder).start()
        self.addCleanup(back.stop)
        self.run_gateway(back.address, gateway="    half_close: serve\n    access_log: { path: @DIR/access.log }")
        answers = {}
        for number, name, data in odd_requests.all_cases():
            answers[name] = self.send([data])
            if name in SPLIT and kind in ("python", "node"):
                for i in range(1, len(data)):
                    self.assertEqual(self.send([data[:i], data[i:]])[:12], answers[name][:12], (name, i))
                self.assertEqual(self.send([data[i:i + 1] for i in range(len(data))])[:12], answers[name][:12], name)
        account = self.settled()
        self.assertEqual(account["difference"], 0)
        eventually(lambda: len(self.log()) == account["in"], "every request is in the log")
        log = self.log()
        sent = collections.Counter(f'{line["method"]} {line["path"]}' for line in log if line["attempts"])
        unanswered = collections.Counter(f'{line["method"]} {line["path"]}' for line in log if line["attempts"] and line["end"] != "answered")
        # A server may refuse a request without handing it to its program; the gateway never sends what it did not log.
        # nginx also writes down what it could read no request line of.
        seen = collections.Counter(self.as_logged(line) for line in back.seen() if line != "- -")
        self.assertFalse(seen - sent, "the server has seen what the gateway did not send")
        refused_there = sum(line["status"] >= 400 for line in log if line["end"] == "answered")
        missing = sum((sent - seen).values())
        self.assertLessEqual(missing, refused_there + sum(unanswered.values()), (sent - seen).most_common(9))
        self.assertGreater(sum(seen.values()), 50, "plain requests go through")
        return answers

    def test_python_sees_what_the_gateway_sends(self):
        answers = self.check("python")
        for name in ("CL.TE", "TE.CL", "chunked in HTTP/1.0", "bare LF everywhere"):
            self.assertTrue(answers[name].startswith(b"HTTP/1.1 400"), (name, answers[name][:80]))
        for name in ("plain GET", "plain POST", "plain chunks", "HTTP/1.0"):
            self.assertTrue(answers[name].startswith(b"HTTP/1.1 200"), (name, answers[name][:80]))
        self.assertEqual(answers["two in one packet"].count(b"HTTP/1.1 200"), 2)
        self.assertEqual(answers["CL.0 of GET"].count(b"HTTP/1.1 "), 1, "what looks like a request is a body")

    def test_node_sees_what_the_gateway_sends(self):
        self.check("node")

    def test_go_sees_what_the_gateway_sends(self):
        self.check("go")

    def test_java_sees_what_the_gateway_sends(self):
        self.check("java")

    def test_nginx_sees_what_the_gateway_sends(self):
        self.check("nginx")


if __name__ == "__main__":
    main()
