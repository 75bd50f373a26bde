#include "observe/host_names.h"

#include <algorithm>
#include <utility>

#include "net/address.h"

namespace weir::observe {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon == host.npos || host.ends_with(']') ? host : host.substr(0, colon);
}

}  // namespace

HostNames::HostNames(const std::string& listen, std::vector<std::string> names) : names_(std::move(names)) {
  names_.emplace_back("localhost");
  names_.emplace_back(without_port(listen));
}

bool HostNames::answers(std::string_view host) const {
  const std::string_view name = without_port(host);
  if (name.empty() || net::is_literal(std::string(name) + ":1")) return true;
  return std::ranges::any_of(
      names_, [&](const std::string& known) { return std::ranges::equal(name, known, {}, lower, lower); });
}

}  // namespace weir::observe
