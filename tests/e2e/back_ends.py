"""Real HTTP servers of five kinds that write down each request they see, as a line "METHOD PATH": what the gateway thinks
it has sent on is compared with that.
"""
import os
import shutil
import socket
import subprocess
import time

from weir_process import PATIENCE, eventually, free_port

PYTHON = r"""
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1
    def any(self):
        with open(sys.argv[2], "a") as f: f.write(self.command + " " + self.path + "\n")
        if self.headers.get("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16): self.rfile.read(size + 2)
            while self.rfile.readline().strip(): pass
        else: self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        if self.command != "HEAD": self.wfile.write(b"ok")
    def __getattr__(self, name):
        if name.startswith("do_"): return self.any
        raise AttributeError(name)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""
NODE = r"""
const fs = require("fs");
require("http").createServer((q, a) => {
  fs.appendFileSync(process.argv[3], q.method + " " + q.url + "\n");
  q.resume(); q.on("end", () => { a.setHeader("Content-Length", 2); a.end("ok"); });
}).listen(+process.argv[2], "127.0.0.1");
"""
GO = r"""
package main
import ("io"; "net/http"; "os"; "sync")
func main() {
  var m sync.Mutex
  http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
    m.Lock()
    f, _ := os.OpenFile(os.Args[2], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0600)
    f.WriteString(r.Method + " " + r.RequestURI + "\n"); f.Close()
    m.Unlock()
    io.Copy(io.Discard, r.Body); w.Write([]byte("ok"))
  }))
}
"""
JAVA = r"""
import com.sun.net.httpserver.*;
import java.net.*; import java.nio.file.*;
public class Back {
  public static void main(String[] a) throws Exception {
    HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(a[0])), 64);
    s.setExecutor(java.util.concurrent.Executors.newCachedThreadPool());
    s.createContext("/", x -> {
      synchronized (Back.class) { Files.write(Path.of(a[1]), (x.getRequestMethod() + " " + x.getRequestURI() + "\n").getBytes(), StandardOpenOption.CREATE, StandardOpenOption.APPEND); }
      x.getRequestBody().readAllBytes();
      boolean head = x.getRequestMethod().equals("HEAD");
      x.sendResponseHeaders(200, head ? -1 : 2);
      if (!head) x.getResponseBody().write("ok".getBytes());
      x.close();
    });
    s.start();
  }
}
"""
NGINX = """
daemon off; master_process off; pid @DIR/nginx.pid; error_log @DIR/nginx.error;
events { worker_connections 256; }
http { access_log off; log_format line '$request_method $request_uri'; client_body_temp_path @DIR/b; proxy_temp_path @DIR/p;
fastcgi_temp_path @DIR/f; uwsgi_temp_path @DIR/u; scgi_temp_path @DIR/s;
server { listen 127.0.0.1:@PORT; access_log @SEEN line; location / { return 200 ok; } } }
"""


class BackEnd:
    """`kind`: python, node, go, java, nginx. None from `start` when it is not installed."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.port = kind, os.path.join(folder, kind), free_port()
        self.address, self.seen_file = f"127.0.0.1:{self.port}", os.path.join(self.folder, "seen")
        os.makedirs(self.folder, exist_ok=True)

    @staticmethod
    def program(kind):
        return shutil.which({"python": "python3"}.get(kind, kind)) or (shutil.which("nginx", path="/usr/sbin") if kind == "nginx" else None)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text.replace("@DIR", self.folder).replace("@PORT", str(self.port)).replace("@SEEN", self.seen_file))
        return path

    def command(self, program):
        end = [str(self.port), self.seen_file]
        if self.kind == "python":
            return [program, self.write("back.py", PYTHON), *end]
        if self.kind == "node":
            return [program, self.write("back.js", NODE), *end]
        if self.kind == "java":
            return [program, "-Xshare:auto", "-XX:TieredStopAtLevel=1", self.write("Back.java", JAVA), *end]
        if self.kind == "nginx":
            return [program, "-c", self.write("nginx.conf", NGINX), "-p", self.folder]
        made = os.path.join(self.folder, "back")
        env = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
        subprocess.run([program, "build", "-o", made, self.write("back.go", GO)], check=True, cwd=self.folder, env=env, capture_output=True)
        return [made, *end]

    def start(self):
        self.process = subprocess.Popen(self.command(self.program(self.kind)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.listens, f"{self.kind} listens", 3 * PATIENCE)
        return self

    def listens(self):
        assert self.process.poll() is None, f"{self.kind} ended with {self.process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
            return False

    def seen(self):
        if not os.path.exists(self.seen_file):
            return []
        with open(self.seen_file, encoding="latin-1") as f:
            return f.read().splitlines()

    def stop(self):
        self.process.kill()
        self.process.wait()
