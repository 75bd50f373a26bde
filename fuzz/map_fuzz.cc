// Any bytes as an event, changed by maps of every kind: what was JSON still is, what is not an object goes on as it is,
// and nothing grows beyond what was promised. The event is a copy of exactly its size plus padding, so a read beyond it
// is seen.
#include <simdjson.h>
#include <weir/component/expression/testing.h>

#include <cstddef>
#include <cstdint>

#include "connectors/map/map.h"

namespace {

using Table = weir::Options::Table;
using Texts = std::vector<std::string>;

struct Subject {
  std::shared_ptr<weir::StagePlan> plan;
  std::unique_ptr<weir::Stage> stage;
};

Subject make(Texts parse, Table rename, Table set, Texts remove, Texts keep) {
  weir::Options options;
  if (!parse.empty()) options.set("parse_json", std::move(parse));
  if (!rename.empty()) options.set("rename", std::move(rename));
  if (!set.empty()) options.set("set", std::move(set));
  if (!remove.empty()) options.set("remove", std::move(remove));
  if (!keep.empty()) options.set("keep", std::move(keep));
  weir::Catalog catalog;
  weir::map::add_to(catalog);
  auto plan = catalog.stage("map")->compile(options, weir::Context()).value();
  auto stage = plan->stage();
  return {std::move(plan), std::move(stage)};
}

std::vector<Subject>& subjects() {
  static std::vector<Subject> all = [] {
    std::vector<Subject> made;
    made.push_back(make({}, {}, {{".a", ".b + .c"}, {".x.y", "lower(.a)"}, {".b.c", ".a"}}, {}, {}));
    made.push_back(make({}, {{".a", ".b"}, {".b", ".a"}, {".c", ".x.c"}}, {}, {}, {}));
    made.push_back(make({}, {{".a", ".x"}}, {}, {".b", ".c.a"}, {}));
    made.push_back(make({}, {}, {}, {}, {".a", ".c.a", ".c.b"}));
    made.push_back(make({".a", ".c.a"}, {}, {}, {}, {}));
    made.push_back(make({".a"}, {{".a.b", ".b"}}, {{".n", "to_number(.b) * 2"}, {".t", "to_rfc3339(.b)"}}, {".c"},
                        {".a", ".b", ".n", ".t"}));
    return made;
  }();
  return all;
}

/// 0: not JSON; otherwise whether it is an object.
enum class What : std::uint8_t { nothing, other, object };
What what(std::string_view text) {
  static simdjson::dom::parser parser;
  simdjson::dom::element whole;
  if (parser.parse(simdjson::padded_string(text)).get(whole)) return What::nothing;
  return whole.is_object() ? What::object : What::other;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const weir::PaddedText event({reinterpret_cast<const char*>(data), size});
  const auto before = what(event.view());
  const weir::BatchInfo info;
  const weir::WallTime wall{std::chrono::seconds(1'795'000'000)};
  for (auto& [plan, stage] : subjects()) {
    std::string out, again;
    const auto verdict = stage->take({event.view(), info, {}, wall}, out);
    const bool changed = verdict.kind == weir::Verdict::Kind::rewritten;
    WEIR_CHECK(changed == !out.empty());
    WEIR_CHECK(out.size() <= plan->growth().of(weir::Bytes(size)).count());
    // The full parser goes 1024 brackets deep; a map may add two to an event that is just as deep.
    if (before == What::object && changed && size < 1000) WEIR_CHECK(what(out) == What::object);
    if (before == What::other) WEIR_CHECK(!changed);
    stage->take({event.view(), info, {}, wall}, again);
    WEIR_CHECK(out == again);
  }
  return 0;
}
