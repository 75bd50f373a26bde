"""A shop as many are written: 16 workers, and each waits for the database as long as that takes. GET /home needs no database,
GET /items does. Usage: shop.py PORT DATABASE_PORT
"""
import http.client
import http.server
import sys
import threading

workers = threading.Semaphore(16)


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        with workers:
            try:
                status, fields, body = self.items() if self.path == "/items" else (200, {}, b"welcome\n")
            except (OSError, http.client.HTTPException):
                status, fields, body = 502, {}, b"no answer of the database\n"
        try:
            self.send_response(status)
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the visitor has left

    def items(self):
        c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=30)
        try:
            c.request("GET", "/items")
            answer = c.getresponse()
            degraded = answer.getheader("Weir-Degraded")
            return answer.status, {"Weir-Degraded": degraded} if degraded else {}, answer.read()
        finally:
            c.close()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
