"""Where Weir lets other requests through than nginx 1.22 and HAProxy 2.6, and why: a pattern of the case's name, which of
the two, the reason. docs/gateway.md has the same groups as a table.
"""
BOTH, NGINX, HAPROXY = ("nginx", "haproxy"), ("nginx",), ("haproxy",)

EXPLAINED = [
    # Weir refuses what the other mends.
    (r"^(CL\.TE|TE\.CL|CL and TE)", BOTH, "a length beside chunks is refused, not mended by dropping one (RFC 9112 6.1 allows both)"),
    (r"chunked.* in HTTP/1\.0", BOTH, "HTTP/1.0 knows no chunks"),
    (r"chunked,'$", BOTH, "encodings other than the one word chunked are refused"),
    (r"y\\n|\\nab|\\n0|\\n'$|bare LF", BOTH, "a bare LF ends no line"),
    (r"\\r\\n[ \\]|' Transfer-Encoding", BOTH, "a folded line is refused, not unfolded"),
    (r"^chunks (3|6|7|12|25)\b", BOTH, "a size, an extension or an end of a chunk that two parsers read differently"),
    (r"^chunks (19|20|22|26)\b", BOTH, "a trailer field that frames or routes, or is none, is refused, not dropped"),
    (r"^length 14\b", BOTH, "a length beyond 64 bits"),
    (r"^field (0|4|5|6|13)\b", BOTH, "a name that is no token, a control character in a value"),
    (r"^host (0|1|3|4|5|6|9|12|14)\b", BOTH, "no host, two, or what is no host"),
    (r"^line (0|1|3|4|5|7|10)\b", BOTH, "white space, or a version, that the grammar does not have"),
    (r"^line (13|19|20|21|22|23|25|26)\b", BOTH, "a path that others could read as another one"),
    (r"^line (27|28)\b", BOTH, "OPTIONS * and CONNECT have no path that a route could match"),
    (r"two empty lines|bare CR", BOTH, "one empty line before a request is skipped, no more"),
    # Weir lets through what the other refuses.
    (r"^TE\.TE 1\b", NGINX, "a tab before a value is white space (RFC 9110 5.6.3)"),
    (r"^length (2|4)\b", NGINX, "the same length twice is that length (RFC 9112 6.3), and is sent on once"),
    (r"^line 11\b", NGINX, "a method is any token"),
    (r"^line 29\b", NGINX, "TRACE is passed on like any method: a route's methods say otherwise"),
    (r"^field 14\b", NGINX, "a header may have 16 KiB, a line of it too"),
    # The service reads the same in other words.
    (r"^line 16\b", HAPROXY, "an absolute target is sent on as a path, its host as Host"),
    (r"^line (17|18)\b", BOTH, "the host of an absolute target counts, whatever Host says (RFC 9112 3.2.2)"),
]
