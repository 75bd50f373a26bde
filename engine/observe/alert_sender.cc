#include "observe/alert_sender.h"

#include <unistd.h>

#include <array>
#include <optional>

#include "log/log.h"

namespace weir::observe {
namespace {

constexpr Duration look_again = std::chrono::seconds(1);  // a clock that is set does not hold a thread for ever
constexpr Duration to_return = std::chrono::seconds(2);   // for a sink that was cancelled

std::string name_of_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Batch batch_of(std::span<const AlertNews> news, Duration repeat, const Context& context, std::uint64_t first_id) {
  static const std::string host = name_of_host();
  BatchBuilder builder({config::alert_delivery_bytes, config::alert_delivery_events});
  for (const AlertNews& one : news) builder.add(event_of(one, host, repeat, context.wall()), nullptr);
  BatchInfo info;
  info.received = context.now();
  info.received_wall = context.wall();
  info.one_line_each = true;
  info.first_id = first_id;
  return builder.seal_unowed(info);
}

}  // namespace

struct AlertSender::State {
  State(const config::AlertReceiver& receiver, const SinkType& type, Duration repeat, const Context& context)
      : receiver(receiver), context(context), repeat(repeat), rng(context.rng()), outbox(repeat) {
    status.name = receiver.name;
    sink = type.make({receiver.name, this->receiver.options, 0, context});
  }

  const config::AlertReceiver receiver;
  const Context& context;
  const Duration repeat;
  Rng rng;                     // the thread's
  std::uint64_t next_id = 0;   // the thread's
  std::unique_ptr<Sink> sink;  // the thread's, but for `cancel`
  std::mutex mutex;
  std::condition_variable changed;
  AlertOutbox outbox;
  ReceiverStatus status;
  bool stopping = false, ended = false;

  /// What has to be sent next; nothing: it is to end.
  std::optional<std::vector<AlertNews>> wait_for_work() {
    std::unique_lock lock(mutex);
    while (true) {
      if (stopping && outbox.waiting() == 0) return std::nullopt;
      auto news = outbox.due(context.now(), config::alert_delivery_events);
      if (!news.empty()) return news;
      const TimePoint next = outbox.next();
      const Duration pause = next == never ? look_again : std::clamp(next - context.now(), Duration{1}, look_again);
      changed.wait_for(lock, pause);
      if (stopping && outbox.next() > context.now()) return std::nullopt;  // it failed just now
    }
  }

  Delivery deliver(std::span<const AlertNews> news) {
    std::array batch{batch_of(news, repeat, context, next_id)};
    next_id += news.size();
    Delivery delivery;
    do delivery = sink->deliver(batch);
    while (delivery.outcome == Delivery::Outcome::more);
    batch[0].settle(delivery.outcome == Delivery::Outcome::done ? Fate::stored : Fate::failed);
    return delivery;
  }

  void note(const Delivery& delivery) {
    std::lock_guard lock(mutex);
    const log::Origin who{"alert receiver", receiver.name};
    const bool again = delivery.outcome == Delivery::Outcome::again;
    const std::string why = !delivery.refused.empty() ? delivery.refused.front().why : delivery.error.message;
    if (delivery.outcome == Delivery::Outcome::done && delivery.refused.empty()) {
      ++status.delivered;
      if (!status.trouble.empty()) log::info(who, "is told of alerts again");
      status.trouble.clear();
      return outbox.delivered(context.now());
    }
    ++status.failed;
    status.trouble = why;
    if (again) {
      log::warn(who, "{}; it is told again later", why);
      outbox.failed(context.now(), delivery.error.retry_after, rng);
    } else {
      log::warn(who, "{}; it refuses this for good and is not told of it again", why);
      outbox.delivered(context.now());
    }
  }
};

AlertSender::AlertSender(const config::AlertReceiver& receiver, const SinkType& type, Duration repeat,
                         const Context& context)
    : state_(std::make_shared<State>(receiver, type, repeat, context)) {}

AlertSender::~AlertSender() { (void)stop(Duration{0}); }

Result<void> AlertSender::start() {
  if (const auto opened = state_->sink->open(); !opened)
    return failure("alert receiver " + state_->receiver.name + ": " + opened.error().message);
  thread_ = std::thread(work, state_);
  return {};
}

void AlertSender::work(const std::shared_ptr<State>& state) {
  while (const auto news = state->wait_for_work()) state->note(state->deliver(*news));
  state->sink->close();
  std::lock_guard lock(state->mutex);
  state->ended = true;
  state->changed.notify_all();
}

void AlertSender::tell(std::span<const AlertNews> news) {
  if (news.empty()) return;
  std::lock_guard lock(state_->mutex);
  state_->outbox.take(news);
  state_->changed.notify_all();
}

ReceiverStatus AlertSender::status() const {
  std::lock_guard lock(state_->mutex);
  ReceiverStatus status = state_->status;
  status.waiting = state_->outbox.waiting();
  return status;
}

bool AlertSender::stop(Duration most) {
  if (!thread_.joinable()) return true;
  const auto ended = [&] { return state_->ended; };
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  if (!state_->changed.wait_for(lock, most, ended)) {
    lock.unlock();
    state_->sink->cancel();
    lock.lock();
  }
  const bool came_back = state_->changed.wait_for(lock, to_return, ended);
  const std::size_t untold = state_->outbox.waiting();
  lock.unlock();
  if (untold > 0)
    log::warn({"alert receiver", state_->receiver.name}, "stopped: it was not told of the last change of {} alert{}",
              untold, untold == 1 ? "" : "s");
  if (came_back)
    thread_.join();
  else
    thread_.detach();
  return came_back;
}

AlertSenders::AlertSenders(const config::Alerts& alerts, const Catalog& catalog, const Context& context) {
  for (const auto& receiver : alerts.receivers)
    if (const SinkType* type = catalog.sink(receiver.type); type && type->make)
      senders_.push_back(std::make_unique<AlertSender>(receiver, *type, alerts.repeat, context));
}

Result<void> AlertSenders::start() {
  for (const auto& sender : senders_)
    if (auto started = sender->start(); !started) return started;
  return {};
}

void AlertSenders::tell(std::span<const AlertNews> news) {
  for (const auto& sender : senders_) sender->tell(news);
}

std::vector<ReceiverStatus> AlertSenders::status() const {
  std::vector<ReceiverStatus> all;
  for (const auto& sender : senders_) all.push_back(sender->status());
  return all;
}

bool AlertSenders::stop(Duration most) {
  bool all = true;
  for (const auto& sender : senders_) all = sender->stop(most) && all;
  return all;
}

}  // namespace weir::observe
