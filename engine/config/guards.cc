#include "config/guards.h"

#include <fmt/format.h>

#include "config/units_parse.h"

namespace weir::config {
namespace {

using Of = async::ClientKey::Of;

Quota quota_of(const Rate& rate) {
  const auto& limit = rate.guard.limit;
  return {limit.limit, limit.window, rate.guard.per == async::RateUnit::bytes};
}

std::string burst_text(const Rate& rate, std::uint64_t n) {
  return rate.guard.per == async::RateUnit::bytes ? to_text(Bytes(n)) : std::to_string(n);
}

std::string one(const Rate& rate) {
  const auto& guard = rate.guard;
  std::string out = fmt::format("name: {}, limit: {}", guard.name, to_text(quota_of(rate)));
  if (guard.limit.has_burst()) out += fmt::format(", burst: {}", burst_text(rate, guard.limit.burst));
  out += fmt::format(", algorithm: {}, per: {}", name(guard.limit.algorithm), unit_of(rate));
  if (rate.keyed()) out += fmt::format(", key: \"{}\", keys: {}", to_text(guard.key), guard.keys);
  return fmt::format("{{ {}, mode: {} }}", out, rate.observe ? "observe" : "enforce");
}

}  // namespace

std::string_view unit_of(const Rate& rate) { return rate.of_calls ? "batches" : name(rate.guard.per); }

std::string words_of(const Rate& rate) {
  const Quota quota = quota_of(rate);
  const std::string text = to_text(quota);
  const auto slash = text.rfind('/');
  if (quota.bytes) return human(Bytes(quota.amount)) + text.substr(slash);
  return fmt::format("{} {}{}", quota.amount, unit_of(rate), text.substr(slash));
}

std::string words_of(const async::ClientKey& key) {
  switch (key.of) {
    case Of::none: return "everybody together";
    case Of::path: return "path";
    case Of::header: return "header " + key.header;
    case Of::peer: break;
  }
  if (key.ipv4_bits < 32) return fmt::format("/{} network", key.ipv4_bits);
  return key.ipv6_bits == 64 ? "address" : fmt::format("address (IPv6: /{} network)", key.ipv6_bits);
}

std::string to_text(const async::ClientKey& key) {
  switch (key.of) {
    case Of::none: return "none";
    case Of::path: return "path";
    case Of::header: return "header:" + key.header;
    case Of::peer: break;
  }
  if (key.ipv4_bits < 32) return fmt::format("peer/{}", key.ipv4_bits);
  return key.ipv6_bits == 64 ? "peer" : fmt::format("peer/{}", key.ipv6_bits);
}

std::string to_text(const Guards& guards) {
  if (guards.rates.size() == 1) return fmt::format("{{ rate: {} }}", one(guards.rates.front()));
  std::string all;
  for (const Rate& rate : guards.rates) all += (all.empty() ? "" : ", ") + one(rate);
  return fmt::format("{{ rate: [{}] }}", all);
}

}  // namespace weir::config
