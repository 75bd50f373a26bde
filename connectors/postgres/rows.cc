#include "rows.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/component/event_id.h>
#include <weir/component/expression/json_scan.h>

#include <numeric>

namespace weir::postgres {
namespace {

using namespace std::string_view_literals;
constexpr auto stream_header = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv;
constexpr std::size_t array_header = 20;

bool is_null(std::string_view value) { return value.substr(0, 4) == "\377\377\377\377"sv; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && scan::space(text.back())) text.remove_suffix(1);
  while (!text.empty() && scan::space(text.front())) text.remove_prefix(1);
  return text;
}

/// Checks JSON as far as its brackets and quotes; the server checks the rest.
bool may_be_json(JsonEvent& json) {
  if (const auto* members = json.members()) return members->complete();
  const auto text = trimmed(json.event());
  if (text.empty() || text[0] == '{' || !is_utf8(text)) return false;
  const char* end = text.data() + text.size();
  if (text[0] == '"' || text[0] == '[') return scan::value_end(text.data(), end) == end;
  return text == "true" || text == "false" || text == "null" || parse_json_number(text).kind == JsonValue::Kind::number;
}

}  // namespace

Rows::Rows(const std::vector<Column>& columns, Bytes most)
    : columns_(columns),
      most_(most.count()),
      json_(largest_event(most)),
      buffers_(columns.size()),
      before_(columns.size()),
      holds_null_(columns.size()) {}

void Rows::begin(Form form) {
  form_ = form;
  new_ids_ = 0;
  count_ = 0;
  holds_null_.assign(columns_.size(), 0);
  for (auto& buffer : buffers_) buffer.clear();
  if (form == Form::stream)
    buffers_[0] = stream_header;
  else
    for (auto& buffer : buffers_) buffer.assign(array_header, '\0');
  bytes_ = 0;
}

std::expected<bool, std::string> Rows::add(const Batch& batch, std::uint32_t event) {
  const auto text = batch[event];
  if (Bytes(text.size()) > largest_event(Bytes(most_)))
    return std::unexpected(fmt::format("it has {} bytes and this sink takes at most {}: raise its `max_statement`",
                                       text.size(), most_ / 4));
  json_.look_at(text);
  for (std::size_t i = 0; i < buffers_.size(); ++i) before_[i] = buffers_[i].size();
  new_id_ = false;
  auto why = append_row(batch, event);
  std::size_t added = 0;
  for (std::size_t i = 0; i < buffers_.size(); ++i) added += buffers_[i].size() - before_[i];
  const bool fits = bytes_ + added <= most_;
  if (why.empty() && !fits && count_ == 0)
    why = fmt::format("its row has {} bytes, too many for a statement of this sink: raise its `max_statement`", added);
  if (why.empty() && fits) {
    for (std::size_t i = 0; form_ == Form::arrays && i < buffers_.size(); ++i)
      holds_null_[i] |= is_null(std::string_view(buffers_[i]).substr(before_[i]));
    bytes_ += added;
    ++count_;
    new_ids_ += new_id_;
    return true;
  }
  for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].resize(before_[i]);
  if (why.empty()) return false;
  return std::unexpected(std::move(why));
}

std::string Rows::append_row(const Batch& batch, std::uint32_t event) {
  if (form_ == Form::stream) append_int16(static_cast<std::int16_t>(columns_.size()), buffers_[0]);
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (auto why = append_column(columns_[i], batch, event, target(i)); !why.empty())
      return fmt::format("column {}: {}", columns_[i].name, why);
  return {};
}

std::string Rows::append_column(const Column& column, const Batch& batch, std::uint32_t event, std::string& out) {
  switch (column.from) {
    case Column::From::event: return append_event(out);
    case Column::From::received: append_time(batch.info().received_wall, out); return {};
    case Column::From::path: return append_path(column, out);
    case Column::From::id: break;
  }
  const auto id = json_.at(column.path, unescaped_);
  if (is_id(id)) return append_value(*column.type, id, out);
  unescaped_.clear();
  append_own_id(unescaped_, batch, event);
  new_id_ = own_ids_are_new(batch);
  append_bytes(unescaped_, out);
  return {};
}

std::string Rows::append_event(std::string& out) {
  if (!may_be_json(json_)) return "it is not JSON, and jsonb must be";
  append_jsonb(json_.event(), out);
  return {};
}

std::string Rows::append_path(const Column& column, std::string& out) {
  const auto value = json_.at(column.path, unescaped_);
  const bool absent =
      value.kind == JsonValue::Kind::null || (value.kind == JsonValue::Kind::missing && value.raw.empty());
  if (column.is_key && value.kind == JsonValue::Kind::text && value.text.empty())
    return "it is empty, and the key: all events with an empty one would be taken for the same";
  if (!absent) return append_value(*column.type, value, out);
  if (value.kind == JsonValue::Kind::missing && !may_be_json(json_)) return "it is missing: the event is not JSON";
  if (column.required)
    return value.kind == JsonValue::Kind::null ? "it is null, and required" : "it is missing, and required";
  if (column.fallback.empty())
    append_null(out);
  else
    out += column.fallback;
  return {};
}

std::span<const std::string_view> Rows::finish() {
  values_.clear();
  if (form_ == Form::stream) {
    append_int16(-1, buffers_[0]);
    values_.emplace_back(buffers_[0]);
    return values_;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    char* header = buffers_[i].data();
    put_int32(count_ ? 1 : 0, header);
    put_int32(holds_null_[i], header + 4);
    put_int32(static_cast<std::int32_t>(columns_[i].type->oid), header + 8);
    put_int32(static_cast<std::int32_t>(count_), header + 12);
    put_int32(1, header + 16);
    // An empty array has no dimensions.
    values_.push_back(std::string_view(buffers_[i]).substr(0, count_ ? buffers_[i].size() : 12));
  }
  return values_;
}

}  // namespace weir::postgres
