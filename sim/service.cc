#include "service.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::sim {

std::string_view name(Times times) {
  constexpr std::array<std::string_view, 4> names{"exponential", "constant", "lognormal", "bimodal"};
  return names[static_cast<std::size_t>(times)];
}

Service::Service(const ServiceShape& shape, std::uint64_t seed, Agenda& agenda)
    : shape_(shape), draws_(seed), agenda_(agenda) {}

double Service::work() {
  const double mean = seconds(shape_.mean) * slower_;
  switch (shape_.times) {
    case Times::exponential: return mean * draws_.exponential();
    case Times::constant: return mean;
    case Times::lognormal: return mean * std::exp(1.5 * draws_.normal() - 1.5 * 1.5 / 2);
    case Times::bimodal: break;
  }
  constexpr double rare = 0.01, longer = 100;
  const double usual = mean / (1 - rare + rare * longer);
  return draws_.uniform() < rare ? longer * usual : usual;
}

void Service::arrive(std::uint32_t id, TimePoint now) {
  if (shape_.sharing) {
    work_until(now);
    jobs_.push_back({id, work()});
    return plan_next(now);
  }
  queue_.push_back(id);
  if (!stalled_) start(now);
}

void Service::start(TimePoint now) {
  for (; busy_ < shape_.slots && !queue_.empty(); ++busy_) {
    agenda_.put(now + from_seconds(work()), What::served, queue_.front());
    queue_.pop_front();
  }
}

void Service::served(const Event& event) {
  if (!shape_.sharing) {
    if (stalled_) return held_.push_back(event.id);
    --busy_;
    answer(event.id, event.at);
    return start(event.at);
  }
  if (event.generation != plan_) return;
  work_until(event.at);
  std::erase_if(jobs_, [&](const Job& job) {
    if (job.left > 1e-9) return false;
    answer(job.id, event.at);
    return true;
  });
  plan_next(event.at);
}

double Service::pace() const {
  if (jobs_.empty() || stalled_) return 0;
  return std::min(1.0, shape_.slots / static_cast<double>(jobs_.size()));
}

void Service::work_until(TimePoint now) {
  const double done = pace() * seconds(now - worked_until_);
  for (Job& job : jobs_) job.left -= done;
  worked_until_ = now;
}

void Service::plan_next(TimePoint now) {
  if (pace() == 0) return;
  const double least = std::ranges::min_element(jobs_, {}, &Job::left)->left;
  // A nanosecond later than needed, so that it is done then.
  agenda_.put(now + from_seconds(std::max(0.0, least) / pace()) + Duration{1}, What::served, 0, ++plan_);
}

void Service::set_slots(int slots, TimePoint now) {
  if (shape_.sharing) work_until(now);
  shape_.slots = slots;
  shape_.sharing ? plan_next(now) : start(now);
}

void Service::stall(bool stalled, TimePoint now) {
  if (shape_.sharing) work_until(now);
  stalled_ = stalled;
  if (stalled) return;
  if (shape_.sharing) return plan_next(now);
  for (const std::uint32_t id : std::exchange(held_, {})) {
    --busy_;
    answer(id, now);
  }
  start(now);
}

}  // namespace weir::sim
