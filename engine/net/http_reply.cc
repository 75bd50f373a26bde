#include "net/http_reply.h"

#include <algorithm>
#include <charconv>

#include "net/http.h"

namespace weir::net {
namespace {

constexpr std::size_t longest_chunk_line = 256;
constexpr int most_interim = 8;

bool has_token(std::string_view list, std::string_view token) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto same = [&](char a, char b) { return lower(a) == b; };
  return std::ranges::search(list, token, same).begin() != list.end();
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
  Head head;
  head.fields = fields;
  return head.header(name);
}

ReplyReader::Status ReplyReader::feed(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  input_ += bytes;
  while (true) {
    const Part before = part_;
    const Status status = advance();
    if (status != Status::need_more || part_ == before) return status;
  }
}

ReplyReader::Status ReplyReader::end() {
  keep_alive_ = false;
  if (part_ == Part::complete) return Status::done;
  return part_ == Part::to_the_end ? complete() : Status::damaged;
}

ReplyReader::Status ReplyReader::advance() {
  switch (part_) {
    case Part::head: return head();
    case Part::chunk_size: return chunk_size();
    case Part::chunk_end: {
      const auto rest = line();
      if (!rest) return input_.size() > 1 ? Status::damaged : Status::need_more;
      if (!rest->empty()) return Status::damaged;
      input_.erase(0, 2);
      part_ = Part::chunk_size;
      return Status::need_more;
    }
    case Part::trailer: return trailer();
    case Part::complete: return Status::done;
    case Part::length:
    case Part::chunk:
    case Part::to_the_end: return body();
  }
  return Status::damaged;
}

std::optional<std::string_view> ReplyReader::line() {
  const auto end = input_.find("\r\n");
  if (end == input_.npos) return std::nullopt;
  return std::string_view(input_).substr(0, end);
}

ReplyReader::Status ReplyReader::head() {
  const auto end = input_.find("\r\n\r\n");
  if (end == input_.npos) {
    const std::string_view start = "HTTP/1.";
    const bool http = std::string_view(input_).substr(0, start.size()) == start.substr(0, input_.size());
    return http && input_.size() <= max_head_ ? Status::need_more : Status::damaged;
  }
  const std::string_view first = *line();
  const auto status = first.size() >= 12 ? number(first.substr(9, 3), 10) : std::nullopt;
  if (end > max_head_ || !first.starts_with("HTTP/1.") || first[8] != ' ' || !status || *status < 100)
    return Status::damaged;
  answer_.status = static_cast<int>(*status);
  answer_.fields = input_.substr(first.size() + 2, end - first.size());
  keep_alive_ = first[7] != '0' ? !has_token(answer_.header("Connection"), "close")
                                : has_token(answer_.header("Connection"), "keep-alive");
  input_.erase(0, end + 4);
  if (*status < 200) {
    if (*status == 101 || ++interim_ > most_interim) return Status::damaged;
    return head();
  }
  return frame() ? Status::need_more : Status::damaged;
}

bool ReplyReader::frame() {
  const auto encoding = answer_.header("Transfer-Encoding");
  const auto length = answer_.header("Content-Length");
  if (answer_.status == 204 || answer_.status == 304) {
    left_ = 0;
    part_ = Part::length;
  } else if (!encoding.empty()) {
    // Both framings at once: the server cannot be trusted with another request on the same connection.
    keep_alive_ = keep_alive_ && length.empty();
    part_ = has_token(encoding, "chunked") ? Part::chunk_size : Part::to_the_end;
  } else if (!length.empty()) {
    const auto bytes = number(length, 10);
    if (!bytes) return false;
    left_ = *bytes;
    part_ = Part::length;
  } else {
    part_ = Part::to_the_end;
  }
  return true;
}

ReplyReader::Status ReplyReader::chunk_size() {
  const auto text = line();
  if (!text) return input_.size() > longest_chunk_line ? Status::damaged : Status::need_more;
  auto digits = text->substr(0, text->find(';'));
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  const auto size = number(digits, 16);
  if (!size) return Status::damaged;
  input_.erase(0, text->size() + 2);
  left_ = *size;
  part_ = left_ ? Part::chunk : Part::trailer;
  return Status::need_more;
}

ReplyReader::Status ReplyReader::trailer() {
  while (const auto text = line()) {
    const bool last = text->empty();
    trailers_ += text->size() + 2;
    input_.erase(0, text->size() + 2);
    if (last) return complete();
  }
  return trailers_ + input_.size() > max_head_ ? Status::damaged : Status::need_more;
}

ReplyReader::Status ReplyReader::body() {
  const bool framed = part_ != Part::to_the_end;
  const auto here = framed ? std::min<std::uint64_t>(left_, input_.size()) : input_.size();
  const auto room = max_body_ - answer_.body.size();
  answer_.body.append(input_, 0, std::min<std::size_t>(here, room));
  if (here > room) {
    answer_.truncated = true;
    keep_alive_ = false;
    return complete();
  }
  input_.erase(0, here);
  if (!framed) return Status::need_more;
  left_ -= here;
  if (left_) return Status::need_more;
  if (part_ == Part::length) return complete();
  part_ = Part::chunk_end;
  return Status::need_more;
}

ReplyReader::Status ReplyReader::complete() {
  part_ = Part::complete;
  return Status::done;
}

}  // namespace weir::net
