// An event that comes to a part by several ways is there once, as the first of them in its `from` that lets it through
// made it (docs/decisions/0007). Where the ways make different things of it, the others are dropped, and nothing at run
// time says so.
#include <fmt/format.h>

#include <algorithm>

#include "config/checks.h"

namespace weir::config {
namespace {

constexpr std::size_t most_ways = 64;  // of one input; what has more is not looked at further

/// What an event passes from its source to a part, the part first: "by_kind.errors" is an output of a stage.
using Way = std::vector<std::string>;

class Ways {
 public:
  explicit Ways(const Config& config) : config_(config) {}

  std::vector<Way> to(const std::string& from) const {
    std::vector<Way> found;
    extend({from}, found);
    return found;
  }
  /// Whether one event can take both, and comes out differently.
  bool differ(const Way& a, const Way& b) const {
    return part_of(a.back()) == part_of(b.back()) && !are_exclusive(a, b) && (changes(a, b) || changes(b, a));
  }

 private:
  void extend(Way way, std::vector<Way>& found) const {
    if (found.size() >= most_ways) return;
    const Stage* stage = this->stage(way.back());
    if (!stage || stage->merges()) return found.push_back(std::move(way));  // what it merges is another event
    for (const std::string& before : stage->from) {
      Way longer = way;
      longer.push_back(before);
      extend(std::move(longer), found);
    }
  }
  const Stage* stage(std::string_view from) const {
    const auto at = std::ranges::find(config_.stages, part_of(from), &Stage::name);
    return at == config_.stages.end() ? nullptr : &*at;
  }
  /// A stage with outputs sends an event by one of them.
  static bool are_exclusive(const Way& a, const Way& b) {
    return std::ranges::any_of(a, [&](const std::string& one) {
      return std::ranges::any_of(b, [&](const std::string& other) {
        return part_of(one) == part_of(other) && output_of(one) != output_of(other);
      });
    });
  }
  /// Whether `a` holds a stage that rewrites events, and `b` has it not.
  bool changes(const Way& a, const Way& b) const {
    return std::ranges::any_of(a, [&](const std::string& part) {
      const Stage* stage = this->stage(part);
      if (!stage || !stage->plan || stage->merges()) return false;
      const Growth growth = stage->plan->growth();
      return (growth.factor != 1 || growth.plus > Bytes{}) && std::ranges::find(b, part) == b.end();
    });
  }

  const Config& config_;
};

void warn(Reader& reader, const Ways& ways, const std::string& path, const std::vector<std::string>& from) {
  for (std::size_t i = 0; i < from.size(); ++i)
    for (std::size_t j = i + 1; j < from.size(); ++j)
      for (const Way& a : ways.to(from[i]))
        for (const Way& b : ways.to(from[j]))
          if (ways.differ(a, b))
            return reader.warning_at(
                path + ".from",
                fmt::format(
                    "events of {} come over {} and over {}: each is taken once, as the first that lets it through "
                    "has made it, and what the other makes of it is dropped",
                    part_of(a.back()), from[i], from[j]),
                "give each a sink of its own, or split them with a route");
}

}  // namespace

void warn_several_ways(Reader& reader, const Config& config) {
  const Ways ways(config);
  for (const Stage& stage : config.stages) warn(reader, ways, "stages." + stage.name, stage.from);
  for (const Sink& sink : config.sinks) warn(reader, ways, sink.path(), sink.from);
}

}  // namespace weir::config
