#pragma once
/// What a policy may be made of. Each configuration has a function `check` beside it that names the first value the
/// policy cannot work with; whoever reads a configuration asks it and tells its user where the value stands, and the
/// policy's constructor and `reconfigure` ask it again (`checked`), so that no policy with such a value exists.
///
///   duration   above 0 and at most `longest_duration`; 0 too where 0 means "none" and the configuration says so
///   rate       a finite number above 0; 0 too where it means "none"
///   share      a finite number of at least 0
///
/// A NaN compares false with everything, so it would switch a limit off without anybody noticing; a duration without
/// end cannot be added to a time.
///
/// Thread: pure functions. Cost: some comparisons, where a policy is made. Unfit allocates its text.
#include <weir/base/units.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// As good as for ever, and can still be added to any time.
inline constexpr Duration longest_duration = std::chrono::hours(24 * 365 * 200);

/// A value that a policy cannot work with.
struct Unfit {
  std::string field;  ///< of the configuration: "interval", "breaker.open"
  std::string what;   ///< "is -5 ms: write more than 0"
};

enum class Zero : std::uint8_t { refused, allowed };

[[nodiscard]] std::optional<Unfit> check_duration(std::string_view field, Duration value, Zero zero = Zero::refused);
[[nodiscard]] std::optional<Unfit> check_rate(std::string_view field, PerSecond value, Zero zero = Zero::refused);
[[nodiscard]] std::optional<Unfit> check_share(std::string_view field, double value);
/// The first that is one.
[[nodiscard]] std::optional<Unfit> first_unfit(std::initializer_list<std::optional<Unfit>> all);
/// With the name of the part it belongs to before its field.
[[nodiscard]] std::optional<Unfit> within(std::string_view part, std::optional<Unfit> unfit);

/// Throws std::invalid_argument: bad configuration is a matter of the start.
void refuse(const std::optional<Unfit>& unfit, std::string_view policy);

/// The configuration, when `check` has nothing to say; for the first line of a constructor's initializers.
template <typename Config>
const Config& checked(const Config& config, std::string_view policy) {
  refuse(check(config), policy);
  return config;
}

}  // namespace weir
