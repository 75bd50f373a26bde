#include "world.h"

#include <algorithm>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint began{1h};
constexpr Duration tick = 5ms, retry_after = 200us;

/// The mean of the limit over time, and its ends.
class LimitMeter {
 public:
  LimitMeter(TimePoint from, TimePoint until) : from_(from), until_(until) {}
  void look(double limit, TimePoint now) {
    if (now < from_ || now > until_) return;
    if (last_ != never) {
      sum_ += seconds(now - last_) * limit;
      time_ += seconds(now - last_);
    }
    last_ = now;
    least_ = time_ > 0 ? std::min(least_, limit) : limit;
    most_ = std::max(most_, limit);
  }
  void put_into(Run& run) const {
    run.mean_limit = time_ > 0 ? sum_ / time_ : 0;
    run.least_limit = least_;
    run.most_limit = most_;
  }

 private:
  TimePoint from_, until_, last_ = never;
  double sum_ = 0, time_ = 0, least_ = 0, most_ = 0;
};

class World {
 public:
  World(const Setup& setup, AnyLimit limit)
      : setup_(setup),
        arrivals_(setup.seed * 1000 + 17),
        service_(setup.service, setup.seed * 77777 + 5, agenda_),
        in_flight_(std::move(limit)),
        meter_(began + setup.measured_from, began + setup.measured_until) {}

  Run run() {
    for (std::uint32_t i = 0; i < setup_.traffic.size(); ++i) next_arrival(i);
    agenda_.put(began + tick, What::tick);
    for (std::uint32_t i = 0; i < setup_.changes.size(); ++i)
      agenda_.put(began + setup_.changes[i].at, What::change, i);
    while (!agenda_.empty()) {
      const Event event = agenda_.take();
      if (event.at > began + setup_.end + 1500ms) break;
      now_ = event.at;
      happen(event);
    }
    requests_.clear();
    meter_.put_into(run_);
    return std::move(run_);
  }

 private:
  using Permit = flow::InFlight<AnyLimit>::Permit;
  struct Request {
    TimePoint first{}, came{}, deadline{};
    Priority priority{};
    std::uint32_t traffic = 0, generation = 0;
    int tries = 1;
    bool gone = false;  // its client does not wait any more
    std::optional<Permit> permit;
  };

  void happen(const Event& event) {
    switch (event.what) {
      case What::arrival: return arrival(event.id);
      case What::at_service: return service_.arrive(event.id, now_);
      case What::served: return service_.served(event);
      case What::answer: return answer(event.id);
      case What::deadline: return deadline(event);
      case What::retry: return retry(event.id);
      case What::tick: return on_tick();
      case What::change: return change(setup_.changes[event.id]);
    }
  }

  // clients
  void next_arrival(std::uint32_t stream) {
    TimePoint from = now_;
    for (const auto& span : setup_.traffic[stream].spans) {
      const TimePoint until = began + span.until;
      if (from >= until) continue;
      const TimePoint at = span.rate > 0 ? from + from_seconds(arrivals_.exponential() / span.rate) : until;
      if (at < until) return agenda_.put(at, What::arrival, stream);
      from = until;
    }
  }
  Priority draw_priority(const Traffic& traffic) {
    const auto of = [](int i) { return static_cast<Priority>(priority_count - 1 - i); };
    for (int i = 0; i < priority_count; ++i)
      if (traffic.mix[static_cast<std::size_t>(i)] == 1) return of(i);
    double below = 0;
    const double drawn = arrivals_.uniform();
    for (int i = 0; i < priority_count; ++i)
      if (drawn < (below += traffic.mix[static_cast<std::size_t>(i)])) return of(i);
    return Priority::batch;
  }
  void arrival(std::uint32_t stream) {
    const std::uint32_t id = make();
    const Traffic& traffic = setup_.traffic[stream];
    Request& request = requests_[id];
    request.first = now_;
    request.deadline = now_ + traffic.deadline;
    request.priority = draw_priority(traffic);
    request.traffic = stream;
    attempt(id);
    next_arrival(stream);
  }
  void retry(std::uint32_t id) {
    requests_[id].deadline = now_ + setup_.traffic[requests_[id].traffic].deadline;
    attempt(id);
  }
  /// The client's try failed: it tries again, or that was it.
  void failed(std::uint32_t id, Outcome outcome) {
    const Request& request = requests_[id];
    if (request.tries > setup_.traffic[request.traffic].retries) return end(id, outcome);
    const std::uint32_t again = make();
    Request& next = requests_[again];
    const Request& before = requests_[id];
    next.first = before.first;
    next.priority = before.priority;
    next.traffic = before.traffic;
    next.tries = before.tries + 1;
    agenda_.put(now_ + retry_after, What::retry, again);
  }
  void end(std::uint32_t id, Outcome outcome) {
    const Request& request = requests_[id];
    run_.ended.push_back({request.first - began, now_ - request.first, request.priority,
                          setup_.traffic[request.traffic].tenant, outcome, request.tries});
  }
  void deadline(const Event& event) {
    Request& request = requests_[event.id];
    if (request.generation != event.generation || request.gone) return;
    request.gone = true;  // and the service works on
    failed(event.id, Outcome::timed_out);
  }

  // the gateway
  void attempt(std::uint32_t id) {
    requests_[id].came = now_;
    if (in_flight_.has_room() && room_.empty()) return start(id);
    const Request& request = requests_[id];
    const auto entered =
        room_.enter({id, request.priority, setup_.traffic[request.traffic].tenant, 1, request.deadline},
                    in_flight_.reached_since(), now_);
    if (!entered) {
      failed(id, Outcome::refused);
      return drop(id);
    }
    if (entered->pushed_out) refuse_waiting(static_cast<std::uint32_t>(*entered->pushed_out));
    start_waiting();
  }
  void start(std::uint32_t id) {
    Request& request = requests_[id];
    request.permit = in_flight_.start(now_);
    agenda_.put(now_ + setup_.service.one_way, What::at_service, id);
    agenda_.put(request.deadline, What::deadline, id, request.generation);
  }
  void start_waiting() {
    while (in_flight_.has_room()) {
      const auto called = room_.next(now_);
      if (!called) break;
      const auto id = static_cast<std::uint32_t>(called->id);
      called->refused ? refuse_waiting(id) : start(id);
    }
    in_flight_.left_free();
  }
  void refuse_waiting(std::uint32_t id) {
    if (now_ >= began + setup_.measured_from)
      run_.longest_in_vain = std::max(run_.longest_in_vain, now_ - requests_[id].came);
    failed(id, Outcome::refused);
    drop(id);
  }
  void answer(std::uint32_t id) {
    Request& request = requests_[id];
    if (!request.gone) end(id, now_ <= request.deadline ? Outcome::ok : Outcome::timed_out);
    room_.answered(now_ - request.permit->started(), in_flight_.full() ? in_flight_.limit().wait_inside() : Duration{0},
                   now_);
    request.permit->answered(!room_.empty(), now_);
    drop(id);
    start_waiting();
    meter_.look(in_flight_.limit().limit(), now_);
  }
  void on_tick() {
    while (const auto called = room_.expired(now_)) refuse_waiting(static_cast<std::uint32_t>(called->id));
    meter_.look(in_flight_.limit().limit(), now_);
    run_.limits.push_back(in_flight_.limit().limit());
    agenda_.put(now_ + tick, What::tick);
  }
  void change(const Change& change) {
    switch (change.kind) {
      case Change::Kind::slots: return service_.set_slots(static_cast<int>(change.value), now_);
      case Change::Kind::slower: return service_.set_slower(change.value);
      case Change::Kind::stall: return service_.stall(change.value > 0, now_);
    }
  }

  // requests
  std::uint32_t make() {
    if (free_.empty()) {
      requests_.emplace_back();
      return static_cast<std::uint32_t>(requests_.size() - 1);
    }
    const std::uint32_t id = free_.back();
    free_.pop_back();
    return id;
  }
  void drop(std::uint32_t id) {
    const std::uint32_t generation = requests_[id].generation + 1;
    requests_[id] = Request{};
    requests_[id].generation = generation;
    free_.push_back(id);
  }

  const Setup& setup_;
  TimePoint now_ = began;
  Agenda agenda_;
  Draws arrivals_;
  Service service_;
  flow::InFlight<AnyLimit> in_flight_;
  flow::WaitingRoom room_{{.most = 20'000, .shares = 2}};
  std::deque<Request> requests_;
  std::vector<std::uint32_t> free_;
  LimitMeter meter_;
  Run run_;
};

}  // namespace

Run run(const Setup& setup, AnyLimit limit) { return World(setup, std::move(limit)).run(); }

}  // namespace weir::sim
