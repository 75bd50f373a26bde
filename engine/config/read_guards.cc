#include <fmt/format.h>
#include <weir/component/expression/path.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "config/nodes.h"

namespace weir::config {
namespace {

using RateAlgorithm = flow::RateLimitConfig::Algorithm;
using async::ClientKey;
using async::RateUnit;

constexpr std::uint64_t least_keys = 8, most_keys = 1'000'000;
constexpr std::size_t most_key_parts = 4;
constexpr double pace_burst = 0.1;  // of a second, where work waits for a rate: a group commit stays possible

bool is_token(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// "peer/24": so many bits of an IPv4 address; above 32 so many of an IPv6 address.
bool read_prefix(std::string_view bits, ClientKey& key) {
  int n = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), n);
  if (error != std::errc{} || end != bits.data() + bits.size() || n < 1 || n > 128) return false;
  (n <= 32 ? key.ipv4_bits : key.ipv6_bits) = n;
  return true;
}

Parsed<ClientKey> parse_field(std::string_view text) {
  const auto path = Path::parse(text);
  if (!path) return std::unexpected(path.error().message.substr(0, path.error().message.find('\n')));
  if (path->steps.empty()) return std::unexpected("the whole event is no key: write the path of a field, as .tenant");
  return ClientKey{.of = ClientKey::Of::field, .field = std::string(text)};
}

/// A count, or a size where bytes are counted.
Parsed<std::uint64_t> parse_burst(std::string_view text, bool bytes) {
  if (!bytes) return parse_count(text);
  const auto size = parse_size(text);
  return size ? Parsed<std::uint64_t>(size->count()) : std::unexpected(size.error());
}

/// As much as the position can do without holding anything up for long: all of a window at a door, where clients come
/// in turns; a tenth of a second's worth where work waits anyway.
std::uint64_t usual_burst(const flow::RateLimitConfig& limit, GuardPosition position) {
  if (limit.algorithm == RateAlgorithm::leaky_bucket) return 0;
  if (position == GuardPosition::door) return limit.limit;
  return static_cast<std::uint64_t>(std::max(1.0, std::ceil(limit.rate().value * pace_burst)));
}

void take_quota(const Quota& quota, Rate& rate) {
  rate.guard.limit.limit = quota.amount;
  rate.guard.limit.window = quota.window;
  if (quota.bytes) rate.guard.per = RateUnit::bytes;
}

void read_unit(Reader& reader, Section& section, GuardPosition position, bool bytes, Rate& rate) {
  using Choices = std::vector<std::pair<std::string, RateUnit>>;
  const Choices at_door{{"requests", RateUnit::requests}, {"events", RateUnit::events}, {"bytes", RateUnit::bytes}};
  const Choices out{{"events", RateUnit::events}, {"batches", RateUnit::requests}, {"bytes", RateUnit::bytes}};
  const Choices in{{"events", RateUnit::events}, {"bytes", RateUnit::bytes}};
  RateUnit unit = rate.guard.per;
  const Choices& choices = position == GuardPosition::door ? at_door : position == GuardPosition::sink ? out : in;
  if (!section.choice<RateUnit>("per", unit, choices)) return;
  if (bytes != (unit == RateUnit::bytes))
    reader.error_at(section.path("per"),
                    bytes ? "the limit is a size, so bytes are counted" : "bytes are counted, but the limit is no size",
                    bytes ? "write per: bytes, or a limit without a unit" : "write a limit as 10MiB/s");
  if (unit == RateUnit::requests && rate.guard.key.reads_events())
    reader.error_at(section.path("per"), "a request may bring events of many keys", "write per: events");
  rate.guard.per = unit;
}

bool only_fields(const ClientKey& key) {
  return key.of == ClientKey::Of::field && std::ranges::all_of(key.with, only_fields);
}

/// Before the unit: what is told apart by its events is counted in events.
void read_key(Reader& reader, Section& section, GuardPosition position, Rate& rate) {
  read_client_key(reader, section, rate.guard.key);
  section.count("keys", rate.guard.keys, least_keys, most_keys);
  for (const char* key : {"key", "keys"})
    if (position == GuardPosition::sink && section.find(key))
      reader.error_at(section.path(key), "nobody is told apart here: the rate is that of all of it",
                      "remove it; keys belong to sources and routes");
  if (position == GuardPosition::intake && rate.keyed() && !only_fields(rate.guard.key))
    reader.error_at(section.path("key"), "nobody is answered here, so only fields of the events tell them apart",
                    "write .tenant, or remove it");
  if (rate.guard.key.reads_events() && rate.guard.per == RateUnit::requests) rate.guard.per = RateUnit::events;
  if (section.find("keys") && !rate.keyed())
    reader.error_at(section.path("keys"), "counts keys, but there is no key",
                    "add key: header:X-Api-Key, or remove it");
}

void read_burst(Reader& reader, Section& section, GuardPosition position, Rate& rate) {
  auto& limit = rate.guard.limit;
  limit.burst = usual_burst(limit, position);
  const bool bytes = rate.guard.per == RateUnit::bytes;
  if (!section.value("burst", limit.burst, [&](std::string_view text) { return parse_burst(text, bytes); })) return;
  if (!limit.has_burst())
    reader.error_at(section.path("burst"),
                    fmt::format("a {} has none: its limit may pass at once", name(limit.algorithm)),
                    "remove it, or write algorithm: token_bucket");
}

void read_rate(Reader& reader, Section& section, GuardPosition position, Rate& rate) {
  Quota quota;
  const bool known = section.value("limit", quota, parse_quota);
  if (!known && !section.find("limit"))
    reader.error_at(section.path(), "has no limit", "write limit: and a number in a time, as in 100/s");
  if (known) take_quota(quota, rate);
  section.name("name", rate.guard.name);
  section.choice<RateAlgorithm>("algorithm", rate.guard.limit.algorithm,
                                {{"token_bucket", RateAlgorithm::token_bucket},
                                 {"leaky_bucket", RateAlgorithm::leaky_bucket},
                                 {"fixed_window", RateAlgorithm::fixed_window},
                                 {"sliding_counter", RateAlgorithm::sliding_counter},
                                 {"sliding_log", RateAlgorithm::sliding_log}});
  read_key(reader, section, position, rate);
  read_unit(reader, section, position, quota.bytes, rate);
  read_burst(reader, section, position, rate);
  section.choice<bool>("mode", rate.observe, {{"enforce", false}, {"observe", true}});
  section.finish();
  if (known) section.report(check(rate.guard.limit));
}

/// One entry of `rate`: the limit alone, or a map.
void read_entry(Reader& reader, const Yaml& node, const std::string& path, GuardPosition position, std::size_t number,
                Guards& out) {
  Rate rate;
  rate.path = path;
  rate.guard.per = position == GuardPosition::door ? RateUnit::requests : RateUnit::events;
  if (number > 0) rate.guard.name = fmt::format("rate_{}", number + 1);
  if (node.kind == Yaml::Kind::scalar) {
    const auto text = reader.text(node, path);
    if (!text) return;
    const auto quota = parse_quota(text->value);
    if (!quota) return reader.error(node.location, path, quota.error());
    take_quota(*quota, rate);
    rate.guard.limit.burst = usual_burst(rate.guard.limit, position);
    if (const auto unfit = check(rate.guard.limit)) return reader.error(node.location, path, unfit->what);
  } else {
    const std::size_t errors = reader.errors();
    Section section(reader, &node, path);
    read_rate(reader, section, position, rate);
    if (reader.errors() != errors) return;
  }
  rate.of_calls = position == GuardPosition::sink && rate.guard.per == RateUnit::requests;
  if (std::ranges::any_of(out.rates, [&](const Rate& other) { return other.guard.name == rate.guard.name; }))
    reader.error(node.location, path, fmt::format("{} is the name of another rate here", rate.guard.name),
                 "give each a name of its own");
  out.rates.push_back(std::move(rate));
}

}  // namespace

/// One key, or a list of those that are joined.
Parsed<ClientKey> parse_key(std::string_view text) {
  ClientKey key;
  constexpr std::string_view header = "header:", peer = "peer/";
  if (text == "none") return key;
  if (text == "path") return ClientKey{.of = ClientKey::Of::path};
  if (text == "tls_subject") return ClientKey{.of = ClientKey::Of::tls_subject};
  if (text.starts_with('.')) return parse_field(text);
  key.of = ClientKey::Of::peer;
  if (text == "peer") return key;
  if (text.starts_with(peer) && read_prefix(text.substr(peer.size()), key)) return key;
  key.of = ClientKey::Of::header;
  key.header = text.substr(std::min(header.size(), text.size()));
  if (text.starts_with(header) && !key.header.empty() && std::ranges::all_of(key.header, is_token)) return key;
  return std::unexpected(
      fmt::format("{} is no key: write header:NAME, .field, peer, peer/24, path, tls_subject or none", quote(text)));
}

void read_client_key(Reader& reader, Section& section, async::ClientKey& key) {
  const Yaml* node = section.find("key");
  if (!node || node->kind != Yaml::Kind::list) return void(section.value("key", key, parse_key));
  if (node->items.empty() || node->items.size() > most_key_parts)
    return reader.error_at(section.path("key"), fmt::format("joins {} keys", node->items.size()),
                           fmt::format("join 1 to {}", most_key_parts));
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const auto text = reader.text(node->items[i], section.path("key"));
    if (!text) continue;
    const auto one = parse_key(text->value);
    if (!one) return reader.error(node->items[i].location, section.path("key"), one.error());
    if (one->of == ClientKey::Of::none)
      return reader.error(node->items[i].location, section.path("key"), "none tells nobody apart",
                          "remove it from the list");
    if (i == 0)
      key = *one;
    else
      key.with.push_back(*one);
  }
}

void read_rates(Reader& reader, Section& section, Guards& out) {
  const Yaml* rate = section.find("rate");
  if (!rate) return;
  const GuardPosition position = out.position;
  const std::string path = section.path("rate");
  if (rate->kind != Yaml::Kind::list) return read_entry(reader, *rate, path, position, 0, out);
  if (rate->items.size() > Guards::most_rates)
    return reader.error(rate->location, path, fmt::format("has {} rates", rate->items.size()),
                        fmt::format("write at most {}", Guards::most_rates));
  for (std::size_t i = 0; i < rate->items.size(); ++i) {
    const std::string entry = fmt::format("{}[{}]", path, i);
    reader.note(entry, rate->items[i].location);
    read_entry(reader, rate->items[i], entry, position, i, out);
  }
}

void read_guards(Reader& reader, Section& part, GuardPosition position, Guards& out) {
  out.position = position;
  const Yaml* node = part.find("guards");
  if (!node) return;
  Section section(reader, node, part.path("guards"));
  read_rates(reader, section, out);
  read_concurrency(reader, section, out);
  read_pressure(reader, section, out);
  section.finish();
}

void refuse_fields(Reader& reader, const async::ClientKey& key, const std::string& path, const std::string& why) {
  if (key.reads_events())
    reader.error_at(path, "a field of the body is nobody's here: " + why, "write header:X-Tenant");
}

void refuse_subjects(Reader& reader, const async::ClientKey& key, const std::string& path) {
  if (key.of == async::ClientKey::Of::tls_subject)
    reader.error_at(path, "tls_subject is nobody's here: clients show no certificates",
                    "write tls_client_ca: and the file that signs theirs");
  for (const async::ClientKey& other : key.with) refuse_subjects(reader, other, path);
}

}  // namespace weir::config
