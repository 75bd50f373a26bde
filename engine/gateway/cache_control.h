#pragma once
/// The field Cache-Control, as a shared cache reads it. What cannot be read as a time counts as 0, so that nothing is
/// called fresh by mistake; of a directive that is given twice the smaller time counts.
///
/// Thread: pure. Cost: about 20 ns a directive. Ref: RFC 9111 sections 4.2.1 and 5.2, RFC 5861 section 4.
#include <weir/base/units.h>

#include <optional>
#include <string_view>

namespace weir::gateway {

struct CacheControl {
  bool no_store = false, no_cache = false, is_private = false, is_public = false;
  bool must_revalidate = false, proxy_revalidate = false, only_if_cached = false;
  std::optional<Duration> max_age, s_maxage, min_fresh, stale_if_error;
  std::optional<Duration> max_stale;  ///< without a time: any

  /// One of perhaps several lines.
  void read(std::string_view value);
  /// Of all the lines of this name.
  static CacheControl of(std::string_view fields);
  /// Whether it forbids an answer that is too old, whatever the reason (section 4.2.4).
  bool forbids_stale() const { return no_cache || must_revalidate || proxy_revalidate || s_maxage; }
};

/// A number of seconds, at most a year: what is larger is that, what is none is nothing.
std::optional<Duration> delta_seconds(std::string_view text);

}  // namespace weir::gateway
