#pragma once
/// What the programs of this folder share: a way to give up, clocks, an HTTP head and the text of a 200-byte event.
///
/// Bench programs measure, they are not measured for robustness: anything unexpected ends them with one line, so that
/// a broken run can never pass for a fast one.
///
/// Thread: functions are free of state; an EventText has one owner. Cost: parse_head is one pass over the head.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::bench {

/// Ends the program with one line on standard error.
[[noreturn]] void fail(const std::string& what);
/// The same, with errno's text behind it.
[[noreturn]] void fail_errno(const std::string& what);

std::uint64_t wall_ns();         ///< monotonic
std::uint64_t process_cpu_ns();  ///< user + system, all threads of this process
std::uint64_t thread_cpu_ns();   ///< user + system, the calling thread

/// The head of an HTTP/1.1 message, request or response; bodies by Content-Length only.
struct Head {
  std::size_t size = 0;           ///< bytes up to and including the empty line
  std::size_t body = 0;           ///< Content-Length
  int status = 0;                 ///< of a response; 0 in a request
  bool close = false;             ///< Connection: close
  std::uint32_t retry_after = 0;  ///< seconds; 0: none
};
enum class Parsed : std::uint8_t { whole, incomplete, malformed };
Parsed parse_head(std::string_view bytes, Head& head);

/// How many lines these bytes hold; each is framed with memchr as a server has to.
std::uint64_t count_lines(std::string_view bytes);

/// A body of NDJSON events of exactly 200 bytes, newline included. Only the ids change from one request to the next,
/// so making load costs next to nothing.
class EventText {
 public:
  static constexpr std::size_t event_size = 200;
  static constexpr std::size_t id_digits = 12;
  static constexpr std::size_t max_prefix = 16;

  /// Ids are "PREFIX-000000000042"; `events` a body, at most 10 000.
  EventText(const std::string& prefix, std::uint32_t events);
  /// The text with ids first, first + 1, ...; valid until the next call.
  std::string_view with_ids(std::uint64_t first);
  /// Where the id begins in each event, and its length.
  std::size_t id_offset() const { return 7; }
  std::size_t id_size() const { return prefix_size_ + 1 + id_digits; }

 private:
  std::size_t prefix_size_;
  std::string text_;
};

}  // namespace weir::bench
