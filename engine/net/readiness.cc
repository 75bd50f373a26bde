#include "net/readiness.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

namespace weir::net {
namespace {

namespace asio = boost::asio;
constexpr std::uint32_t edges = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

int new_epoll() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return epoll;
}

}  // namespace

Watch::Watch(const asio::any_io_executor& executor, int socket)
    : line_(ReadyLine::of(executor)), watched_(line_.add(*this, socket)) {}

Watch::~Watch() {
  interrupt();
  line_.forget(*this);
}

asio::awaitable<bool> Watch::wait(Direction& direction, bool ready_anyway) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
      [this, &direction, ready_anyway](Direction::Waiter waiter) {
        if (direction.ready_ || ready_anyway)
          return asio::post(line_.io_, [w = std::move(waiter)]() mutable { std::move(w)(true); });
        if (auto slot = asio::get_associated_cancellation_slot(waiter); slot.is_connected())
          slot.assign([this, &direction](asio::cancellation_type) { end_waits(direction); });
        direction.waiters_.push_back(std::move(waiter));
        line_.begin_wait();
      },
      asio::use_awaitable);
}

/// They go on later, because whoever ends them is in the middle of something.
void Watch::end_waits(Direction& direction) {
  auto waiters = std::exchange(direction.waiters_, {});
  line_.ended(waiters.size());
  for (auto& waiter : waiters) {
    if (auto slot = asio::get_associated_cancellation_slot(waiter); slot.is_connected()) slot.clear();
    asio::post(line_.io_, [w = std::move(waiter)]() mutable { std::move(w)(false); });
  }
}

void Watch::look_anew(bool surely) {
  if (surely || line_.came_ == 0) in_.ready_ = true;
}

void Watch::interrupt() {
  end_waits(in_);
  end_waits(out_);
}

/// Who has waited goes on at once, and may destroy this.
void Watch::happened(std::uint32_t events) {
  const bool ended = (events & (EPOLLHUP | EPOLLERR)) != 0;
  in_.ended_ = in_.ended_ || ended || (events & EPOLLRDHUP) != 0;
  out_.ended_ = out_.ended_ || ended;
  in_.marks_ = in_.marks_ || (events & EPOLLPRI) != 0;
  in_.ready_ = in_.ready_ || in_.ended_ || (events & (EPOLLIN | EPOLLPRI)) != 0;
  out_.ready_ = out_.ready_ || out_.ended_ || (events & EPOLLOUT) != 0;
  std::vector<Direction::Waiter> readers, writers;
  if (in_.ready_) readers.swap(in_.waiters_);
  if (out_.ready_) writers.swap(out_.waiters_);
  line_.ended(readers.size() + writers.size());
  for (auto* waiters : {&readers, &writers})
    for (auto& waiter : *waiters)
      if (auto slot = asio::get_associated_cancellation_slot(waiter); slot.is_connected()) slot.clear();
  for (auto* waiters : {&readers, &writers})
    for (auto& waiter : *waiters) std::move(waiter)(true);
}

asio::execution_context::id ReadyLine::id;

ReadyLine::ReadyLine(asio::io_context& io) : service(io), io_(io), epoll_(io, new_epoll()) {}

ReadyLine::~ReadyLine() = default;

/// All reactors are io_contexts.
ReadyLine& ReadyLine::of(const asio::any_io_executor& executor) {
  return asio::use_service<ReadyLine>(static_cast<asio::io_context&>(asio::query(executor, asio::execution::context)));
}

/// What a coroutine that is destroyed owns is destroyed by Asio a little later.
void ReadyLine::shutdown() noexcept {
  for (Watch& watch : all_)
    for (Direction* direction : {&watch.in_, &watch.out_}) direction->waiters_.clear();
}

bool ReadyLine::add(Watch& watch, int socket) {
  epoll_event event{.events = edges, .data = {.ptr = &watch}};
  all_.push_back(watch);
  return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, socket, &event) == 0;
}

/// Events that came in this turn and were not looked at yet may be its own.
void ReadyLine::forget(const Watch& watch) {
  for (int i = 0; i < came_; ++i)
    if (events_[static_cast<std::size_t>(i)].data.ptr == &watch)
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
}

void ReadyLine::begin_wait() {
  ++waiting_;
  if (!armed_) arm();
}

void ReadyLine::ended(std::size_t waits) {
  waiting_ -= waits;
  if (waits == 0 || waiting_ > 0 || !armed_ || came_ > 0) return;
  boost::system::error_code ignored;
  epoll_.cancel(ignored);
}

void ReadyLine::arm() {
  armed_ = true;
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error) collect();
    armed_ = false;
    if (waiting_ > 0) arm();
  });
}

void ReadyLine::collect() {
  came_ = ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  for (int i = 0; i < came_; ++i) {
    const epoll_event event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr) static_cast<Watch*>(event.data.ptr)->happened(event.events);
  }
  came_ = 0;
}

}  // namespace weir::net
