#pragma once
/// Stage `route`: sends each event by the first output whose condition is true. README.md has its guarantees.
///
/// Thread: one object for each reactor. Cost: that of the conditions up to the first true one; the event is indexed
/// once for all of them.
#include <weir/component/catalog.h>
#include <weir/component/expression/event_json.h>
#include <weir/component/expression/expression.h>

namespace weir::route {

inline constexpr std::size_t max_outputs = 32;

class Route final : public Stage {
 public:
  /// Events for which no condition is true leave by the output behind the last.
  explicit Route(std::vector<Expression> conditions) : conditions_(std::move(conditions)) {}
  Verdict take(const Event& event, std::string& out) override;

 private:
  std::vector<Expression> conditions_;
  JsonEvent own_;
};

void add_to(Catalog& catalog);

}  // namespace weir::route
