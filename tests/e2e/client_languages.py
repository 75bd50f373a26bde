"""P5: a refusal reaches the client, whatever it is written in: every try of a body of 300 or 900 KB reads its answer.

A client that sends its whole body before it reads is lost when the server closes with input unread: the reset destroys the answer. Each
program here posts TRIES bodies on fresh connections and prints one line for each: the status, or the error. They are refused unread, by
the source (413, as a full flow does with 503) and by the listener, whose connections are all in use (503). One whose tools are not on the
machine is skipped.
"""
import shutil
import subprocess

from clients import Raw, post_or_reset
from weir_process import WeirTest, eventually, main

TRIES = 20
CONNECTIONS = 64  # more than tries: one that is still emptied for a client that has its answer counts as in use
CONFIG = """
memory: 128MiB
reactors: 1
sources:
  in: { type: http, listen: "@HTTP", acks: accepted, max_body: 256KiB, max_connections: 64, header_timeout: 10m }
sinks:
  out: { type: blackhole, from: [in] }
admin: { listen: "@ADMIN" }
"""

PYTHON = """
import http.client, sys
host, port, size, tries = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
for _ in range(tries):
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        connection.request("POST", "/events", body=b"x" * size)
        print(connection.getresponse().status)
    except OSError as error:
        print(repr(error))
    connection.close()
"""
GO = """
package main

import ("bytes"; "fmt"; "net/http"; "os"; "strconv"; "time")

func main() {
	size, _ := strconv.Atoi(os.Args[3])
	tries, _ := strconv.Atoi(os.Args[4])
	for i := 0; i < tries; i++ {
		client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
		answer, err := client.Post("http://"+os.Args[1]+":"+os.Args[2]+"/events", "", bytes.NewReader(make([]byte, size)))
		if err != nil { fmt.Println(err); continue }
		fmt.Println(answer.StatusCode)
		answer.Body.Close()
	}
}
"""
NODE = """
const http = require("http");
const [host, port, size, tries] = process.argv.slice(2);
function once(left) {
  if (left == 0) return;
  const next = (line) => { console.log(line); once(left - 1); };
  const request = http.request({ host, port, path: "/events", method: "POST", agent: false }, (answer) => {
    answer.resume();
    answer.on("end", () => next(answer.statusCode));
  });
  let answered = false;
  request.on("response", () => { answered = true; });
  request.on("error", (error) => { if (!answered) next(error.code); });
  request.end(Buffer.alloc(Number(size), "x"));
}
once(Number(tries));
"""
JAVA = """
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;

public class Post {
  public static void main(String[] args) throws Exception {
    byte[] body = new byte[Integer.parseInt(args[2])];
    for (int i = 0; i < Integer.parseInt(args[3]); i++) {
      try {
        var c = (HttpURLConnection) new URI("http://" + args[0] + ":" + args[1] + "/events").toURL().openConnection();
        c.setRequestMethod("POST");
        c.setDoOutput(true);
        c.setFixedLengthStreamingMode(body.length);
        try (OutputStream out = c.getOutputStream()) { out.write(body); }
        System.out.println(c.getResponseCode());
      } catch (Exception error) {
        System.out.println(error);
      }
    }
  }
}
"""


class ClientLanguages(WeirTest):
    def tried(self, tool, name, program, *command):
        if not shutil.which(tool):
            self.skipTest(f"{tool} is not on this machine")
        with open(self.path(name), "w") as f:
            f.write(program)
        self.weir, self.program = self.start(CONFIG), [*command, self.path(name)]
        for size in (300_000, 900_000):
            self.assertEqual(self.answers(size), ["413"] * TRIES, f"{size} bytes, refused by the source")
        held = []

        def none_is_free():
            held.append(Raw(self.weir.address).send("POST /events HT"))
            answers = [post_or_reset(self.weir.address, b"") for _ in range(3)] if len(held) >= CONNECTIONS else [None]
            return all(answer and answer.status == 503 for answer in answers)
        eventually(none_is_free, "all connections are in use")
        for size in (300_000, 900_000):
            self.assertEqual(self.answers(size), ["503"] * TRIES, f"{size} bytes, no connection is free")
        for raw in held:
            raw.close()

    def answers(self, size):
        host, port = self.weir.address
        done = subprocess.run([*self.program, host, str(port), str(size), str(TRIES)], cwd=self.folder, text=True,
                              capture_output=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("\n")[:-1]

    def test_python(self):
        self.tried("python3", "post.py", PYTHON, "python3")

    def test_go(self):
        if shutil.which("go"):
            with open(self.path("client.go"), "w") as f:
                f.write(GO)
            try:  # the first time it compiles its whole library
                subprocess.run(["go", "build", "-o", "client", "client.go"], cwd=self.folder, check=True, timeout=60)
            except subprocess.TimeoutExpired:
                self.skipTest("go did not build the client within 60 s")
        self.tried("go", "post.go", GO, "sh", "-c", 'shift; exec ./client "$@"', "client")

    def test_node(self):
        self.tried("node", "post.js", NODE, "node")

    def test_java(self):
        self.tried("java", "Post.java", JAVA, "java")

    def test_curl(self):
        program = 'head -c "$3" /dev/zero > body; for i in $(seq "$4"); do ' \
                  'curl -s -H Expect: -o /dev/null -w "%{http_code}\\n" --data-binary @body "http://$1:$2/events"; done'
        self.tried("curl", "post.sh", program, "sh")


if __name__ == "__main__":
    main()
