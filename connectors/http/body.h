#pragma once
/// Splits the body of a request into events: NDJSON, a JSON array, or one object; or lines of any text.
///
/// Except for text every event is validated completely (a malformed line must be named before anything of its request
/// is stored) and stays where it is in the buffer: parsing yields an index, not copies. Newlines between the tokens of
/// an array element or a pretty-printed object become spaces, so that an event is always one line.
///
/// Thread: one reactor; the parser's memory is reused and grows to about 16 x max_event at most. Cost: about 130 ns for
/// a 200-byte event. Ref: RFC 8259; application/x-ndjson.
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace simdjson::dom {
class parser;
}

namespace weir::http {

enum class Format : std::uint8_t { lines, any };  ///< any: an array, lines, or one document; told apart by content

/// Which format a Content-Type announces; nullopt: none that is taken. A missing type, text/plain and what curl -d
/// sends are looked at.
std::optional<Format> format_of(std::string_view content_type);
/// Whether it states JSON or NDJSON: a browser asks the server before it sends such a type to another site.
bool is_json_type(std::string_view content_type);

struct BodyLimits {
  Bytes max_event = 256_KiB;
  std::uint64_t max_events = 10'000;
  bool text = false;  ///< content_type: text: each line is an event as it is, JSON or not
};

struct BadEvent {
  std::uint64_t line = 0;  ///< of the body, from 1; of an array: the element
  std::uint32_t offset = 0, length = 0;
  std::string why;
};

struct Parsed {
  std::vector<Batch::Slot> index;
  std::vector<Priority> priorities;  ///< one for each event, when the rule reads the body; else empty
  std::vector<BadEvent> bad;         ///< at most max_named of them
  std::uint64_t bad_events = 0;
  bool array = false;  ///< `line` counts elements
};

class BodyParser {
 public:
  static constexpr std::size_t max_named = 20;  ///< unless bad events are kept (dead letters): then all are
  BodyParser(BodyLimits limits, const PriorityRule& rule, bool keep_all_bad);
  ~BodyParser();

  /// The body must be readable for block_padding bytes behind its end. A Rejection is about the whole body:
  /// event_too_large, too_many_events; malformed when nothing in it can be told apart.
  struct Trouble {
    Reason reason;
    std::string why;
  };
  std::optional<Trouble> parse(std::span<char> body, Format format);
  const Parsed& parsed() const { return parsed_; }
  Parsed take() { return std::move(parsed_); }

 private:
  bool parse_good_lines(std::span<char> body);
  std::optional<Trouble> parse_text(std::span<char> body);
  std::optional<Trouble> parse_lines(std::span<char> body);
  std::optional<Trouble> parse_array(std::span<char> body);
  std::optional<Trouble> one(std::span<char> body, std::size_t from, std::size_t to, std::uint64_t line);
  const char* error_of(std::string_view event);

  BodyLimits limits_;
  const PriorityRule& rule_;
  bool keep_all_bad_;
  std::unique_ptr<simdjson::dom::parser> json_;
  std::optional<FieldReader> priority_of_;
  Parsed parsed_;
};

/// Bytes of parser memory that a reactor's BodyParser may grow to.
Bytes parser_memory(BodyLimits limits);

}  // namespace weir::http
