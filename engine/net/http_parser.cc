#include "net/http_parser.h"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

#include "net/field_lines.h"

namespace weir::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView s) { return {s.data(), s.size()}; }

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_whatever_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_case, lower_case);
}

std::string_view trim(std::string_view s) {
  const auto first = s.find_first_not_of(" \t");
  if (first == s.npos) return {};
  return s.substr(first, s.find_last_not_of(" \t") - first + 1);
}

enum HostChars : std::uint8_t { name_chars = 1, address_chars = 2, digits = 4 };

/// Which characters may stand in which part of a host: asked for each one of each request.
constexpr auto host_chars = [] {
  std::array<std::uint8_t, 256> of{};
  for (char c = 'a'; c <= 'z'; ++c) of[static_cast<unsigned char>(c)] = name_chars | address_chars;
  for (char c = 'A'; c <= 'Z'; ++c) of[static_cast<unsigned char>(c)] = name_chars | address_chars;
  for (char c = '0'; c <= '9'; ++c) of[static_cast<unsigned char>(c)] = name_chars | address_chars | digits;
  for (const char c : std::string_view("-._~%!$&'()*+,;=")) of[static_cast<unsigned char>(c)] |= name_chars;
  for (const char c : std::string_view(":.")) of[static_cast<unsigned char>(c)] |= address_chars;
  return of;
}();

bool is_all_of(std::string_view part, std::uint8_t which) {
  return std::ranges::all_of(part,
                             [which](char c) { return (host_chars[static_cast<unsigned char>(c)] & which) != 0; });
}

/// A name, an IPv4 address or an IPv6 one in brackets, and perhaps a port (RFC 9110 section 7.2).
bool is_host(std::string_view value) {
  const bool bracket = value.starts_with('[');
  const auto end = bracket ? value.find(']') : value.find(':');
  if (bracket && end == value.npos) return false;
  const std::string_view name = bracket ? value.substr(1, end - 1) : value.substr(0, end);
  const std::string_view port = end == value.npos ? "" : value.substr(end + (bracket ? 1 : 0));
  if (name.empty() || !is_all_of(name, bracket ? address_chars : name_chars)) return false;
  return port.empty() || (port.starts_with(':') && port.size() <= 6 && is_all_of(port.substr(1), digits));
}

/// The path and query of an absolute target ("http://host/path?query"), which every server must understand.
std::string_view origin_form(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == target.npos) return target;
  const auto path = target.find_first_of("/?", scheme + 3);
  return path == target.npos ? std::string_view("/") : target.substr(path);
}

/// Of an absolute target; "" of others.
std::string_view authority_of(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == target.npos) return {};
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

/// Whether a chunk's head stands at the front of `bytes` whose line ends within quotes: Beast would read over the end
/// of the line, and wait for a quote that may never come.
bool ends_in_quotes(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // of the chunk before
  const auto end = bytes.find("\r\n");
  if (end == bytes.npos) return false;
  bool quoted = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (quoted && bytes[i] == '\\')
      ++i;
    else if (bytes[i] == '"')
      quoted = !quoted;
  }
  return quoted;
}

}  // namespace

std::string_view Head::header(std::string_view name) const {
  std::string_view rest = fields;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end == rest.npos ? rest.size() : end);
    if (line.size() > name.size() && line[name.size()] == ':' && same_whatever_case(line.substr(0, name.size()), name))
      return trim(line.substr(name.size() + 1, line.size() - name.size() - 1 - (line.ends_with('\r') ? 1 : 0)));
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

/// Callbacks of Beast; what is needed is kept in the Head, the rest is ignored.
struct RequestParser::Beast final : http::basic_parser<true> {
  explicit Beast(std::size_t max_header) {
    header_limit(static_cast<std::uint32_t>(max_header + 1));
    body_limit(boost::none);  // bodies are streamed; the limit on decoded bytes is the connection's
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version, error_code&) override {
    out->method = view(method);
    out->authority = authority_of(view(target));
    const std::string_view path = origin_form(view(target));
    const auto question = path.find('?');
    out->target = path.substr(0, question);
    out->query = question == path.npos ? std::string_view{} : path.substr(question + 1);
    if (out->target.empty()) out->target = "/";
    out->version = static_cast<unsigned>(version);
  }

  void on_field_impl(http::field name, BeastView spelled, BeastView raw, error_code& error) override {
    const std::string_view value = view(raw);
    if (!out) {
      if (name == http::field::content_length || name == http::field::transfer_encoding || name == http::field::host)
        error = http::error::bad_value;
      else if (may_trail(view(spelled)))
        add_trailer(view(spelled), value);
      return;
    }
    if (name == http::field::content_type) {
      if (out->content_type.empty()) out->content_type = value;
    } else if (name == http::field::content_encoding) {
      const bool again = out->gzip || out->unknown_encoding;  // encoded twice
      const bool gzip = same_whatever_case(value, "gzip") || same_whatever_case(value, "x-gzip");
      out->unknown_encoding = again || !(gzip || value.empty() || same_whatever_case(value, "identity"));
      out->gzip = gzip && !again;
    } else if (name == http::field::expect) {
      out->expect_continue = same_whatever_case(value, "100-continue");
    } else if (name == http::field::host) {
      if (!out->host.empty() || !is_host(value)) error = http::error::bad_value;
      out->host = value;
    } else if (name == http::field::transfer_encoding) {
      if (!same_whatever_case(value, "chunked") || out->version < 11 || encoded)
        error = http::error::bad_transfer_encoding;
      encoded = true;
    }
  }

  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
    piece = view(body).substr(0, most);
    return piece.size();
  }

  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  void add_trailer(std::string_view name, std::string_view value) {
    if (!trailers) trailers = std::make_unique<std::string>();
    trailers->append(name).append(": ").append(value).append("\r\n");
  }

  Head* out = nullptr;
  std::unique_ptr<std::string> trailers;  // few have any
  std::string_view piece;
  std::uint32_t most = 0;
  bool in_chunks = false, encoded = false;
};

RequestParser::RequestParser(Bytes max_header)
    : beast_(std::make_unique<Beast>(max_header.count())), max_header_(max_header.count()) {}
RequestParser::~RequestParser() = default;

std::string_view RequestParser::trailers() const {
  return beast_->trailers ? std::string_view(*beast_->trailers) : std::string_view();
}

void RequestParser::reset() {
  line_ = skipped_ = head_size_ = 0;
  left_ = 0;
  body_done_ = false;
  head_ = Head{};
}

RequestParser::Status RequestParser::parse_head(std::string_view bytes) {
  const Status status = scan(bytes.substr(0, max_header_));
  if (status == Status::need_more && bytes.size() >= max_header_) return Status::header_too_large;
  if (status != Status::done) return status;
  return parse_complete(bytes.substr(skipped_, head_size_ - skipped_));
}

/// Goes on at the first incomplete line; done at the empty one.
RequestParser::Status RequestParser::scan(std::string_view bytes) {
  if (line_ == 0 && bytes.starts_with("\r\n")) line_ = skipped_ = 2;
  for (;;) {
    const bool first = line_ == skipped_;
    if (line_ < bytes.size()) {
      const auto c = static_cast<unsigned char>(bytes[line_]);
      if (!first && (c == ' ' || c == '\t')) return Status::bad_request;
      if (first && (c <= ' ' || c > '~') && !(c == '\r' && line_ == 0)) return Status::bad_request;
    }
    const auto end = bytes.find('\n', line_);
    if (end == bytes.npos) return Status::need_more;
    if (end == line_ || bytes[end - 1] != '\r') return Status::bad_request;
    const std::string_view line = bytes.substr(line_, end - 1 - line_);
    line_ = end + 1;
    if (first && !line.ends_with(" HTTP/1.1") && !line.ends_with(" HTTP/1.0")) return Status::bad_request;
    if (!line.empty()) continue;
    head_size_ = line_;
    return Status::done;
  }
}

RequestParser::Status RequestParser::parse_complete(std::string_view text) {
  std::destroy_at(beast_.get());  // a parser of Beast parses one message; its memory is reused
  std::construct_at(beast_.get(), max_header_);
  beast_->out = &head_;
  error_code error;
  const std::size_t used = beast_->put(boost::asio::const_buffer(text.data(), text.size()), error);
  beast_->out = nullptr;
  if (error || used != text.size() || !beast_->is_header_done()) return Status::bad_request;
  if (head_.version >= 11 && head_.host.empty()) return Status::bad_request;
  if (head_.authority.empty())
    head_.authority = head_.host;
  else if (!is_host(head_.authority))
    return Status::bad_request;
  const auto fields = text.find('\n') + 1;
  head_.fields = text.substr(fields, text.size() - fields - 2);
  head_.chunked = beast_->chunked();
  head_.keep_alive = beast_->keep_alive();
  if (const auto length = beast_->content_length()) head_.content_length = Bytes(*length);
  left_ = head_.content_length ? head_.content_length->count() : 0;
  body_done_ = !head_.has_body();
  return Status::done;
}

RequestParser::BodyChunk RequestParser::parse_body(std::string_view bytes, std::size_t most) {
  if (body_done_) return {Status::done};
  if (head_.chunked) return parse_chunked(bytes, most);
  const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>({bytes.size(), most, left_}));
  left_ -= n;
  body_done_ = left_ == 0;
  return {Status::need_more, n, bytes.substr(0, n)};
}

RequestParser::BodyChunk RequestParser::parse_chunked(std::string_view bytes, std::size_t most) {
  BodyChunk out;
  // Beast asserts that five bytes are there when it comes back to a last chunk; "0\r\n" and one more is enough for it
  // to come back when that is the first. No chunked body is shorter, so nothing is lost by waiting for them.
  if (!beast_->in_chunks && bytes.size() < 5) return out;
  while (out.data.empty() && most > 0) {
    // No more than max_header at once, so that a chunk's head or the trailers cannot be longer, however they arrive.
    const std::string_view now = bytes.substr(out.consumed, max_header_);
    beast_->piece = {};
    beast_->most = static_cast<std::uint32_t>(std::min<std::size_t>(most, std::numeric_limits<std::uint32_t>::max()));
    error_code error;
    const std::size_t used = beast_->put(boost::asio::const_buffer(now.data(), now.size()), error);
    out.consumed += used;
    beast_->in_chunks = beast_->in_chunks || used > 0;
    out.data = beast_->piece;
    if (error == http::error::need_more) {
      if (now.size() >= max_header_ || ends_in_quotes(now.substr(used))) out.status = Status::bad_request;
      return out;
    }
    if (error) return {Status::bad_request, out.consumed, {}};
    if (beast_->is_done()) {
      body_done_ = true;
      out.status = out.data.empty() ? Status::done : Status::need_more;
      return out;
    }
    if (used == 0) return out;
  }
  return out;
}

}  // namespace weir::net
