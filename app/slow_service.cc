#include "slow_service.h"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "config/problem.h"
#include "config/units_parse.h"

namespace weir::app {
namespace {

constexpr std::string_view control_path = "/.weir/upstream";
constexpr Duration longest = std::chrono::hours(1);
constexpr Duration look_at_stall = std::chrono::milliseconds(50);  // another one may end it sooner

template <typename T>
Result<T> as_result(config::Parsed<T> parsed) {
  if (parsed) return std::move(*parsed);
  return failure(std::move(parsed.error()));
}

Result<std::uint64_t> number_up_to(std::uint64_t most, std::string_view text) {
  auto n = as_result(config::parse_count(text));
  if (n && *n > most) return failure(fmt::format("{} is too much: at most {}", *n, most));
  return n;
}

}  // namespace

Result<void> ServiceSettings::set(std::string_view key, std::string_view value) {
  const auto take = [](auto parsed, auto& into) -> Result<void> {
    if (!parsed) return std::unexpected(parsed.error());
    into = static_cast<std::remove_reference_t<decltype(into)>>(*parsed);
    return {};
  };
  if (key == "slots") return take(number_up_to(100'000, value), slots);
  if (key == "queue") return take(number_up_to(1'000'000, value), queue);
  if (key == "body") return take(number_up_to(16 << 20, value), body);
  if (key == "errors") return take(as_result(config::parse_ratio(value)), errors);
  if (key == "pressure") return take(as_result(config::parse_bool(value)), pressure);
  if (key == "drop-left") return take(as_result(config::parse_bool(value)), drop_left);
  if (key != "time")
    return failure(
        fmt::format("{} is none of slots, time, queue, errors, pressure, body, drop-left, stall", config::quote(key)));
  auto taken = take(ServiceTime::parse(value), time);
  if (taken) time_text = value;
  return taken;
}

boost::asio::awaitable<void> SlowService::handle(net::Exchange& exchange) {
  if (exchange.head().target == control_path) co_return co_await control(exchange);
  for (;;) {
    const auto piece = co_await exchange.read(64_KiB);
    if (!piece) co_return;
    if (piece->empty()) break;
  }
  ++in_;
  net::Response answer{.content_type = "application/octet-stream"};
  if (waiting_.size() >= settings_.queue && busy_ >= settings_.slots) {
    ++refused_;
    answer.status = 503;
    answer.body = "its queue is full\n";
  } else {
    const auto begin = co_await take_slot(exchange);
    if (!begin) co_return;
    const TimePoint end = co_await work(*begin);
    const bool fails = rng_.uniform() < settings_.errors;
    answer.status = fails ? 500 : 200;
    answer.body.assign(settings_.body, 'x');
    give_slot(end);
  }
  std::string fields;
  if (settings_.pressure) fields = fmt::format("Weir-Pressure: {:.2f}\r\n", pressure());
  answer.extra_headers = fields;
  co_await exchange.respond(std::move(answer)) ? ++answered_ : ++wasted_;
}

/// Since when it has its slot; nothing: the client left before its turn.
boost::asio::awaitable<std::optional<TimePoint>> SlowService::take_slot(net::Exchange& exchange) {
  const TimePoint now = context_.now();
  if (busy_ >= settings_.slots || !waiting_.empty()) {
    Turn turn(io_, now);
    waiting_.push_back(&turn);
    while (!turn.come.is_set()) co_await turn.come.wait(longest);
    if (!settings_.drop_left || !exchange.client_gone()) co_return turn.begin;
    ++left_;
    give_slot(turn.begin);
    co_return std::nullopt;
  }
  ++busy_;
  most_busy_ = std::max(most_busy_, busy_);
  co_return now;
}

/// To the next in the queue, which takes it over, as long as there are not more in service than slots.
void SlowService::give_slot(TimePoint since) {
  --busy_;
  call_waiting(since);
}

void SlowService::call_waiting(TimePoint since) {
  while (busy_ < settings_.slots && !waiting_.empty()) {
    ++busy_;
    most_busy_ = std::max(most_busy_, busy_);
    Turn& turn = *waiting_.front();
    waiting_.pop_front();
    turn.begin = std::max(turn.begin, since);
    turn.come.set();
  }
}

/// When it ended. It is not noticed meanwhile that a client leaves, as most services do not notice it.
boost::asio::awaitable<TimePoint> SlowService::work(TimePoint begin) {
  const TimePoint until = begin + settings_.time.draw(rng_);
  boost::asio::steady_timer timer(io_);
  for (;;) {
    const TimePoint end = std::max(until, stalled_until_);
    const Duration left = end - context_.now();
    if (left <= Duration{0}) co_return end;
    timer.expires_after(until < stalled_until_ ? std::min<Duration>(left, look_at_stall) : left);
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
}

double SlowService::pressure() const {
  return settings_.slots == 0 ? 1.0 : static_cast<double>(busy_ + waiting_.size()) / settings_.slots;
}

Result<void> SlowService::change(std::string_view query) {
  ServiceSettings next = settings_;
  Duration stall{0};
  for (const std::string_view pair : config::split_at(query, '&')) {
    const auto equals = pair.find('=');
    if (equals == pair.npos) return failure("write KEY=VALUE");
    const std::string_view key = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (key != "stall") {
      if (auto set = next.set(key, value); !set) return set;
      continue;
    }
    const auto time = config::parse_duration(value);
    if (!time || *time > longest) return failure(fmt::format("{} is no duration up to 1h", config::quote(value)));
    stall = *time;
  }
  settings_ = std::move(next);
  if (stall > Duration{0}) stalled_until_ = context_.now() + stall;
  call_waiting(context_.now());  // there may be more slots
  return {};
}

std::string SlowService::describe() const {
  return fmt::format(
      R"({{"slots":{},"time":"{}","queue":{},"errors":{},"pressure":{},"body":{},"capacity":{:.1f},"stalled_for_s":{:.3f},)"
      R"("in":{},"answered":{},"refused":{},"left":{},"wasted":{},"in_service":{},"most_in_service":{},"waiting":{}}})"
      "\n",
      settings_.slots, settings_.time_text, settings_.queue, settings_.errors, settings_.pressure, settings_.body,
      settings_.slots / std::max(settings_.time.mean(), 1e-9),
      seconds(std::max(stalled_until_ - context_.now(), Duration{0})), in_, answered_, refused_, left_, wasted_, busy_,
      most_busy_, waiting_.size());
}

boost::asio::awaitable<void> SlowService::control(net::Exchange& exchange) {
  net::Response answer;
  const auto& head = exchange.head();
  if (head.method == "POST") {
    if (auto changed = change(head.query); !changed) {
      answer.status = 400;
      answer.content_type = "text/plain";
      answer.body = changed.error().message + "\n";
    }
  }
  if (answer.body.empty()) answer.body = describe();
  co_await exchange.respond(std::move(answer));
}

}  // namespace weir::app
