"""An endpoint that is a name whose addresses change while the gateway runs: new connections go to the new ones, and those
that are there serve to their end.

The names are those of /etc/hosts, in a view of the file system that the gateway has for itself; where no process may
have one, the test is skipped.
"""
import ctypes
import subprocess

from gateway_kit import GatewayTest, config, read_head
from weir_process import PATIENCE, eventually, main, skip

LOOKED_UP_AGAIN = 20  # seconds: net/dial_limits.h
UNSHARE_MOUNTS, PRIVATE, BIND = 0x20000, 0x4000 | 0x40000, 0x1000
libc = ctypes.CDLL(None, use_errno=True)


def own_hosts(path):
    """What a child does before it becomes the gateway: its /etc/hosts is this file, and nobody else's is."""
    def enter():
        for failed in (libc.unshare(UNSHARE_MOUNTS), libc.mount(b"none", b"/", None, PRIVATE, None),
                       libc.mount(path.encode(), b"/etc/hosts", None, BIND, None)):
            if failed:
                raise OSError(ctypes.get_errno(), "no view of the file system of its own")
    return enter


def says(name, close):
    """A service that answers with its name; `close`: each answer on a connection of its own."""
    def script(s):
        while read_head(s)[0]:
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (
                len(name), b"Connection: close\r\n" if close else b"", name))
            if close:
                return
    return script


class Names(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hosts = self.path("hosts")
        self.name_is("127.0.0.2")
        try:
            subprocess.run(["true"], preexec_fn=own_hosts(self.hosts), check=True)
        except (OSError, subprocess.SubprocessError):
            skip("this user may not have a view of the file system of its own (unshare)")
        if "files" not in open("/etc/nsswitch.conf").read():
            skip("names are not looked up in /etc/hosts here")

    def name_is(self, *addresses):
        with open(self.hosts, "w") as f:  # the same file: it is what is bound
            f.write("127.0.0.1 localhost\n" + "".join(f"{a} shop.test\n" for a in addresses))

    def service(self, address, port, name, close=True):
        return self.peer(says(name, close), at=(address, port))

    def run_at(self, port):
        self.weir = self.start(config(f"shop.test:{port}"), preexec=own_hosts(self.hosts))

    def asked(self):
        status, _, body = self.ask()
        self.assertEqual(status, 200, body)  # whatever the name says meanwhile
        return body

    def test_new_connections_go_where_the_name_leads_now(self):
        old = self.service("127.0.0.2", 0, b"old")
        self.service("127.0.0.3", old.port, b"new")
        self.run_at(old.port)
        self.assertEqual(self.asked(), b"old")
        self.name_is("127.0.0.3")
        eventually(lambda: self.asked() == b"new", "the new address is used", LOOKED_UP_AGAIN + PATIENCE)

    def test_a_connection_that_is_there_serves_on(self):
        old = self.service("127.0.0.2", 0, b"old", close=False)
        self.service("127.0.0.3", old.port, b"new")
        self.run_at(old.port)
        self.assertEqual(self.asked(), b"old")
        self.name_is("127.0.0.3")
        opened = self.endpoint()["opened"]
        self.assertEqual(self.asked(), b"old", "on the connection it had")
        self.assertEqual(self.endpoint()["opened"], opened)

    def endpoint(self):
        return self.weir.ask("/api/graph")["upstreams"][0]["endpoints"][0]


if __name__ == "__main__":
    main()
