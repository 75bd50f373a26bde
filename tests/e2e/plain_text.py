"""Lines that are not JSON become JSON that says where they came from: syslog over TCP, logfmt from a followed file."""
import http.client
import socket

from weir_process import PATIENCE, WeirTest, eventually, main

FLOW = """
memory: 128MiB
sources:
  network: { type: tcp, listen: "@HTTP", framing: octets, max_connections: 64 }
  log: { type: file, path: "@DIR/app.log", mode: follow, acks: stored, poll: 10ms }
stages:
  messages: { type: parse, from: [network], format: syslog }
  fields: { type: parse, from: [log], format: logfmt }
  described:
    type: map
    from: [messages, fields]
    set:
      .took_ms: to_number(.took_ms)
      .origin: '{ source: @source, peer: @peer, file: @file, offset: @offset }'
      .received: '@received'
  mine: { type: filter, from: [described], where: '@source == "network" || @offset >= 0' }
sinks:
  out: { type: file, from: [mine], path: "@DIR/out.ndjson", on_failure: drop }
admin: { listen: "@ADMIN" }
"""


class PlainText(WeirTest):
    def written(self, n):
        def there():
            lines = self.lines_so_far("out.ndjson")
            return lines if len(lines) >= n else None

        return eventually(there, f"{n} lines")

    def test_every_line_is_an_event_that_says_where_it_came_from(self):
        log = self.path("app.log")
        with open(log, "w") as f:
            f.write('level=info msg="it \\"works\\"" took_ms=12\n\nplain words\n')
        weir = self.start(FLOW)
        message = b"<34>1 2026-11-21T05:10:00Z host app 42 - - two\nlines"
        with socket.create_connection(weir.address) as s:
            s.sendall(b"%d %s" % (len(message), message))
            lines = self.written(3)
        for line in lines:
            self.assertRegex(line.pop("received"), r"^20\d\d-.*Z$")
        by_offset = {line["origin"].get("offset"): line for line in lines}
        self.assertEqual(by_offset[0], {"level": "info", "msg": 'it "works"', "took_ms": 12,
                                        "origin": {"source": "log", "file": log, "offset": 0}})
        second = len('level=info msg="it \\"works\\"" took_ms=12\n\n')
        self.assertEqual(by_offset[second], {"message": "plain words", "parse_error": "it holds no name=value",
                                             "origin": {"source": "log", "file": log, "offset": second}})
        self.assertEqual(by_offset[None], {"facility": "auth", "severity": "critical", "timestamp": "2026-11-21T05:10:00Z",
                                           "host": "host", "app": "app", "pid": "42", "message": "two\nlines",
                                           "origin": {"source": "network", "peer": "127.0.0.1"}})

    def test_small_events_of_many_senders_keep_their_own_peer(self):
        weir = self.start("""
memory: 128MiB
reactors: 1
sources:
  in: { type: tcp, listen: "@HTTP", max_connections: 64 }
stages:
  told: { type: map, from: [in], set: { .peer: "@peer" } }
sinks:
  out: { type: file, from: [told], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
""")
        senders = {}
        for n in range(2, 22):
            address = f"127.0.0.{n}"
            senders[address] = socket.create_connection(weir.address, source_address=(address, 0))
        for _ in range(50):
            for address, s in senders.items():
                s.sendall(b'{"sent":"%s"}\n' % address.encode())
        for s in senders.values():
            s.close()
        lines = self.written(50 * len(senders))
        self.assertEqual([line for line in lines if line["sent"] != line["peer"]], [])

    def test_text_comes_over_http_when_the_source_says_so(self):
        weir = self.start("""
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", content_type: text, max_connections: 16 }
stages:
  raw: { type: parse, from: [in], format: raw }
  told: { type: map, from: [raw], set: { .: "{ text: .message, peer: @peer }" } }
sinks:
  out: { type: file, from: [told], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
""")
        connection = http.client.HTTPConnection(*weir.address, timeout=PATIENCE)
        connection.request("POST", "/events", b"plain words\r\n\n[1", {"Content-Type": "text/csv"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertEqual(self.lines_of("out.ndjson"), [{"text": "plain words", "peer": "127.0.0.1"},
                                                      {"text": "[1", "peer": "127.0.0.1"}])

    def test_what_is_dropped_is_counted_and_a_copy_is_a_dead_letter(self):
        weir = self.start("""
memory: 128MiB
sources:
  in: { type: tcp, listen: "@HTTP", max_connections: 64 }
stages:
  fields: { type: parse, from: [in], format: csv, columns: [a, b], when_malformed: drop, dead_letter: bad }
sinks:
  out: { type: file, from: [fields], path: "@DIR/out.ndjson" }
  bad: { type: file, path: "@DIR/bad.ndjson" }
admin: { listen: "@ADMIN" }
""")
        with socket.create_connection(weir.address) as s:
            s.sendall(b'1,"x, y"\n1\n\xff,2\n')
            self.assertEqual(self.written(2), [{"a": "1", "b": "x, y"}, {"a": "\ufffd", "b": "2"}])
        weir.assert_balanced()
        letter = eventually(lambda: self.lines_so_far("bad.ndjson"), "the letter")[0]
        self.assertEqual((letter["reason"], letter["event"]), ("malformed", "1"))


if __name__ == "__main__":
    main()
