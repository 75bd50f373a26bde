#include "support.h"

#include <strings.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace weir::bench {
namespace {

std::uint64_t read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

bool is(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() && strncasecmp(name.data(), wanted.data(), name.size()) == 0;
}

template <typename N>
bool number(std::string_view text, N& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_field(std::string_view line, Head& head) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const auto name = line.substr(0, colon);
  auto value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (is(name, "content-length")) return number(value, head.body);
  if (is(name, "connection")) head.close = is(value, "close");
  if (is(name, "retry-after")) return number(value, head.retry_after);
  return !is(name, "transfer-encoding");
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  // Threads may still run: no destructors, no flushing of half-written results.
  _exit(2);
}

void fail_errno(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

std::uint64_t wall_ns() { return read_clock(CLOCK_MONOTONIC); }
std::uint64_t process_cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
std::uint64_t thread_cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

Parsed parse_head(std::string_view bytes, Head& head) {
  const void* end = memmem(bytes.data(), bytes.size(), "\r\n\r\n", 4);
  if (!end) return Parsed::incomplete;
  head = Head{};
  head.size = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 4;
  std::size_t at = bytes.find("\r\n");
  const auto first = bytes.substr(0, at);
  if (first.starts_with("HTTP/1.") && (first.size() < 12 || !number(first.substr(9, 3), head.status)))
    return Parsed::malformed;
  for (at += 2; at + 2 < head.size;) {
    const auto line_end = bytes.find("\r\n", at);
    if (!read_field(bytes.substr(at, line_end - at), head)) return Parsed::malformed;
    at = line_end + 2;
  }
  return Parsed::whole;
}

std::uint64_t count_lines(std::string_view bytes) {
  std::uint64_t lines = 0;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    ++lines;
    if (!newline) break;
    at = newline + 1;
  }
  return lines;
}

EventText::EventText(const std::string& prefix, std::uint32_t events) : prefix_size_(prefix.size()) {
  if (prefix.empty() || prefix.size() > max_prefix || events == 0 || events > 10'000) {
    fail("an event id needs a prefix of 1 to 16 bytes, and a request 1 to 10000 events");
  }
  std::string event = R"({"id":")" + prefix + "-" + std::string(id_digits, '0') +
                      R"(","time":"2026-01-01T00:00:00.000Z","level":"info","service":"checkout","status":"paid",)" +
                      R"("duration_ms":12.5,"user":"u-1234","message":")";
  event.append(event_size - 3 - event.size(), 'x').append("\"}\n");
  for (std::uint32_t i = 0; i < events; ++i) text_ += event;
}

std::string_view EventText::with_ids(std::uint64_t first) {
  char* digits = text_.data() + id_offset() + prefix_size_ + 1;
  for (char* const end = text_.data() + text_.size(); digits < end; digits += event_size) {
    auto id = first++;
    for (std::size_t i = id_digits; i-- > 0; id /= 10) digits[i] = static_cast<char>('0' + id % 10);
  }
  return text_;
}

}  // namespace weir::bench
