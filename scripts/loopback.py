"""Ports for servers that are started, stopped and started again where they were.

Not from the range that the system gives to connections: while a server is down, a connection of somebody else, or that of
its own client that tries again and again, may be given its port, and the server cannot come back.
"""
import random
import socket

FIRST = 10_000


def first_given_to_connections():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
            return int(f.read().split()[0])
    except OSError:
        return 32_768


def free_ports(count):
    """Different ones that nobody listens on now."""
    last = first_given_to_connections() - 1
    held = []
    try:
        while len(held) < count:
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", random.randint(FIRST, last) if last > FIRST + 1000 else 0))
                held.append(s)
            except OSError:
                s.close()
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def free_port():
    return free_ports(1)[0]
