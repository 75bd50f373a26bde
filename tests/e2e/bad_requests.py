"""Bad input over HTTP: each kind has its status, its stable code and a line that helps; nothing of it is stored."""
import gzip
import json
import sqlite3

from clients import Raw, events, ndjson, post, post_gzip
from weir_process import PATIENCE, WeirTest, main

STRICT = """
memory: 128MiB
sources:
  in: { type: http, listen: "@HTTP", acks: stored, max_connections: 64, max_body: 256KiB, max_event: 4KiB, max_events: 100 }
sinks:
  out: { type: file, from: [in], path: "@DIR/out.ndjson" }
admin: { listen: "@ADMIN" }
"""

KEEPING = STRICT.replace("acks: stored", "acks: stored, on_malformed: dead_letter, dead_letter: dead").replace(
    "sinks:", 'sinks:\n  dead: { type: file, path: "@DIR/dead.ndjson" }')

DATABASE = STRICT.replace("type: file", "type: sqlite").replace("out.ndjson", "out.db")


class BadRequests(WeirTest):
    def setUp(self):
        super().setUp()
        self.weir = self.start(STRICT)

    def refused(self, answer, status, code, says=""):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["error"], code, answer)
        self.assertEqual(answer.json["status"], status)
        self.assertTrue(answer.json["message"] and answer.json["advice"], answer)
        self.assertIn(says, answer.json["message"])
        return answer

    def nothing_stored(self):
        self.assertEqual(self.lines_of("out.ndjson"), [])
        self.assertEqual(self.weir.graph(source="in")["in"], 0)

    def still_serves(self):
        self.assertEqual(post(self.weir.address, ndjson(events("after", 3))).stored, 3)

    def test_malformed_lines_are_named_and_nothing_of_the_request_is_stored(self):
        body = b'{"id":"1"}\n{"id":\n{"id":"3"}\nnope\n'
        answer = self.refused(post(self.weir.address, body), 422, "malformed", "line 2 is not JSON")
        self.assertEqual([row["line"] for row in answer.json["lines"]], [2, 4])
        self.assertEqual((answer.json["malformed"], answer.json["stored"]), (2, 0))
        self.nothing_stored()
        self.still_serves()

    def test_a_malformed_element_of_an_array_is_named(self):
        answer = post(self.weir.address, b'[{"id":1},{"id":],{"id":3}]', content_type="application/json")
        self.refused(answer, 422, "malformed")
        self.nothing_stored()

    def test_an_array_without_an_end_is_malformed(self):
        self.refused(post(self.weir.address, b'[{"id":1},{"id":2}', content_type="application/json"), 422, "malformed", "does not end")
        self.nothing_stored()

    def test_invalid_utf8_is_malformed(self):
        answer = self.refused(post(self.weir.address, b'{"id":"1"}\n{"id":"\xff\xfe"}\n'), 422, "malformed", "line 2")
        self.assertIn("UTF-8", answer.body.replace("UTF8", "UTF-8"))
        self.nothing_stored()

    def test_a_body_above_max_body_is_413_before_it_is_read(self):
        with Raw(self.weir.address) as raw:
            raw.send("POST /events HTTP/1.1\r\nHost: w\r\nContent-Length: 300000\r\n\r\n")
            self.refused(raw.answer(), 413, "too_large", "max_body")
        self.nothing_stored()

    def test_a_chunked_body_above_max_body_is_413_when_it_gets_there(self):
        with Raw(self.weir.address) as raw:
            raw.send("POST /events HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk = b'{"id":"%s"}\n' % (b"x" * 1000)
            try:
                for _ in range(300):
                    raw.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.refused(raw.answer(), 413, "too_large")
        self.nothing_stored()

    def test_an_event_above_max_event_is_413_and_named(self):
        body = ndjson([{"id": 1}, {"id": 2, "x": "y" * 5000}])
        self.refused(post(self.weir.address, body), 413, "event_too_large", "line 2")
        self.nothing_stored()

    def test_more_events_than_max_events_are_413(self):
        self.refused(post(self.weir.address, ndjson(events("e", 101))), 413, "too_many_events", "100")
        self.nothing_stored()

    def test_another_type_is_415(self):
        self.refused(post(self.weir.address, b"a;b", content_type="text/csv"), 415, "unsupported_media_type", "text/csv")
        self.refused(post(self.weir.address, b"a", content_encoding="br"), 415, "unsupported_encoding")
        self.nothing_stored()

    def test_another_path_is_404_and_another_method_405(self):
        self.refused(post(self.weir.address, b"{}", path="/event"), 404, "not_found", "/events")
        answer = self.refused(post(self.weir.address, None, method="GET"), 405, "method_not_allowed")
        self.assertEqual(answer.headers["allow"], "POST")
        self.nothing_stored()

    def test_a_gzip_bomb_is_413_at_max_body_and_costs_no_memory(self):
        bomb = gzip.compress(b'{"id":"1"}\n' + b" " * (64 << 20))
        self.assertLess(len(bomb), 200_000)
        before = self.weir.resident()
        for _ in range(20):
            self.refused(post(self.weir.address, bomb, content_encoding="gzip"), 413, "too_large")
        self.weir.assert_grew_less(before, 8 << 20)
        self.nothing_stored()

    def test_damaged_and_cut_off_gzip_is_415(self):
        whole = gzip.compress(ndjson(events("g", 50)), mtime=0)
        for body in (whole[:20] + b"\0\0\0\0" + whole[24:], whole[:-4], whole[: len(whole) // 2], b"no gzip at all", whole + b"rest"):
            self.refused(post(self.weir.address, body, content_encoding="gzip"), 415, "unsupported_encoding")
        self.nothing_stored()
        self.assertEqual(post_gzip(self.weir.address, ndjson(events("g", 50))).stored, 50)

    def test_content_length_and_transfer_encoding_together_are_400(self):
        for head in ("Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
                     "Content-Length: 4\r\nContent-Length: 5", "Content-Length: -1", "Content-Length: 4x",
                     "Transfer-Encoding: gzip, identity", "Transfer-Encoding: xchunked"):
            with Raw(self.weir.address) as raw:
                raw.send(f"POST /events HTTP/1.1\r\nHost: w\r\n{head}\r\n\r\n4\r\n{{}}\r\n\r\n0\r\n\r\n")
                self.refused(raw.answer(), 400, "bad_request")
                self.assertTrue(raw.closed_within(PATIENCE), head)
        self.nothing_stored()

    def test_what_is_no_http_is_400(self):
        for text in ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET\r\n\r\n", "POST /events HTTP/1.1\r\nno colon\r\n\r\n",
                     "POST /events HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with Raw(self.weir.address) as raw:
                raw.send(text.encode("latin-1") + b"\r\n\r\n")
                answer = raw.answer()
                self.assertIsNotNone(answer, repr(text))
                self.refused(answer, 400, "bad_request")
        self.nothing_stored()

    def test_no_host_two_hosts_or_no_valid_one_are_400(self):
        for hosts in ("", "Host: w\r\nHost: w\r\n", "Host: a b\r\n", "Host:\r\n", "Host: w/x\r\n"):
            with Raw(self.weir.address) as raw:
                raw.send(f"POST /events HTTP/1.1\r\n{hosts}Content-Length: 3\r\n\r\n{{}}\n")
                self.refused(raw.answer(), 400, "bad_request")
        self.nothing_stored()

    def test_admin_does_not_answer_to_the_name_of_a_web_page(self):
        for host, status in (("evil.example:9600", 421), ("localhost:1", 200), ("127.0.0.1", 200)):
            with Raw(self.weir.admin) as raw:
                raw.send(f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")
                self.assertEqual(raw.answer().status, status, host)

    def test_a_source_can_demand_a_type_that_no_web_page_sends_unasked(self):
        weir = self.start(STRICT.replace("out.ndjson", "typed.ndjson").replace("acks:", "content_type: json, acks:"))
        for content_type in ("text/plain", "application/x-www-form-urlencoded"):
            self.refused(post(weir.address, ndjson(events("x", 1)), content_type=content_type), 415, "unsupported_media_type")
        self.assertEqual(post(weir.address, ndjson(events("y", 1)), content_type="application/x-ndjson").stored, 1)

    def test_headers_above_max_header_are_431(self):
        with Raw(self.weir.address) as raw:
            raw.send("POST /events HTTP/1.1\r\nHost: w\r\nX-Long: " + "x" * 20000 + "\r\n\r\n")
            self.refused(raw.answer(), 431, "header_too_large")

    def test_an_empty_body_stores_nothing_and_is_no_error(self):
        answer = post(self.weir.address, b"")
        self.assertEqual((answer.status, answer.stored), (200, 0))
        self.assertEqual(post(self.weir.address, b"\n\n  \n").stored, 0)
        self.nothing_stored()

    def test_forms_that_are_one_and_the_same_to_us_are_all_taken(self):
        rows = events("f", 3)
        for body, kind in ((ndjson(rows), "application/x-ndjson"), (json.dumps(rows).encode(), "application/json"),
                           (json.dumps(rows[0], indent=2).encode(), "application/json"), (ndjson(rows).replace(b"\n", b"\r\n"), "text/plain")):
            answer = post(self.weir.address, body, content_type=kind)
            self.assertEqual(answer.status, 200, answer)
        self.assertEqual(len(self.lines_of("out.ndjson")), 3 + 3 + 1 + 3)


class Kept(WeirTest):
    def test_on_malformed_dead_letter_keeps_the_rest_and_reports_it(self):
        weir = self.start(KEEPING)
        answer = post(weir.address, b'{"id":"1"}\n{"id":\n{"id":"3"}\n')
        self.assertEqual((answer.status, answer.stored, answer.count("dead_lettered")), (200, 2, 1), answer)
        self.assertEqual([e["id"] for e in self.lines_of("out.ndjson")], ["1", "3"])
        (letter,) = self.lines_of("dead.ndjson")
        self.assertIn("malformed", json.dumps(letter))
        self.assertIn('{\\"id\\":', json.dumps(letter))

    def test_an_event_the_database_cannot_hold_is_the_senders_to_know(self):
        weir = self.start(DATABASE)
        answer = post(weir.address, b'{"id":"1"}\n{"id":"\\u0000"}\n')
        self.assertEqual((answer.status, answer.stored, answer.count("failed")), (422, 1, 1), answer)
        self.assertEqual(answer.json["reason"], "sink_rejected")
        rows = sqlite3.connect(self.path("out.db")).execute("select id from events").fetchall()
        self.assertEqual(rows, [("1",)])


if __name__ == "__main__":
    main()
