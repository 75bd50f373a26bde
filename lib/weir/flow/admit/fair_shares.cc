#include <weir/flow/admit/fair_shares.h>

#include <algorithm>
#include <stdexcept>

namespace weir::flow {
namespace {

constexpr FairShares::Tag unit = 1 << 20;

FairShares::Tag cost(std::uint32_t weight) { return unit / std::clamp(weight, 1u, FairShares::most_weight); }

}  // namespace

FairShares::FairShares(std::uint32_t shares, Tag begin)
    : shares_(shares), busy_((shares + 63) / 64), virtual_time_(begin) {
  if (shares == 0 || shares > most_shares)
    throw std::invalid_argument("fair shares: the number of shares is not from 1 to 65536");
  for (Share& share : shares_) share.start = share.end = begin;
}

void FairShares::joined(std::uint32_t number, std::uint32_t weight) {
  Share& share = shares_[number];
  if (share.waiting++ == 0) {
    // An idle share is at most a unit ahead; what looks further ahead lies behind.
    if (share.end - virtual_time_ > unit) share.end = virtual_time_;
    share.start = share.end;
    busy_[number / 64] |= std::uint64_t{1} << (number % 64);
  }
  share.end += cost(weight);
  ++waiting_;
}

void FairShares::less(std::uint32_t number) {
  --waiting_;
  if (--shares_[number].waiting == 0) busy_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
}

void FairShares::served(std::uint32_t number, std::uint32_t weight) {
  virtual_time_ = shares_[number].start;
  shares_[number].start += cost(weight);
  less(number);
}

void FairShares::left(std::uint32_t number, std::uint32_t weight) {
  shares_[number].end -= cost(weight);
  less(number);
}

template <typename Better>
std::optional<std::uint32_t> FairShares::best(Better better) const {
  std::optional<std::uint32_t> found;
  find([&](std::uint32_t number) {
    if (!found || better(shares_[number], shares_[*found])) found = number;
    return false;
  });
  return found;
}

std::optional<std::uint32_t> FairShares::next() const {
  return best([this](const Share& a, const Share& b) { return a.start - virtual_time_ < b.start - virtual_time_; });
}

std::optional<std::uint32_t> FairShares::longest() const {
  return best([](const Share& a, const Share& b) { return a.waiting > b.waiting; });
}

}  // namespace weir::flow
