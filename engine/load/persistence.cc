#include "load/persistence.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace weir::load {

Result<Persistence::Kind> Persistence::parse(std::string_view name) {
  if (name == "none") return Kind::none;
  if (name == "naive") return Kind::naive;
  if (name == "backoff") return Kind::backoff;
  if (name == "retry-after") return Kind::retry_after;
  if (name == "impatient") return Kind::impatient;
  return failure("\"" + std::string(name) + "\" is none of none, naive, backoff, retry-after, impatient");
}

Duration Persistence::patience(Duration deadline) const {
  return kind == Kind::impatient ? deadline / std::max(tries, 1) : deadline;
}

std::optional<Duration> Persistence::again(int tried, Duration told, Rng& rng) const {
  if (kind == Kind::none || tried >= tries) return std::nullopt;
  if (kind == Kind::naive || kind == Kind::impatient) return Duration{0};
  if (kind == Kind::retry_after) return told > Duration{0} ? std::optional(told) : std::nullopt;
  const double most = std::min(seconds(cap), seconds(base) * std::exp2(std::min(tried - 1, 30)));
  return from_seconds(rng.uniform() * most);
}

}  // namespace weir::load
