#include "aggregate.h"

#include <weir/component/expression/timestamp.h>

#include <cmath>

namespace weir::aggregate {

Aggregate::Aggregate(std::shared_ptr<Windows> windows, Parts parts)
    : windows_(std::move(windows)), parts_(std::move(parts)), numbers_(parts_.inputs.size()) {}

std::optional<WallTime> Aggregate::own_time(JsonEvent& json) {
  if (!parts_.time) return std::nullopt;
  const auto value = json.at(*parts_.time, unescaped_);
  return value.kind == JsonValue::Kind::number ? timestamp_of(value.number)
         : value.kind == JsonValue::Kind::text ? parse_timestamp(value.text)
                                               : std::nullopt;
}

Verdict Aggregate::take(const Event& event, std::string& out) {
  (void)out;
  auto& json = json_of(event, own_);
  parts_.key.read(json);
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const auto value = parts_.inputs[i].value(json, event.facts());
    numbers_[i] = value.kind == JsonValue::Kind::number ? value.number : std::nanl("");
  }
  const auto hash = parts_.key.hash(parts_.secret);
  return windows_->merge({.time = own_time(json), .key = parts_.key, .hash = hash, .numbers = numbers_}, event.now,
                         event.wall);
}

}  // namespace weir::aggregate
