#include "net/http_response.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "net/problem.h"

namespace weir::net {
namespace {

struct Line {
  int status;
  std::string_view text;
};

constexpr std::array lines{
    Line{200, "HTTP/1.1 200 OK\r\n"},
    Line{201, "HTTP/1.1 201 Created\r\n"},
    Line{202, "HTTP/1.1 202 Accepted\r\n"},
    Line{204, "HTTP/1.1 204 No Content\r\n"},
    Line{206, "HTTP/1.1 206 Partial Content\r\n"},
    Line{301, "HTTP/1.1 301 Moved Permanently\r\n"},
    Line{302, "HTTP/1.1 302 Found\r\n"},
    Line{303, "HTTP/1.1 303 See Other\r\n"},
    Line{304, "HTTP/1.1 304 Not Modified\r\n"},
    Line{307, "HTTP/1.1 307 Temporary Redirect\r\n"},
    Line{308, "HTTP/1.1 308 Permanent Redirect\r\n"},
    Line{400, "HTTP/1.1 400 Bad Request\r\n"},
    Line{401, "HTTP/1.1 401 Unauthorized\r\n"},
    Line{403, "HTTP/1.1 403 Forbidden\r\n"},
    Line{404, "HTTP/1.1 404 Not Found\r\n"},
    Line{405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    Line{408, "HTTP/1.1 408 Request Timeout\r\n"},
    Line{409, "HTTP/1.1 409 Conflict\r\n"},
    Line{410, "HTTP/1.1 410 Gone\r\n"},
    Line{412, "HTTP/1.1 412 Precondition Failed\r\n"},
    Line{413, "HTTP/1.1 413 Content Too Large\r\n"},
    Line{415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    Line{416, "HTTP/1.1 416 Range Not Satisfiable\r\n"},
    Line{422, "HTTP/1.1 422 Unprocessable Content\r\n"},
    Line{429, "HTTP/1.1 429 Too Many Requests\r\n"},
    Line{431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    Line{500, "HTTP/1.1 500 Internal Server Error\r\n"},
    Line{501, "HTTP/1.1 501 Not Implemented\r\n"},
    Line{502, "HTTP/1.1 502 Bad Gateway\r\n"},
    Line{503, "HTTP/1.1 503 Service Unavailable\r\n"},
    Line{504, "HTTP/1.1 504 Gateway Timeout\r\n"},
};

void append_status(std::string& out, int status) {
  for (const Line& line : lines)
    if (line.status == status) {
      out += line.text;
      return;
    }
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} Status\r\n", status);
}

void append_number(std::string& out, std::uint64_t n) {
  const fmt::format_int text(n);
  out.append(text.data(), text.size());
}

}  // namespace

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void append_head(std::string& out, const HeadOfAnswer& head) {
  append_status(out, head.status);
  const bool body = may_have_body(head.status);
  if (body && !head.content_type.empty()) {
    out += "Content-Type: ";
    out += head.content_type;
    out += "\r\n";
  }
  if (body && head.framing == Framing::length) {
    out += "Content-Length: ";
    append_number(out, head.length);
    out += "\r\n";
  } else if (body && head.framing == Framing::chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (head.retry_after) {
    out += "Retry-After: ";
    append_number(out, whole_seconds(*head.retry_after));
    out += "\r\n";
  }
  out += head.extra_headers;
  if (!head.keep_alive)
    out += "Connection: close\r\n";
  else if (head.version == 10)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace weir::net
