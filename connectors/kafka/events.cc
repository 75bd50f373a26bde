#include "events.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/base/rng.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace weir::kafka {
namespace {

void append_headers(std::string& out, const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers)) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  struct Header {
    std::string_view name;
    std::size_t number;
    std::string value;
  };
  std::vector<Header> all;
  for (std::size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); ++i)
    all.push_back({name, i, value ? json_text({static_cast<const char*>(value), size}) : "null"});
  std::ranges::sort(all, {}, [](const Header& header) { return std::pair(header.name, header.number); });
  out += R"(,"headers":{)";
  for (auto at = all.begin(); at != all.end();) {
    const auto end = std::find_if(at, all.end(), [&](const Header& header) { return header.name != at->name; });
    if (at != all.begin()) out += ',';
    out += json_text(at->name) + ':';
    const bool several = end - at > 1;  // an object has a name once: what is there more often is a list
    if (several) out += '[';
    for (auto one = at; one != end; ++one) out += (one == at ? "" : ",") + one->value;
    if (several) out += ']';
    at = end;
  }
  out += '}';
}

void append_metadata(std::string& out, const rd_kafka_message_t& message, const std::string& name) {
  rd_kafka_timestamp_type_t type{};
  const auto written = rd_kafka_message_timestamp(&message, &type);
  fmt::format_to(std::back_inserter(out), R"({}:{{"topic":{},"partition":{},"offset":{})", json_text(name),
                 json_text(rd_kafka_topic_name(message.rkt)), message.partition, message.offset);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) fmt::format_to(std::back_inserter(out), R"(,"timestamp":{})", written);
  out += R"(,"key":)";
  out += message.key ? json_text({static_cast<const char*>(message.key), message.key_len}) : "null";
  append_headers(out, message);
  out += '}';
}

}  // namespace

std::string_view value_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.payload ? message.len : 0};
}

bool is_tombstone(const rd_kafka_message_t& message) { return value_of(message).empty(); }

std::optional<std::string_view> header_of(const rd_kafka_message_t& message, const std::string& name) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) || rd_kafka_header_get_last(headers, name.c_str(), &value, &size))
    return std::nullopt;
  return std::string_view(static_cast<const char*>(value), value ? size : 0);
}

WallTime written_at(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type{};
  return WallTime(std::chrono::milliseconds(std::max<std::int64_t>(0, rd_kafka_message_timestamp(&message, &type))));
}

std::uint64_t id_of(const rd_kafka_message_t& message) {
  std::uint64_t partition = 14695981039346656037u;  // FNV-1a
  const auto add = [&](std::uint64_t byte) { partition = (partition ^ (byte & 0xff)) * 1099511628211u; };
  for (const char* c = rd_kafka_topic_name(message.rkt); *c; ++c) add(static_cast<unsigned char>(*c));
  for (int i = 0; i < 4; ++i) add(static_cast<std::uint64_t>(message.partition) >> (8 * i));
  return Rng(partition).next() + static_cast<std::uint64_t>(message.offset);
}

std::int64_t mark_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type{};
  return std::max<std::int64_t>(0, rd_kafka_message_timestamp(&message, &type));
}

std::string place_of(const rd_kafka_message_t& message) {
  return fmt::format("topic {}, partition {}, offset {}", terminal_text(rd_kafka_topic_name(message.rkt)),
                     message.partition, message.offset);
}

void append_event(std::string& out, const rd_kafka_message_t& message, const std::string& metadata) {
  constexpr std::string_view space = " \t\r\n";
  const auto value = value_of(message);
  const auto begin = metadata.empty() ? value.npos : value.find_first_not_of(space);
  if (begin == value.npos || value[begin] != '{') {
    out += value;
    return;
  }
  const auto member = value.find_first_not_of(space, begin + 1);
  out += '{';
  append_metadata(out, message, metadata);
  if (member != value.npos && value[member] != '}') out += ',';
  out += value.substr(begin + 1);
}

}  // namespace weir::kafka
