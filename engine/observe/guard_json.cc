#include "observe/guard_json.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "observe/json_list.h"

namespace weir::observe {
namespace {

std::string under_way(const async::ConcurrencyFacts& c) {
  return fmt::format(
      R"(,"at_most":{},"in_flight":{},"waiting":{},"waited":{},"left":{},"worth_waiting_s":{:.3f},"signal":"{}","seen":{:.3f},"tolerated":{:.3f},"moved":"{}")",
      c.limit.limit, c.in_flight, c.waiting, c.waited, c.left, seconds(c.worth_waiting), c.limit.signal, c.limit.seen,
      c.limit.tolerated, name(c.limit.moved));
}

std::string pressure(const flow::MachinePressureFacts& p) {
  std::string readings;
  for (std::size_t r = 0; r < p.readings.size(); ++r)
    readings += fmt::format(R"(,"{}":{})", name(static_cast<flow::MachineResource>(r)),
                            p.readings[r] ? fmt::format("{:.4f}", *p.readings[r]) : "null");
  return fmt::format(R"(,"pressure":{:.3f},"of":"{}","refused_below":{}{})", p.pressure, name(p.most), p.refused_below,
                     readings);
}

}  // namespace

std::string guard_rows(const std::vector<guards::GuardStatus>& guards) {
  return list(guards, [](const auto& g) {
    return fmt::format(R"({{"name":{},"limit":{},"observed":{},"permitted":{},"refused":{},"given_back":{}{}}})",
                       json_text(g.name), json_text(g.limit), g.observed, g.permitted, g.refused, g.given_back,
                       (g.concurrency ? under_way(*g.concurrency) : std::string()) +
                           (g.pressure ? pressure(*g.pressure) : std::string()));
  });
}

}  // namespace weir::observe
