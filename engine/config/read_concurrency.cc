#include <fmt/format.h>

#include <algorithm>

#include "config/nodes.h"

namespace weir::config {
namespace {

using Algorithm = flow::AnyLimitConfig::Algorithm;
using async::ClientKey;
using async::ConcurrencyGuardConfig;

constexpr std::uint64_t most_at_once = 1'000'000, most_waiting = 1'000'000;
constexpr std::uint32_t least_tenants = 2, most_tenants = 10'000;
constexpr std::size_t most_weights = 1'000;
constexpr Duration most_wait = std::chrono::minutes(5);
constexpr Duration usual_wait = std::chrono::milliseconds(100);  // where shares say whose turn it is

const std::vector<std::pair<std::string, Algorithm>> algorithms{{"adaptive", Algorithm::adaptive},
                                                                {"fixed", Algorithm::fixed},
                                                                {"aimd", Algorithm::aimd},
                                                                {"vegas", Algorithm::vegas},
                                                                {"gradient2", Algorithm::gradient2}};

void take_algorithm(Algorithm algorithm, ConcurrencyGuardConfig& guard) {
  guard.limit.algorithm = algorithm;
  guard.limit.range = flow::usual_range(algorithm);
}

/// "adaptive", "64".
void read_short(Reader& reader, const Yaml& node, const std::string& path, ConcurrencyGuardConfig& guard) {
  const auto text = reader.text(node, path);
  if (!text) return;
  const auto named = std::ranges::find(algorithms, text->value, &std::pair<std::string, Algorithm>::first);
  if (named != algorithms.end() && named->second != Algorithm::fixed) return take_algorithm(named->second, guard);
  const auto limit = Section::ranged(text->value, 1, most_at_once);
  if (!limit)
    return reader.error(node.location, path, fmt::format("{} is no limit", text->shown()),
                        "write adaptive, or how many may be under way at once, as 64");
  take_algorithm(Algorithm::fixed, guard);
  guard.limit.range.start = static_cast<std::uint32_t>(*limit);
}

/// Who writes only one end of the range means the other end and the start to fit.
void read_range(Reader& reader, Section& section, flow::AnyLimitConfig& limit) {
  auto& range = limit.range;
  const bool start = section.count("limit", range.start, 1, most_at_once);
  const bool least = section.count("min", range.least, 1, most_at_once);
  const bool most = section.count("max", range.most, 1, most_at_once);
  for (const char* key : {"min", "max", "too_slow"})
    if (!limit.moves() && section.find(key))
      reader.error_at(section.path(key), "a fixed limit does not move", "remove it, or write algorithm: adaptive");
  if (!limit.moves() && !start)
    reader.error_at(section.path(), "is fixed and has no limit", "write limit: and how many may be under way at once");
  if (most && !least) range.least = std::min(range.least, range.most);
  if (least && !most) range.most = std::max(range.least, range.most);
  if (!start) range.start = std::clamp(range.start, std::min(range.least, range.most), range.most);
}

void read_map(Reader& reader, Section& section, Concurrency& out) {
  Algorithm algorithm =
      section.find("limit") && !section.find("min") && !section.find("max") ? Algorithm::fixed : Algorithm::adaptive;
  section.choice<Algorithm>("algorithm", algorithm, algorithms);
  take_algorithm(algorithm, out.guard);
  read_range(reader, section, out.guard.limit);
  if (section.duration("too_slow", out.guard.limit.too_slow, Duration{1}) && algorithm != Algorithm::aimd)
    reader.error_at(section.path("too_slow"), "belongs to aimd", "remove it, or write algorithm: aimd");
  if (section.duration("max_wait", out.guard.max_wait) && out.guard.max_wait > most_wait)
    reader.error_at(section.path("max_wait"), "is above 5m", "write how long a request may wait for its turn: 100ms");
  if (section.count("max_waiting", out.guard.max_waiting, 1, most_waiting) && !section.find("max_wait"))
    reader.error_at(section.path("max_waiting"), "nobody waits here", "add max_wait: 100ms");
  section.choice<bool>("mode", out.observe, {{"enforce", false}, {"observe", true}});
  section.finish();
  const auto unfit = check(out.guard.limit);
  if (!unfit) return;
  const std::string key = unfit->field == "least" ? "min" : unfit->field == "most" ? "max" : "limit";
  reader.error_at(section.path(key), unfit->what, "write min <= limit <= max");
}

/// At a sink its workers wait, and there are as many of them as there are.
void refuse_room(Reader& reader, Section& guards) {
  for (const std::string key : {"max_wait", "max_waiting"})
    if (const std::string path = guards.path("concurrency") + "." + key; reader.given(path))
      reader.error_at(path, "is for sources: here nobody is refused, workers wait with what they hold", "remove it");
}

void read_weights(Reader& reader, Section& section, ConcurrencyGuardConfig& guard) {
  const Yaml* node = section.find("weights");
  if (!node) return;
  const std::string path = section.path("weights");
  if (!guard.tenant.with.empty() || guard.tenant.of == ClientKey::Of::peer)
    return reader.error(node->location, path, "weights belong to a key of one header or of the path",
                        "write key: header:X-Tenant");
  if (node->kind != Yaml::Kind::map || node->entries.size() > most_weights)
    return reader.error(node->location, path, "is no map of up to 1000 tenants", "write weights: { gold: 4 }");
  for (const YamlEntry& entry : node->entries) {
    const auto text = reader.text(entry.value, path);
    if (!text) continue;
    const auto weight = Section::ranged(text->value, 1, flow::FairShares::most_weight);
    if (!weight) return reader.error(entry.value.location, path, weight.error());
    guard.weights.emplace_back(entry.key, static_cast<std::uint32_t>(*weight));
  }
}

void read_fairness(Reader& reader, Section& guards, const Yaml& node, Concurrency& out) {
  Section section(reader, &node, guards.path("fairness"));
  read_client_key(reader, section, out.guard.tenant);
  if (!out.guard.is_fair())
    reader.error_at(section.path(), "says not who is who", "write key: header:X-Tenant, peer or path");
  refuse_fields(reader, out.guard.tenant, section.path("key"), "turns are given before it is read");
  section.count("tenants", out.guard.tenants, least_tenants, most_tenants);
  read_weights(reader, section, out.guard);
  section.finish();
  if (guards.find("concurrency") && !out.guard.waits() && reader.given(guards.path("concurrency.max_wait")))
    return reader.error_at(guards.path("concurrency.max_wait"), "is 0, so nobody waits and there are no turns to share",
                           "write how long a request may wait for its turn: 100ms");
  if (!out.guard.waits()) out.guard.max_wait = usual_wait;
}

}  // namespace

/// A limit moves among the workers there are.
void fit_to_workers(Reader& reader, const std::string& sink, int workers, Guards& guards) {
  if (!guards.concurrency || !guards.concurrency->guard.limit.moves()) return;
  if (workers < 2)
    return reader.error_at(guards.concurrency->path, "has nothing to find: one worker makes one delivery at a time",
                           fmt::format("write workers: 16 in {}, or remove it", sink));
  auto& range = guards.concurrency->guard.limit.range;
  range.most = std::min(range.most, static_cast<std::uint32_t>(workers));
  range.least = std::min(range.least, range.most);
  range.start = std::clamp(range.start, range.least, range.most);
}

void read_concurrency(Reader& reader, Section& guards, Guards& out) {
  const Yaml* node = guards.find("concurrency");
  const Yaml* fairness = guards.find("fairness");
  if (!node && !fairness) return;
  if (out.position == GuardPosition::intake) {
    const char* key = node ? "concurrency" : "fairness";
    return reader.error_at(guards.path(key), "is for sources whose clients are answered, and for sinks",
                           "remove it: this one reads no more while its queues have no room");
  }
  if (out.position == GuardPosition::sink && fairness)
    return reader.error_at(guards.path("fairness"), "is for sources whose clients are answered",
                           "remove it: who waits here are workers, and none of them knows a client");
  const std::size_t errors = reader.errors();
  Concurrency read;
  read.path = guards.path("concurrency");
  if (node && node->kind == Yaml::Kind::scalar) read_short(reader, *node, read.path, read.guard);
  if (node && node->kind != Yaml::Kind::scalar) {
    Section section(reader, node, read.path);
    read_map(reader, section, read);
  }
  if (out.position == GuardPosition::sink) refuse_room(reader, guards);
  if (fairness) read_fairness(reader, guards, *fairness, read);
  if (reader.errors() == errors) out.concurrency = std::move(read);
}

}  // namespace weir::config
