/// Cache-Control, Vary, Date, Age and tags under arbitrary bytes. Nothing must crash, no time is negative or beyond a
/// year, an added no-store always counts, and a variant is the same however its lines are split.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weir/base/result.h>
#include "gateway/cache_rules.h"
#include "net/field_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr Duration year = std::chrono::hours(24 * 365);
  const auto in_bounds = [&](const std::optional<Duration>& d) { return !d || (*d >= Duration{0} && *d <= year); };
  gateway::CacheControl control;
  control.read(text);
  for (const auto& time :
       {control.max_age, control.s_maxage, control.min_fresh, control.max_stale, control.stale_if_error})
    WEIR_CHECK(in_bounds(time));
  control.read("no-store");
  WEIR_CHECK(control.no_store);

  // As lines of a header, where the bytes are some.
  const auto fresh = gateway::freshness(text, WallTime(std::chrono::seconds(784111777)), std::chrono::seconds(1));
  WEIR_CHECK(fresh.age >= Duration{0} && fresh.age <= year + std::chrono::seconds(1));
  WEIR_CHECK(fresh.lifetime >= Duration{0} && fresh.lifetime <= year);
  const auto names = gateway::varies_by(text);
  WEIR_CHECK(gateway::variant_of(text, names) == gateway::variant_of(text, names));
  const net::Head request{.method = "GET", .fields = text};
  if (gateway::may_keep(request, 200, text)) WEIR_CHECK(!gateway::CacheControl::of(text).no_store);
  (void)gateway::may_use_cache(request);
  (void)gateway::matches_tag(text, "\"a\"");
  return 0;
}
