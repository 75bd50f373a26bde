#include "config/guards.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

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

std::string one_of(const async::ClientKey& key) {
  switch (key.of) {
    case Of::none: return "everybody together";
    case Of::path: return "path";
    case Of::tls_subject: return "subject of a certificate";
    case Of::header: return "header " + key.header;
    case Of::field: return "field " + key.field;
    case Of::peer: break;
  }
  if (key.ipv4_bits < 32) return fmt::format("/{} network", key.ipv4_bits);
  return key.ipv6_bits == 64 ? "address" : fmt::format("address (IPv6: /{} network)", key.ipv6_bits);
}

std::string one_key(const async::ClientKey& key) {
  switch (key.of) {
    case Of::none: return "none";
    case Of::path: return "path";
    case Of::tls_subject: return "tls_subject";
    case Of::header: return "header:" + key.header;
    case Of::field: return key.field;
    case Of::peer: break;
  }
  if (key.ipv4_bits < 32) return fmt::format("peer/{}", key.ipv4_bits);
  return key.ipv6_bits == 64 ? "peer" : fmt::format("peer/{}", key.ipv6_bits);
}

std::string one(const Rate& rate) {
  const auto& guard = rate.guard;
  std::string out = fmt::format("name: {}, limit: {}", guard.name, to_text(quota_of(rate)));
  if (guard.limit.has_burst()) out += fmt::format(", burst: {}", burst_text(rate, guard.limit.burst));
  out += fmt::format(", algorithm: {}, per: {}", name(guard.limit.algorithm), unit_of(rate));
  if (rate.keyed()) out += fmt::format(", key: {}, keys: {}", quoted(guard.key), guard.keys);
  return fmt::format("{{ {}, mode: {} }}", out, rate.observe ? "observe" : "enforce");
}

std::string one(const Concurrency& concurrency) {
  const auto& guard = concurrency.guard;
  const auto& range = guard.limit.range;
  std::string out = fmt::format("algorithm: {}, limit: {}", name(guard.limit.algorithm), range.start);
  if (guard.limit.moves()) out += fmt::format(", min: {}, max: {}", range.least, range.most);
  if (guard.limit.algorithm == flow::AnyLimitConfig::Algorithm::aimd)
    out += fmt::format(", too_slow: {}", to_text(guard.limit.too_slow));
  if (guard.waits()) out += fmt::format(", max_wait: {}, max_waiting: {}", to_text(guard.max_wait), guard.max_waiting);
  return fmt::format("{{ {}, mode: {} }}", out, concurrency.observe ? "observe" : "enforce");
}

std::string one(const Pressure& pressure) {
  const auto& t = pressure.machine.thresholds;
  return fmt::format("{{ memory: {}, cpu: {}, run_queue: {:.0f}, descriptors: {}, reactor_lag: {}, mode: {} }}",
                     to_text_ratio(t[0]), to_text_ratio(t[1]), t[2], to_text_ratio(t[3]), to_text(from_seconds(t[4])),
                     pressure.observe ? "observe" : "enforce");
}

}  // namespace

std::string quoted(const async::ClientKey& key) {
  if (key.with.empty()) return json_text(one_key(key));
  std::string parts = json_text(one_key(key));
  for (const auto& part : key.with) parts += ", " + json_text(one_key(part));
  return "[" + parts + "]";
}

std::string shares_text(const async::ClientKey& tenant, std::uint32_t tenants,
                        const std::vector<std::pair<std::string, std::uint32_t>>& weights) {
  std::string out = fmt::format("key: {}, tenants: {}", quoted(tenant), tenants), each;
  for (const auto& [name, weight] : weights)
    each += fmt::format("{}{}: {}", each.empty() ? "" : ", ", json_text(name), weight);
  if (!each.empty()) out += ", weights: { " + each + " }";
  return "{ " + out + " }";
}

std::string_view unit_of(const Rate& rate) { return rate.of_calls ? "batches" : name(rate.guard.per); }

std::string words_of(const Rate& rate) {
  const Quota quota = quota_of(rate);
  const std::string text = to_text(quota);
  const auto slash = text.rfind('/');
  if (quota.bytes) return human(Bytes(quota.amount)) + text.substr(slash);
  return fmt::format("{} {}{}", quota.amount, unit_of(rate), text.substr(slash));
}

std::string words_of_each(const Rate& rate) {
  return words_of(rate) + (rate.keyed() ? " for each " + words_of(rate.guard.key) : "");
}

std::string amount(const Rate& rate, std::uint64_t n) {
  if (rate.guard.per == async::RateUnit::bytes) return human(Bytes(n));
  std::string_view unit = unit_of(rate);
  if (n == 1) unit.remove_suffix(rate.of_calls ? 2 : 1);  // batches; events, requests
  return fmt::format("{} {}", n, unit);
}

std::string words_of(const async::ClientKey& key) {
  std::string words = one_of(key);
  for (const auto& part : key.with) words += " and " + one_of(part);
  return words;
}

std::string to_text(const async::ClientKey& key) {
  std::string text = one_key(key);
  for (const auto& part : key.with) text += ", " + one_key(part);
  return text;
}

std::string words_of(const Concurrency& concurrency) {
  const auto& limit = concurrency.guard.limit;
  if (!limit.moves()) return fmt::format("{} at once", limit.range.start);
  return fmt::format("{} to {} at once ({})", limit.range.least, limit.range.most, name(limit.algorithm));
}

bool only_values_differ(const Guards& was, const Guards& is) {
  if (was.position != is.position || was.rates.size() != is.rates.size() ||
      was.concurrency.has_value() != is.concurrency.has_value() || was.pressure.has_value() != is.pressure.has_value())
    return false;
  for (std::size_t i = 0; i < is.rates.size(); ++i) {
    async::RateGuardConfig other = is.rates[i].guard;
    if (other.limit.algorithm != was.rates[i].guard.limit.algorithm || is.rates[i].observe != was.rates[i].observe)
      return false;
    other.limit = was.rates[i].guard.limit;
    if (other != was.rates[i].guard) return false;
  }
  if (is.pressure && (is.pressure->machine != was.pressure->machine || is.pressure->observe != was.pressure->observe))
    return false;
  if (!is.concurrency) return true;
  async::ConcurrencyGuardConfig other = is.concurrency->guard;
  other.limit = was.concurrency->guard.limit;
  other.weights = was.concurrency->guard.weights;
  return other == was.concurrency->guard && is.concurrency->observe == was.concurrency->observe;
}

std::string to_text(const Guards& guards) {
  std::string rates;
  for (const Rate& rate : guards.rates) rates += (rates.empty() ? "" : ", ") + one(rate);
  std::string all;
  const auto add = [&](std::string key, std::string value) {
    all += fmt::format("{}{}: {}", all.empty() ? "" : ", ", key, value);
  };
  if (guards.pressure) add("pressure", one(*guards.pressure));
  if (!rates.empty()) add("rate", guards.rates.size() == 1 ? rates : "[" + rates + "]");
  if (guards.concurrency) {
    add("concurrency", one(*guards.concurrency));
    if (guards.concurrency->guard.is_fair())
      add("fairness", shares_text(guards.concurrency->guard.tenant, guards.concurrency->guard.tenants,
                                  guards.concurrency->guard.weights));
  }
  return "{ " + all + " }";
}

}  // namespace weir::config
