// Any bytes as a line, for every format of stage `parse`: what comes out is a JSON object in which no name occurs
// twice, within the growth that was promised, and twice the same. The line is a copy of exactly its size plus padding,
// so a read beyond it is seen.
#include <simdjson.h>
#include <weir/component/expression/testing.h>

#include <cstddef>
#include <cstdint>
#include <set>

#include "connectors/parse/parse.h"

namespace {

struct Subject {
  std::shared_ptr<weir::StagePlan> plan;
  std::unique_ptr<weir::Stage> stage;
};

Subject make(const std::string& format, const std::string& pattern = {}, std::vector<std::string> columns = {}) {
  weir::Options options;
  options.set("format", format);
  if (!pattern.empty()) options.set("pattern", pattern);
  if (!columns.empty()) options.set("columns", std::move(columns));
  weir::Catalog catalog;
  weir::parse::add_to(catalog);
  auto plan = catalog.stage("parse")->compile(options, weir::Context()).value();
  auto stage = plan->stage();
  return {std::move(plan), std::move(stage)};
}

std::vector<Subject>& subjects() {
  static std::vector<Subject> all = [] {
    std::vector<Subject> made;
    made.push_back(make("raw"));
    made.push_back(make("logfmt"));
    made.push_back(make("csv", {}, {"a", "b", "c"}));
    made.push_back(make("regex", "(?P<all>(?P<a>\\w+)=(?P<b>[^ ]*)|(?P<rest>.*))"));
    made.push_back(make("syslog"));
    return made;
  }();
  return all;
}

void check_names(simdjson::dom::element value) {
  simdjson::dom::object object;
  if (value.get(object)) return;
  std::set<std::string_view> names;
  for (const auto& [name, inner] : object) {
    WEIR_CHECK(names.insert(name).second);
    check_names(inner);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const weir::PaddedText event({reinterpret_cast<const char*>(data), size});
  const weir::BatchInfo info;
  static simdjson::dom::parser parser;
  for (auto& [plan, stage] : subjects()) {
    std::string out, again;
    WEIR_CHECK(stage->take({event.view(), info, {}, {}}, out).kind == weir::Verdict::Kind::rewritten);
    WEIR_CHECK(out.size() <= plan->growth().of(weir::Bytes(size)).count());
    simdjson::dom::element made;
    WEIR_CHECK(!parser.parse(simdjson::padded_string(out)).get(made) && made.is_object());
    check_names(made);
    stage->take({event.view(), info, {}, {}}, again);
    WEIR_CHECK(out == again);
  }
  return 0;
}
