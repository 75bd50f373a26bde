#include "load/persistence.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace weir::load {

Result<Persistence::Kind> Persistence::parse(std::string_view name) {
  if (name == "once") return Kind::once;
  if (name == "naive") return Kind::naive;
  if (name == "backoff") return Kind::backoff;
  if (name == "obeys") return Kind::obeys;
  return failure("\"" + std::string(name) + "\" is none of once, naive, backoff, obeys");
}

std::optional<Duration> Persistence::again(int tried, Duration told, Rng& rng) const {
  if (kind == Kind::once || tried >= tries) return std::nullopt;
  if (kind == Kind::naive) return Duration{0};
  if (kind == Kind::obeys) return told > Duration{0} ? std::optional(told) : std::nullopt;
  const double most = std::min(seconds(cap), seconds(base) * std::exp2(std::min(tried - 1, 30)));
  return from_seconds(rng.uniform() * most);
}

}  // namespace weir::load
