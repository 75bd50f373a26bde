#include <weir/base/result.h>
#include <weir/flow/demand/credit.h>

#include <algorithm>

namespace weir::flow {
namespace {

constexpr std::uint64_t bounded = 1ull << 62;  // two of them still fit into 63 bits

std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }

bool exceeds(std::int64_t have, std::uint64_t more, std::uint64_t most) {
  return more > most || have > as_signed(most) - as_signed(more);
}

std::int64_t difference(std::uint64_t to, std::uint64_t from) { return as_signed(to) - as_signed(from); }

}  // namespace

CreditWindow::CreditWindow(Load initial, Load most)
    : initial_{std::min(initial.events, most.events), std::min(initial.bytes, most.bytes)},
      most_(most),
      messages_(as_signed(initial_.events)),
      bytes_(as_signed(initial_.bytes.count())) {
  WEIR_CHECK(most.events < bounded && most.bytes.count() < bounded);
}

std::expected<void, CreditError> CreditWindow::grant(Load more) {
  if (more == Load{}) return std::unexpected(CreditError::empty_grant);
  if (exceeds(messages_, more.events, most_.events) || exceeds(bytes_, more.bytes.count(), most_.bytes.count()))
    return std::unexpected(CreditError::overflow);
  messages_ += as_signed(more.events);
  bytes_ += as_signed(more.bytes.count());
  return {};
}

std::expected<void, CreditError> CreditWindow::resize(Load initial) {
  if (!initial.fits_in(most_)) return std::unexpected(CreditError::overflow);
  const auto messages = messages_ + difference(initial.events, initial_.events);
  const auto bytes = bytes_ + difference(initial.bytes.count(), initial_.bytes.count());
  if (messages > as_signed(most_.events) || bytes > as_signed(most_.bytes.count()))
    return std::unexpected(CreditError::overflow);
  initial_ = initial;
  messages_ = messages;
  bytes_ = bytes;
  return {};
}

Load CreditWindow::available() const {
  return {static_cast<std::uint64_t>(std::max<std::int64_t>(messages_, 0)),
          Bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(bytes_, 0)))};
}

bool CreditWindow::covers(Load cost) const { return cost.fits_in(available()); }

bool try_spend(CreditWindow& stream, CreditWindow& connection, Load cost) {
  if (!stream.covers(cost) || !connection.covers(cost)) return false;
  for (auto* window : {&stream, &connection}) {
    window->messages_ -= as_signed(cost.events);
    window->bytes_ -= as_signed(cost.bytes.count());
  }
  return true;
}

Bytes sendable(const CreditWindow& stream, const CreditWindow& connection, Bytes want) {
  return std::min({want, stream.available().bytes, connection.available().bytes});
}

}  // namespace weir::flow
