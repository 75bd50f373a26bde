#include "body.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <weir/component/json_form.h>
#include <weir/component/text_start.h>

#include <algorithm>
#include <cstring>

namespace weir::http {
namespace {

constexpr std::size_t parsed_at_once = 64 << 10;  // bounds the parser's memory: about 16 times this

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skip_space(std::span<const char> body, std::size_t at) {
  while (at < body.size() && is_space(body[at])) ++at;
  return at;
}

/// Where the JSON value that starts at `at` ends: at the comma, bracket or end behind it. It only separates elements;
/// the parser judges whether each is JSON.
std::size_t end_of_value(std::span<const char> body, std::size_t at) {
  int depth = 0;
  bool text = false;
  for (; at < body.size(); ++at) {
    const char c = body[at];
    if (text) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        text = false;
    } else if (c == '"') {
      text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth-- == 0) return at;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return body.size();
}

/// Without its parameters.
std::string_view media_type(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

/// `name` is in small letters.
bool is_type(std::string_view type, std::string_view name) {
  return type.size() == name.size() && std::ranges::equal(type, name, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
         });
}

}  // namespace

std::optional<Format> format_of(std::string_view content_type) {
  using enum Format;
  constexpr std::pair<std::string_view, Format> types[]{
      {"", any},
      {"application/json", any},
      {"application/x-ndjson", lines},
      {"application/ndjson", lines},
      {"application/jsonl", lines},
      {"application/x-jsonlines", lines},
      {"application/json-lines", lines},
      {"text/plain", any},
      {"text/json", any},
      {"application/x-www-form-urlencoded", any},
      {"application/octet-stream", any},
  };
  const auto type = media_type(content_type);
  for (const auto& [name, format] : types)
    if (is_type(type, name)) return format;
  return std::nullopt;
}

bool is_json_type(std::string_view content_type) {
  return is_type(media_type(content_type), "application/json") || format_of(content_type) == Format::lines;
}

Bytes parser_memory(BodyLimits limits) { return limits.max_event * 16; }

BodyParser::BodyParser(BodyLimits limits, const PriorityRule& rule, bool keep_all_bad)
    : limits_(limits),
      rule_(rule),
      keep_all_bad_(keep_all_bad),
      json_(std::make_unique<simdjson::dom::parser>(limits.max_event.count() + 64)) {
  if (!rule.from_body()) return;
  auto reader = FieldReader::compile(rule.path);
  WEIR_CHECK(reader.has_value());  // the configuration has compiled it before
  priority_of_.emplace(std::move(*reader));
}
BodyParser::~BodyParser() = default;

std::optional<BodyParser::Trouble> BodyParser::parse(std::span<char> body, Format format) {
  parsed_.index.clear();
  parsed_.priorities.clear();
  parsed_.bad.clear();
  parsed_.bad_events = 0;
  parsed_.array = false;
  if (const auto mark = byte_order_mark_at({body.data(), body.size()}); mark > 0) {
    std::ranges::fill(body.first(mark), ' ');
    auto trouble = parse(body, format);
    if (!parsed_.index.empty() && parsed_.index.front().offset == 0) {
      parsed_.index.front().offset += static_cast<std::uint32_t>(mark);
      parsed_.index.front().length -= static_cast<std::uint32_t>(mark);
    }
    return trouble;
  }
  if (limits_.text) return parse_text(body);
  const auto start = skip_space(body, 0);
  if (format == Format::any && start < body.size() && body[start] == '[') return parse_array(body.subspan(0));
  auto trouble = parse_lines(body);
  if (trouble || format == Format::lines || parsed_.bad_events == 0) return trouble;
  // Lines that are not JSON may be one document over several lines.
  auto end = body.size();
  while (end > start && is_space(body[end - 1])) --end;
  const std::string_view whole(body.data() + start, end - start);
  if (whole.find('\n') == whole.npos || whole.size() > limits_.max_event.count() || error_of(whole))
    return std::nullopt;
  parsed_ = Parsed{};
  std::ranges::replace(body, '\n', ' ');
  return one(body, start, end, 1);
}

// All lines in one pass: indexing them together costs a third less than one by one. Anything unusual (a bad line, an
// event over several lines, two on one) shows as a document that does not start where its line does; then the slow path
// looks at each line and says what is wrong with it.
bool BodyParser::parse_good_lines(std::span<char> body) {
  if (body.empty() || body.size() > parsed_at_once || priority_of_) return false;
  json_->threaded = false;
  simdjson::dom::document_stream stream;
  if (json_->parse_many(body.data(), body.size(), std::max<std::size_t>(body.size(), 64)).get(stream)) return false;
  auto document = stream.begin();
  const auto end_of_stream = stream.end();
  for (std::size_t at = 0; at < body.size();) {
    const char* newline = static_cast<const char*>(std::memchr(body.data() + at, '\n', body.size() - at));
    const std::size_t next = newline ? static_cast<std::size_t>(newline - body.data()) : body.size();
    std::size_t end = next;
    while (end > at && (body[end - 1] == '\r' || body[end - 1] == ' ' || body[end - 1] == '\t')) --end;
    if (end > at) {
      if (!(document != end_of_stream) || (*document).error() || document.current_index() != skip_space(body, at))
        return false;
      if (end - at > limits_.max_event.count() || parsed_.index.size() >= limits_.max_events) return false;
      const auto number = static_cast<std::uint32_t>(parsed_.index.size());
      parsed_.index.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at), number});
      ++document;
    }
    at = next + 1;
  }
  return !(document != end_of_stream) && stream.truncated_bytes() == 0;
}

std::optional<BodyParser::Trouble> BodyParser::parse_lines(std::span<char> body) {
  if (parse_good_lines(body)) return std::nullopt;
  parsed_.index.clear();
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < body.size();) {
    ++line;
    const char* newline = static_cast<const char*>(std::memchr(body.data() + at, '\n', body.size() - at));
    const std::size_t next = newline ? static_cast<std::size_t>(newline - body.data()) : body.size();
    std::size_t end = next;
    while (end > at && (body[end - 1] == '\r' || body[end - 1] == ' ' || body[end - 1] == '\t')) --end;
    if (end > at)
      if (auto trouble = one(body, at, end, line)) return trouble;
    at = next + 1;
  }
  return std::nullopt;
}

/// A carriage return before its line feed is no part of a line; blanks are.
std::optional<BodyParser::Trouble> BodyParser::parse_text(std::span<char> body) {
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < body.size();) {
    ++line;
    const char* newline = static_cast<const char*>(std::memchr(body.data() + at, '\n', body.size() - at));
    const std::size_t next = newline ? static_cast<std::size_t>(newline - body.data()) : body.size();
    const std::size_t end = next > at && body[next - 1] == '\r' ? next - 1 : next;
    if (end > at)
      if (auto trouble = one(body, at, end, line)) return trouble;
    at = next + 1;
  }
  return std::nullopt;
}

std::optional<BodyParser::Trouble> BodyParser::parse_array(std::span<char> body) {
  parsed_.array = true;
  std::size_t at = skip_space(body, skip_space(body, 0) + 1);
  std::uint64_t element = 0;
  bool closed = at < body.size() && body[at] == ']';
  while (!closed && at < body.size()) {
    const std::size_t stop = end_of_value(body, at);
    std::size_t end = stop;
    while (end > at && is_space(body[end - 1])) --end;
    const auto good = parsed_.index.size();
    if (auto trouble = one(body, at, end, ++element)) return trouble;
    if (parsed_.index.size() > good)  // between its tokens: within a string it would not be JSON
      std::ranges::replace(body.subspan(at, end - at), '\n', ' ');
    if (stop == body.size()) break;
    closed = body[stop] == ']';
    if (!closed && body[stop] != ',') break;  // a brace that closes nothing
    at = skip_space(body, stop + 1);
    if (closed) at = stop;
  }
  if (!closed) return Trouble{Reason::malformed, fmt::format("the array does not end after element {}", element)};
  if (skip_space(body, at + 1) != body.size())
    return Trouble{Reason::malformed, "there is something behind the end of the array"};
  return std::nullopt;
}

const char* BodyParser::error_of(std::string_view event) {
  if (event.empty()) return "an event is missing here";
  const auto error = json_->parse(event.data(), event.size(), false).error();
  if (!error) return nullptr;
  // JSON sets numbers no bound, and knows single surrogates; the parser does not take them.
  const bool bound = error == simdjson::NUMBER_ERROR || error == simdjson::STRING_ERROR;
  if (bound && json_form_of(event) == JsonForm::whole && simdjson::validate_utf8(event.data(), event.size()))
    return nullptr;
  return simdjson::error_message(error);
}

std::optional<BodyParser::Trouble> BodyParser::one(std::span<char> body, std::size_t from, std::size_t to,
                                                   std::uint64_t line) {
  const std::string_view event(body.data() + from, to - from);
  const char* what = parsed_.array ? "element" : "line";
  if (event.size() > limits_.max_event.count())
    return Trouble{Reason::event_too_large, fmt::format("{} {} has {} bytes, max_event is {}", what, line, event.size(),
                                                        limits_.max_event.count())};
  if (parsed_.index.size() + parsed_.bad_events >= limits_.max_events)
    return Trouble{Reason::too_many_events, fmt::format("there are more than {}", limits_.max_events)};
  if (const char* why = limits_.text ? nullptr : error_of(event)) {
    if (parsed_.bad.size() < max_named || keep_all_bad_)
      parsed_.bad.push_back({line, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(event.size()), why});
    ++parsed_.bad_events;
    return std::nullopt;
  }
  const auto number = static_cast<std::uint32_t>(parsed_.index.size());
  parsed_.index.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(event.size()), number});
  if (priority_of_) {
    const auto value = priority_of_->text(event);
    parsed_.priorities.push_back(value ? rule_.of(*value) : rule_.fallback);
  }
  return std::nullopt;
}

}  // namespace weir::http
