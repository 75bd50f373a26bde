#include <weir/flow/admit/any_limit.h>

#include <array>

namespace weir::flow {
namespace {

using Algorithm = AnyLimitConfig::Algorithm;
using Limit =
    std::variant<AdaptiveLimit, FixedLimit, AimdLimit, WindowedLimit<VegasLimit>, WindowedLimit<Gradient2Limit>>;

AimdLimitConfig aimd(const AnyLimitConfig& config) {
  AimdLimitConfig out;
  out.range = config.range;
  out.too_slow = config.too_slow;
  return out;
}

Limit made(const AnyLimitConfig& config, std::uint64_t seed) {
  switch (config.algorithm) {
    case Algorithm::fixed: return FixedLimit({config.range.start});
    case Algorithm::aimd: return AimdLimit(aimd(config));
    case Algorithm::vegas: {
      VegasLimitConfig vegas;
      vegas.range = config.range;
      return WindowedLimit<VegasLimit>({}, VegasLimit(vegas, seed));
    }
    case Algorithm::gradient2: {
      Gradient2LimitConfig gradient;
      gradient.range = config.range;
      return WindowedLimit<Gradient2Limit>({}, Gradient2Limit(gradient));
    }
    case Algorithm::adaptive: break;
  }
  AdaptiveLimitConfig adaptive;
  adaptive.range = config.range;
  return AdaptiveLimit(adaptive);
}

}  // namespace

std::string_view name(Algorithm algorithm) {
  constexpr std::array<std::string_view, 5> names{"adaptive", "fixed", "aimd", "vegas", "gradient2"};
  return names[static_cast<std::size_t>(algorithm)];
}

LimitRange usual_range(Algorithm algorithm) {
  if (algorithm == Algorithm::adaptive) return AdaptiveLimitConfig{}.range;
  return {.start = 20, .least = 1, .most = 1000};
}

std::optional<Unfit> check(const AnyLimitConfig& config) {
  if (config.algorithm == Algorithm::fixed) return check(FixedLimitConfig{config.range.start});
  if (config.algorithm == Algorithm::aimd) return check(aimd(config));
  if (config.algorithm != Algorithm::adaptive) return check(config.range);
  AdaptiveLimitConfig adaptive;
  adaptive.range = config.range;
  return check(adaptive);
}

AnyLimit::AnyLimit(const AnyLimitConfig& config, std::uint64_t seed)
    : limit_(made(checked(config, "concurrency limit"), seed)) {}

std::uint32_t AnyLimit::limit() const {
  return std::visit([](const auto& limit) { return limit.limit(); }, limit_);
}

void AnyLimit::answered(const Answer& answer, TimePoint now) {
  std::visit([&](auto& limit) { limit.answered(answer, now); }, limit_);
}

LimitFacts AnyLimit::facts() const {
  return std::visit([](const auto& limit) { return limit.facts(); }, limit_);
}

Duration AnyLimit::wait_inside() const {
  return std::visit([](const auto& limit) { return limit.wait_inside(); }, limit_);
}

}  // namespace weir::flow
