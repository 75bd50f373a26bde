#include <weir/flow/demand/ledger.h>

#include <array>

namespace weir::flow {
namespace {

// Unsigned counters wrap around; the difference of two sums is right as long as it fits into 63 bits.
std::int64_t subtract(std::uint64_t a, std::uint64_t b) { return static_cast<std::int64_t>(a - b); }

}  // namespace

std::int64_t NodeAccount::difference() const {
  return subtract(in + created.sum(), emitted + consumed.sum() + pending);
}

std::int64_t EdgeAccount::difference() const { return subtract(offered, delivered + refused + dropped + pending); }

std::string_view name(Verdict verdict) {
  constexpr std::array<std::string_view, 3> names{"ok", "surplus_in_flight", "violation"};
  return names[static_cast<std::size_t>(verdict)];
}

Verdict judge(std::int64_t difference, std::uint64_t in_flight_limit, Duration age) {
  if (difference == 0) return Verdict::ok;
  if (difference < 0 || static_cast<std::uint64_t>(difference) > in_flight_limit) return Verdict::violation;
  return age > oldest_difference ? Verdict::violation : Verdict::surplus_in_flight;
}

Verdict judge_at_rest(std::int64_t difference) { return judge(difference, 0, Duration{0}); }

Verdict LedgerWatch::judge(std::int64_t difference, std::uint64_t in_flight_limit, TimePoint now) {
  if (difference == 0 || balanced_at_ == never) balanced_at_ = now;
  return flow::judge(difference, in_flight_limit, now - balanced_at_);
}

}  // namespace weir::flow
