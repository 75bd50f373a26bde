"""A small service before a database: GET /items/N is a price, POST /orders an order. The database is PostgreSQL through four
psql programs that stay, or SQLite. Usage: shop.py PORT postgresql://... | FILE.db

The price may be kept, and has to be asked for anew each time (max-age=0): who keeps it may use it when there is nothing else.
"""
import http.server
import queue
import re
import sqlite3
import subprocess
import sys
import time

CONNECTIONS = 4
PAUSE = "select pg_sleep(pause) from pace"  # how slow the database is
END = "the end of this answer"


class Psql:
    """One connection: statements go in, what they answer comes out until the mark."""

    def __init__(self, url):
        self.url, self.process = url, None

    def ask(self, statements):
        if self.process is None:
            self.process = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url], text=True, bufsize=1,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write("".join(f"{statement};\n" for statement in statements) + f"\\echo {END}\n")
            rows = []
            for line in self.process.stdout:
                if line.rstrip("\n") == END:
                    return rows
                rows.append(line.rstrip("\n"))
            raise OSError("the database has closed the connection")
        except OSError:
            gone, self.process = self.process, None
            gone.kill()
            gone.communicate()
            raise


class Sqlite:
    """Opened for each request: a file that has gone is a database that has gone."""

    def __init__(self, path):
        self.path = path

    def ask(self, statements):
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=rw", uri=True, timeout=30, isolation_level=None)
            try:
                db.create_function("pg_sleep", 1, lambda seconds: time.sleep(seconds) or "")
                return [str(row[0]) for statement in statements for row in db.execute(statement)]
            finally:
                db.close()
        except sqlite3.Error as trouble:
            raise OSError(str(trouble)) from None


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, *statements):
        connection = connections.get()
        try:
            status, body = 200, (connection.ask(statements) or [""])[-1] + "\n"
        except OSError:
            status, body = 500, "the database does not answer\n"
        finally:
            connections.put(connection)
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if self.command == "GET":
                self.send_header("Cache-Control", "max-age=0")
            self.end_headers()
            self.wfile.write(body.encode())
        except OSError:
            self.close_connection = True  # the client has left

    def do_GET(self):
        item = re.fullmatch(r"/items/(\d{1,6})", self.path)
        if item:
            self.answer(PAUSE, f"select price from items where id = {int(item[1])}")
        else:
            self.answer("select 1")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        item = int(body) if body.isdigit() else 0
        self.answer(PAUSE, f"insert into orders values ({item})")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


connections = queue.Queue()
for _ in range(CONNECTIONS):
    connections.put(Psql(sys.argv[2]) if sys.argv[2].startswith("postgresql:") else Sqlite(sys.argv[2]))
Server(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
