// How gateways end: in order, and whatever still waits.
#include <algorithm>
#include <thread>
#include <utility>

#include "gateway/gateways.h"
#include "log/log.h"

namespace weir::gateway {
namespace {

constexpr Duration last_answers = std::chrono::seconds(2);
/// The longest time-out of a connection (config/read_gateways.cc) and some more.
constexpr Duration last_ends = std::chrono::seconds(12);
constexpr auto look_again = std::chrono::milliseconds(10);

}  // namespace

void Gateways::give_up_all() {
  for (auto& listener : listeners_)
    for (Request* request : listener->under_way) request->stop(Reason::shutdown);
}

std::uint64_t Gateways::stop(Duration deadline, const std::function<bool()>& hurry) {
  if (!runs_) return 0;
  const auto wait = [&](Duration most, const auto& until_then, const std::function<bool()>& hurried = {}) {
    const TimePoint limit = context_.now() + most;
    while (!on_reactor(until_then) && context_.now() < limit && !(hurried && hurried()))
      std::this_thread::sleep_for(look_again);
  };
  on_reactor([&] {
    drained_at_ = context_.now() + deadline;
    for (auto& listener : listeners_) {
      listener->server->drain();
      listener->server->close_idle();
    }
  });
  wait(deadline, [&] { return is_empty(); }, hurry);
  std::uint64_t given_up = 0;
  on_reactor([&] {
    for (auto& listener : listeners_) {
      // One that has switched protocols had its answer when it did.
      for (const Request* request : listener->under_way) given_up += request->idle_limit ? 0 : 1;
      listener->server->stop_accepting();
    }
    give_up_all();
  });
  wait(last_answers, [&] {
    for (auto& listener : listeners_) {
      listener->server->close_idle();
      if (!listener->server->quiet()) return false;
    }
    return is_empty();
  });
  on_reactor([&] {
    over_ = true;
    timer_.cancel();
    for (auto& listener : listeners_) listener->server->close_all();
    for (auto& upstream : upstreams_) upstream->close();
  });
  // What was closed ends in its own coroutines; a connection on its way to be made within its time-out.
  const auto over = [&] {
    return is_empty() && std::ranges::all_of(upstreams_, [](const auto& upstream) { return upstream->is_over(); });
  };
  wait(last_ends, over);
  runs_ = false;
  const bool ended = on_reactor([&] {
    publish();
    if (!over()) return false;
    for (auto& listener : listeners_) listener->server.reset();
    return true;
  });
  reactor_.stop();
  reactor_.join();
  if (!ended) leave_behind();
  return given_up;
}

/// What still waits refers to them, and ends with the reactor, after them: they stay until the process ends. Nobody
/// writes to an access log any more: what it has goes to the disk.
void Gateways::leave_behind() {
  static auto& left = *new std::pair<decltype(listeners_), decltype(upstreams_)>;
  for (auto& listener : listeners_) {
    if (const auto waiting = listener->under_way.size(); waiting > 0)
      log::error({"gateway", listener->config.name}, "{} requests have not ended {:g} s after they were given up",
                 waiting, seconds(last_ends));
    listener->log.reset();
    left.first.push_back(std::move(listener));
  }
  for (auto& upstream : upstreams_) {
    if (!upstream->is_over())
      log::error({"upstream", upstream->config().name}, "its connections have not ended {:g} s after they were closed",
                 seconds(last_ends));
    left.second.push_back(std::move(upstream));
  }
  listeners_.clear();
  upstreams_.clear();
}

}  // namespace weir::gateway
