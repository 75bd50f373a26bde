"""What the tests of gateways share: a configuration, services that obey or follow a script, clients that say exactly
which bytes, and the gateway's own account.
"""
import http.client
import json
import signal
import socket
import subprocess
import threading
import time

import weir_process
from weir_process import PATIENCE, WeirTest, eventually, free_port

CONFIG = """
memory: 512MiB
upstreams:
  shop:
    endpoints: [@ENDPOINTS]
@MORE
gateways:
  edge:
    listen: @HTTP
    routes:
      - match: { path: /** }
        to: shop
        deadline: 40s
@ROUTE
@GATEWAY
admin: { listen: "@ADMIN" }
"""


def config(*endpoints, more="", route="", gateway=""):
    """`more` for the upstream, `route` and `gateway` for theirs: lines with their indentation."""
    text = CONFIG.replace("@ENDPOINTS", ", ".join(endpoints)).replace("@MORE", more)
    return text.replace("@ROUTE", route).replace("@GATEWAY", gateway)


class Service:
    """`weir upstream` on a port that it keeps."""

    def __init__(self, *options):
        self.port, self.options = free_port(), options
        self.address = f"127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen([weir_process.BINARY, "upstream", "--listen", self.address, *self.options],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on"), line
        return self

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stdout.close()

    def ask(self, method="GET", query=""):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        c.request(method, "/.weir/upstream" + query)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer.status, json.loads(text) if answer.status == 200 else text


class Peer:
    """A service that does to each connection what `script(socket)` does."""

    def __init__(self, script, at=("127.0.0.1", 0)):
        self.listener = socket.create_server(at, backlog=64)
        self.port = self.listener.getsockname()[1]
        self.address = "%s:%d" % (at[0], self.port)
        self.script = script
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        s.settimeout(PATIENCE)
        try:
            self.script(s)
        except OSError:
            pass
        finally:
            s.close()

    def close(self):
        self.listener.close()


def read_head(s):
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    return head, rest


class GatewayTest(WeirTest):
    def run_gateway(self, *endpoints, more="", route="", gateway=""):
        self.weir = self.start(config(*endpoints, more=more, route=route, gateway=gateway))

    def service(self, *options):
        service = Service(*options).start()
        self.addCleanup(lambda: service.process.poll() is None and service.kill())
        return service

    def peer(self, script, **where):
        peer = Peer(script, **where)
        self.addCleanup(peer.close)
        return peer

    def account(self):
        return self.weir.ask("/api/ledger")["gateways"][0]

    def settled(self):
        """The account when nothing is in flight, and stays the same: a busy gateway may tell what was so a moment ago."""
        last = {}

        def quiet():
            before = dict(last)
            last.update(self.account())
            if last["in_flight"] == 0 and last["in"] > 0 and last == before:
                return True
            time.sleep(0.3)
        eventually(quiet, lambda: last)
        return last

    def ask(self, path="/p", method="GET", body=None, headers={}, timeout=PATIENCE):
        c = http.client.HTTPConnection(*self.weir.address, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=headers)
            answer = c.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            c.close()

    def raw(self, data):
        with socket.create_connection(self.weir.address, timeout=PATIENCE) as s:
            s.sendall(data)
            out = b""
            try:
                while more := s.recv(65536):
                    out += more
            except ConnectionResetError:
                out += b"RESET"
            return out
