#include "route.h"

#include <weir/base/json_text.h>

#include <algorithm>
#include <cctype>

namespace weir::route {
namespace {

constexpr std::string_view unmatched = "unmatched";

class Plan final : public StagePlan {
 public:
  explicit Plan(Options::Table outputs) : outputs_(std::move(outputs)) {
    for (const auto& [name, where] : outputs_) reads_.add(Expression::compile(where).value().attributes());
  }
  Attributes reads() const override { return reads_; }
  std::unique_ptr<Stage> stage() override {
    std::vector<Expression> conditions;
    for (const auto& [name, where] : outputs_) conditions.push_back(Expression::compile(where).value());
    return std::make_unique<Route>(std::move(conditions));
  }
  std::vector<std::string> outputs() const override {
    std::vector<std::string> names;
    for (const auto& [name, where] : outputs_) names.push_back(name);
    names.emplace_back(unmatched);
    return names;
  }

 private:
  Options::Table outputs_;
  Attributes reads_;
};

bool plain(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

Result<void> check(const Options::Table& outputs) {
  if (outputs.empty()) return failure("outputs: a route needs at least one output: 'errors: .level == \"error\"'");
  if (outputs.size() > max_outputs) return failure("outputs: a route has at most 32 outputs");
  for (auto at = outputs.begin(); at != outputs.end(); ++at) {
    const auto& [name, where] = *at;
    const auto wrong = [&](std::string_view why) {
      return failure("outputs " + json_text(name) + ": " + std::string(why));
    };
    if (!plain(name)) return wrong("a name has 1 to 64 letters, digits, _ and -");
    if (name == unmatched) return wrong("this output is always there, for events that match no other");
    if (std::ranges::count(outputs, name, &Options::Table::value_type::first) > 1)
      return wrong("there are two of this name");
    if (const auto condition = Expression::compile(where); !condition) return wrong(condition.error().message);
  }
  return {};
}

}  // namespace

Verdict Route::take(const Event& event, std::string& out) {
  (void)out;
  auto& json = json_of(event, own_);
  for (std::size_t i = 0; i < conditions_.size(); ++i)
    if (conditions_[i].matches(json, event.facts())) return Verdict::passed(static_cast<std::uint8_t>(i));
  return Verdict::passed(static_cast<std::uint8_t>(conditions_.size()));
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "route";
  type.summary = "sends each event by the first output whose condition is true";
  type.options = {
      {.name = "outputs",
       .kind = OptionKind::table,
       .required = true,
       .help = "Output to condition, tried in the order of the file: 'errors: .level == \"error\"'."},
  };
  type.compile = [](const Options& options, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    auto outputs = options.table("outputs");
    if (auto checked = check(outputs); !checked) return std::unexpected(std::move(checked.error()));
    return std::make_shared<Plan>(std::move(outputs));
  };
  catalog.add(std::move(type));
}

}  // namespace weir::route
