#include "gateway/edits.h"

#include <algorithm>

#include "net/field_lines.h"

namespace weir::gateway {

bool is_left_out(const config::FieldEdits& edits, std::string_view name) {
  const auto is = [name](std::string_view other) { return net::same_word(name, other); };
  return std::ranges::any_of(edits.remove, is) ||
         std::ranges::any_of(edits.set, [&](const auto& field) { return is(field.first); });
}

void add_fields(std::string& out, const config::FieldEdits& edits) {
  for (const auto* fields : {&edits.set, &edits.add})
    for (const auto& [name, value] : *fields) out.append(name).append(": ").append(value).append("\r\n");
}

std::string rewritten(const config::GatewayRoute& route, std::string_view path) {
  if (route.rewrite.empty()) return std::string(path);
  if (!route.rewrite.ends_with("/**")) return route.rewrite;
  const std::size_t above = route.path.size() - 3;  // both end with /**
  std::string out = route.rewrite.substr(0, route.rewrite.size() - 3);
  out += path.substr(std::min(above, path.size()));
  return out.empty() ? "/" : out;
}

}  // namespace weir::gateway
