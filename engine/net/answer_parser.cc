#include "net/answer_parser.h"

#include <algorithm>
#include <charconv>

#include "net/field_lines.h"

namespace weir::net {
namespace {

constexpr std::size_t longest_size_line = 256;
constexpr std::size_t most_digits = 15;  // of a chunk's size: no overflow, and more than any disk holds

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void AnswerParser::reset(bool to_head) {
  part_ = Part::head;
  head_ = {};
  head_size_ = trailers_ = 0;
  trailer_lines_.clear();
  left_ = 0;
  to_head_ = to_head;
  encoded_ = false;
}

AnswerParser::Status AnswerParser::parse_head(std::string_view bytes) {
  const std::string_view start = "HTTP/1.";
  if (!bytes.starts_with(start.substr(0, bytes.size()))) return Status::damaged;
  const auto end = bytes.substr(0, max_head_).find("\r\n\r\n");
  if (end == bytes.npos) return bytes.size() >= max_head_ ? Status::damaged : Status::need_more;
  head_ = {};
  encoded_ = false;
  head_size_ = end + 4;
  const auto first = bytes.find("\r\n");
  if (!read_status_line(bytes.substr(0, first))) return Status::damaged;
  head_.fields = bytes.substr(first + 2, end - first);
  if (!read_fields(head_.fields) || !frame()) return Status::damaged;
  return Status::done;
}

bool AnswerParser::read_status_line(std::string_view line) {
  if (line.size() < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ') return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  const auto status = number(line.substr(9, 3), 10);
  if (!status || *status < 100 || *status > 599 || !is_field_value(line.substr(12))) return false;
  head_.status = static_cast<int>(*status);
  head_.version = line[7] == '0' ? 10 : 11;
  head_.keep_alive = head_.version == 11;
  return true;
}

bool AnswerParser::read_fields(std::string_view fields) {
  for (std::string_view rest = fields; !rest.empty();) {
    const auto field = next_field(rest);
    if (!field || !read_field(field->name, field->value)) return false;
  }
  return true;
}

bool AnswerParser::read_field(std::string_view name, std::string_view value) {
  if (same_word(name, "Content-Length")) {
    const auto length = number(value, 10);
    if (!length || head_.length) return false;
    head_.length = *length;
  } else if (same_word(name, "Transfer-Encoding")) {
    if (encoded_ || head_.version == 10 || !same_word(value, "chunked")) return false;
    encoded_ = true;
  } else if (same_word(name, "Connection")) {
    if (has_token(value, "close")) head_.keep_alive = false;
    if (head_.version == 10 && has_token(value, "keep-alive")) head_.keep_alive = true;
  }
  return true;
}

/// Where the body ends.
bool AnswerParser::frame() {
  if (encoded_ && head_.length) return false;
  left_ = 0;
  if (head_.is_interim()) {
    part_ = Part::head;
    return !encoded_ && head_.length.value_or(0) == 0;
  }
  if (to_head_ || head_.status == 204 || head_.status == 304) {
    part_ = Part::complete;
  } else if (encoded_) {
    part_ = Part::size;
    head_.chunked = true;
  } else if (head_.length) {
    left_ = *head_.length;
    part_ = left_ ? Part::length : Part::complete;
  } else {
    part_ = Part::to_the_end;
    head_.to_the_end = true;
    head_.keep_alive = false;
  }
  return true;
}

AnswerParser::Piece AnswerParser::parse_body(std::string_view bytes, std::size_t most) {
  Piece out;
  for (;;) {
    const std::string_view rest = bytes.substr(out.consumed);
    if (part_ == Part::complete) return {Status::done, out.consumed, {}};
    if (part_ == Part::length || part_ == Part::chunk || part_ == Part::to_the_end) {
      const bool framed = part_ != Part::to_the_end;
      const auto n = static_cast<std::size_t>(
          std::min<std::uint64_t>({rest.size(), most, framed ? left_ : std::uint64_t{rest.size()}}));
      if (framed) left_ -= n;
      if (framed && left_ == 0) part_ = part_ == Part::length ? Part::complete : Part::chunk_end;
      return {Status::need_more, out.consumed + n, rest.substr(0, n)};
    }
    if (const auto status = step(rest, out.consumed)) {
      out.status = *status;
      return out;
    }
  }
}

/// One line of the framing; a status: there is nothing more to do with these bytes.
std::optional<AnswerParser::Status> AnswerParser::step(std::string_view bytes, std::size_t& consumed) {
  const std::size_t most = part_ == Part::chunk_end ? 2
                           : part_ == Part::size    ? longest_size_line
                                                    : max_head_ - trailers_;
  const auto end = bytes.substr(0, most).find("\r\n");
  if (end == bytes.npos) {
    if (bytes.size() >= most) return Status::damaged;
    return Status::need_more;
  }
  const std::string_view line = bytes.substr(0, end);
  consumed += end + 2;
  if (part_ == Part::chunk_end) {
    if (!line.empty()) return Status::damaged;
    part_ = Part::size;
  } else if (part_ == Part::size) {
    if (!read_size(line)) return Status::damaged;
    part_ = left_ ? Part::chunk : Part::trailer;
  } else if (line.empty()) {
    part_ = Part::complete;
  } else {
    trailers_ += end + 2;
    std::string_view rest = bytes.substr(0, end + 2);
    const auto field = next_field(rest);
    if (trailers_ >= max_head_ || !field) return Status::damaged;
    if (may_trail(field->name)) trailer_lines_ += field->line;
  }
  return std::nullopt;
}

bool AnswerParser::read_size(std::string_view line) {
  const auto semicolon = line.find(';');
  std::string_view digits = line.substr(0, semicolon);
  if (semicolon != line.npos) {
    while (digits.ends_with(' ') || digits.ends_with('\t')) digits.remove_suffix(1);
    const std::string_view extension = line.substr(semicolon);
    if (!is_field_value(extension) || std::ranges::count(extension, '"') % 2 != 0) return false;
  }
  const auto size = digits.size() <= most_digits ? number(digits, 16) : std::nullopt;
  if (!size) return false;
  left_ = *size;
  return true;
}

void AnswerParser::become_tunnel() {
  part_ = Part::to_the_end;
  head_.to_the_end = true;
  head_.keep_alive = false;
}

bool AnswerParser::end_of_input() {
  if (part_ == Part::to_the_end) part_ = Part::complete;
  return part_ == Part::complete;
}

}  // namespace weir::net
