#include "observe/alert_news.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "observe/alert_rules.h"

namespace weir::observe {
namespace {

std::string rfc3339(WallTime time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

}  // namespace

std::string event_of(const AlertNews& news, std::string_view instance, Duration repeat, WallTime now) {
  std::string out = fmt::format(
      R"({{"status":"{}","labels":{{"alertname":"weir_{}","severity":"{}","kind":{},"node":{},"instance":{}}},)",
      news.firing ? "firing" : "resolved", info(news.rule).name, news.warns ? "warning" : "info", json_text(news.kind),
      json_text(news.node), json_text(instance));
  out += fmt::format(R"("annotations":{{"summary":{},"advice":{}}},"startsAt":"{}")", json_text(news.text),
                     json_text(info(news.rule).advice), rfc3339(news.began));
  if (!news.firing)
    out += fmt::format(R"(,"endsAt":"{}")", rfc3339(news.ended));
  else if (repeat > Duration{0})
    out += fmt::format(R"(,"endsAt":"{}")", rfc3339(now + 4 * repeat));
  return out + "}";
}

}  // namespace weir::observe
