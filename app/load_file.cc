#include "load_file.h"

#include <fmt/format.h>

#include "config/reader.h"

namespace weir::app {
namespace {

constexpr std::size_t most_streams = 32, most_requests = 64;
constexpr double most_weight = 1e6;

/// What a function of load_plan.h says of a value, where that value stands.
template <typename T>
config::Parsed<T> as_parsed(Result<T> result) {
  if (!result) return std::unexpected(result.error().message);
  return std::move(*result);
}

config::Parsed<std::string> any_text(std::string_view text) { return std::string(text); }

config::Parsed<double> parse_weight(std::string_view text) {
  const auto whole = config::parse_count(text);
  if (!whole || static_cast<double>(*whole) > most_weight)
    return std::unexpected(fmt::format("{} is no weight: write 0 to 1000000", config::quote(text)));
  return static_cast<double>(*whole);
}

class LoadFile {
 public:
  LoadFile(const LoadOptions& options, const load::Stream& clients, config::Reader& reader, LoadPlan& plan)
      : options_(options), clients_(clients), reader_(reader), plan_(plan) {}

  void read(const config::Yaml& root) {
    config::Section all(reader_, &root, "");
    if (all.duration("for", plan_.length, Duration{1}) && plan_.length > longest_load)
      reader_.error_at("for", "is longer than a day", "write at most 24h");
    each(all, "streams", most_streams,
         [this](const std::string& name, const config::Yaml& node, const std::string& path) {
           read_stream(name, node, path);
         });
    if (const auto* asserted = all.find("assert")) read_assertions(*asserted);
    all.finish();
  }

 private:
  /// Calls `read` for each entry of a map that has to have some.
  template <typename Read>
  void each(config::Section& section, const char* key, std::size_t most, Read read) {
    const config::Yaml* map = section.find(key);
    const std::string path = section.path(key);
    const auto location = map              ? map->location
                          : section.node() ? section.node()->location
                                           : config::SourceLocation{options_.target, 0, 0};
    if (!map || map->kind != config::Yaml::Kind::map || map->entries.empty())
      return reader_.error(location, path, "has to be a map of names",
                           fmt::format("write at least one below {}:", key));
    if (map->entries.size() > most) return reader_.error(location, path, fmt::format("has more than {} entries", most));
    for (const auto& entry : map->entries) read(entry.key, entry.value, path + "." + entry.key);
  }

  void read_stream(const std::string& name, const config::Yaml& node, const std::string& path) {
    load::Stream stream = clients_;
    stream.name = name;
    config::Section section(reader_, &node, path);
    const bool steady =
        section.value("rate", stream.phases, [](std::string_view text) { return as_parsed(app::steady(text)); });
    const bool changing = section.value("profile", stream.phases,
                                        [](std::string_view text) { return as_parsed(load::Arrivals::parse(text)); });
    if (!was_written(node, {"rate", "profile"}) || (steady && changing))
      reader_.error(node.location, path, "needs either a rate or a profile",
                    "write rate: 800/s, or profile: \"0:640,8:880\"");
    section.value("arrivals", stream.arrivals,
                  [](std::string_view text) { return as_parsed(load::Arrivals::parse_kind(text)); });
    section.value("clients", stream.persistence.kind,
                  [](std::string_view text) { return as_parsed(load::Persistence::parse(text)); });
    section.count("tries", stream.persistence.tries, 1, 100);
    section.duration("deadline", stream.deadline, std::chrono::milliseconds(1));
    double weights = 0;
    each(section, "requests", most_requests,
         [&](const std::string& request, const config::Yaml& value, const std::string& at) {
           if (auto variant = read_request(name + "/" + request, value, at)) {
             weights += variant->weight;
             stream.variants.push_back(std::move(*variant));
           }
         });
    if (!stream.variants.empty() && !(weights > 0))
      reader_.error(node.location, path, "has no request with a weight above 0", "give one of them a weight");
    section.finish();
    plan_.streams.push_back(std::move(stream));
  }

  /// Whether one of the keys was written, right or wrong.
  static bool was_written(const config::Yaml& node, std::initializer_list<std::string_view> keys) {
    for (const auto& entry : node.entries)
      for (const auto key : keys)
        if (entry.key == key) return true;
    return false;
  }

  std::optional<load::Variant> read_request(const std::string& label, const config::Yaml& node,
                                            const std::string& path) {
    LoadRequest request{.label = label};
    config::Section section(reader_, &node, path);
    section.value("url", request.url, any_text);
    section.value("method", request.method, any_text);
    section.value("body", request.body, any_text);
    section.count("events", request.events, 1, 10'000);
    section.value("weight", request.weight, parse_weight);
    if (const auto* headers = section.find("headers")) read_headers(*headers, section.path("headers"), request);
    section.finish();
    auto variant = make_variant(request, options_, plan_);
    if (variant) return std::move(*variant);
    reader_.error(node.location, path, variant.error().message);
    return std::nullopt;
  }

  void read_headers(const config::Yaml& node, const std::string& path, LoadRequest& request) {
    config::Section section(reader_, &node, path);
    for (const auto& entry : node.entries) {
      std::string value;
      if (section.value(entry.key, value, any_text)) request.headers.push_back(entry.key + ": " + value);
    }
  }

  void read_assertions(const config::Yaml& node) {
    if (node.kind != config::Yaml::Kind::list)
      return reader_.error(node.location, "assert", "is no list", "write [\"p99 < 200ms\"]");
    for (const auto& item : node.items) {
      const auto text = reader_.text(item, "assert");
      if (!text) continue;
      auto assertion = load::Assertion::parse(text->value);
      if (assertion)
        plan_.assertions.push_back(std::move(*assertion));
      else
        reader_.error(item.location, "assert", assertion.error().message);
    }
  }

  const LoadOptions& options_;
  const load::Stream& clients_;
  config::Reader& reader_;
  LoadPlan& plan_;
};

}  // namespace

bool is_load_file(std::string_view target) {
  return target.find("://") == target.npos && (target.ends_with(".yaml") || target.ends_with(".yml"));
}

std::optional<LoadPlan> plan_load_file(const LoadOptions& options, const config::LoadOptions& system,
                                       std::vector<config::Problem>& problems) {
  const auto complain = [&](std::string message) {
    problems.push_back({{options.target, 0, 0}, {}, std::move(message), {}, false});
    return std::nullopt;
  };
  for (const auto& [option, given] : {std::pair("--rate", !options.rate.empty()),
                                      {"--profile", !options.profile.empty()},
                                      {"--method", !options.method.empty()},
                                      {"--body", !options.body.empty()},
                                      {"--header", !options.headers.empty()},
                                      {"--events", options.events > 0}})
    if (given) return complain(fmt::format("says what is sent and how often: leave {} out", option));
  const auto clients = clients_of(options);
  if (!clients) return complain(clients.error().message);
  const auto text = system.read_file(options.target);
  if (!text) return complain(text.error().message);
  const auto root = config::parse_yaml(*text, options.target, problems);
  if (!root || !problems.empty()) return std::nullopt;
  LoadPlan plan;
  config::Reader reader(system, problems);
  LoadFile(options, *clients, reader, plan).read(*root);
  if (reader.errors() > 0) return std::nullopt;
  if (const auto complete = complete_plan(options, plan); !complete) return complain(complete.error().message);
  plan.what =
      fmt::format("{}: {} kinds of clients for {}", options.target, plan.streams.size(), config::human(plan.length));
  return plan;
}

}  // namespace weir::app
