#include <weir/async/with_deadline.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>

namespace weir::async {
namespace {

namespace asio = boost::asio;

constexpr Duration longest_wait =
    std::chrono::hours(24 * 365);  // counts as for ever, and can be added to now without overflow

/// Shared with the timer's handler, which may already be queued when the operation wins.
struct Race {
  asio::cancellation_signal cancel;
  bool passed = false;
};

bool is_abortion(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

asio::awaitable<bool> with_deadline(asio::awaitable<void> op, Duration most, Stop* stop) {
  const auto executor = co_await asio::this_coro::executor;
  auto from_caller = (co_await asio::this_coro::cancellation_state).slot();
  const auto race = std::make_shared<Race>();
  const auto end = [race] {
    race->passed = true;
    race->cancel.emit(asio::cancellation_type::terminal);
  };
  if (stop && stop->is_asked()) most = Duration{0};
  asio::steady_timer timer(executor, std::clamp(most, Duration{0}, longest_wait));
  timer.async_wait([end](boost::system::error_code error) {
    if (!error) end();
  });
  if (stop) stop->end_ = end;
  if (from_caller.is_connected()) from_caller.assign([race](asio::cancellation_type type) { race->cancel.emit(type); });
  auto token = asio::bind_cancellation_slot(race->cancel.slot(), asio::as_tuple(asio::use_awaitable));
  const auto [thrown] = co_await asio::co_spawn(executor, std::move(op), std::move(token));
  from_caller.clear();
  if (stop) stop->end_ = nullptr;
  if (!thrown) co_return true;
  if (race->passed && is_abortion(thrown)) co_return false;
  std::rethrow_exception(thrown);
}

}  // namespace weir::async
