#include "guards/event_caller.h"

#include <weir/base/checked.h>

#include <algorithm>

namespace weir::guards {

std::string_view EventCaller::field(std::string_view path) const {
  auto found = std::ranges::find(readers_, path, &std::pair<std::string, FieldReader>::first);
  if (found == readers_.end()) {
    auto reader = FieldReader::compile(path);
    WEIR_CHECK(reader.has_value());  // the configuration was checked
    found = readers_.emplace(readers_.end(), path, std::move(*reader));
  }
  return found->second.text(event_).value_or(std::string_view{});
}

}  // namespace weir::guards
