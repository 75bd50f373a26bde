#include "pipeline/route.h"

#include <algorithm>

namespace weir::pipeline {

int Route::required_paths() const {
  return static_cast<int>(std::ranges::count_if(deliveries, [](const Delivery& d) { return d.required; }));
}
int Route::copies() const {
  return static_cast<int>(std::ranges::count_if(deliveries, [](const Delivery& d) { return !d.takes_all(); }));
}
std::vector<Inlet*> Route::required_inlets() const {
  std::vector<Inlet*> inlets;
  for (const Delivery& d : deliveries)
    if (d.required) inlets.push_back(d.inlet);
  std::ranges::sort(inlets, {}, &Inlet::index);
  const auto doubles = std::ranges::unique(inlets);
  inlets.erase(doubles.begin(), doubles.end());
  return inlets;
}

Port::Port(const Route& route, NodeCounters& source)
    : route_(route), source_(source), required_(route.required_inlets()) {
  for (const auto& step : route.steps) stages_.push_back(step.stage->make());
  masks_.resize(stages_.size());
}

bool Port::paused(Class cls) const {
  return std::ranges::any_of(required_, [&](const Inlet* inlet) { return inlet->paused(cls); });
}

void Port::push(Batch& batch, Ticket& spare, TimePoint now) {
  evaluate(batch);
  {
    InletLocks locks(required_);
    const std::uint32_t n = prefix_that_fits(batch);
    if (n == 0) return;
    Batch front = batch.split(n);
    count(front);
    branch(std::move(front), spare);
    for (Item& item : items_)
      if (item.delivery->required) {
        Batch rest = item.delivery->inlet->push(std::move(item.batch), now);
        WEIR_CHECK(rest.empty());  // prefix_that_fits asked every required inlet under the same locks
        item.aftermath = item.delivery->inlet->take_aftermath();
      }
  }
  for (Item& item : items_) {
    Inlet& inlet = *item.delivery->inlet;
    if (!item.delivery->required && !item.batch.empty()) {
      std::lock_guard lock(inlet);
      Batch rest = inlet.push(std::move(item.batch), now);
      WEIR_CHECK(rest.empty());  // an optional inlet has a drop policy: everything is taken or a casualty
      item.aftermath = inlet.take_aftermath();
    }
    inlet.finish(std::move(item.aftermath));
  }
  items_.clear();
}

void Port::evaluate(const Batch& batch) {
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    auto& mask = masks_[s];
    mask.assign(batch.size(), 0);
    for (std::uint32_t i = 0; i < batch.size(); ++i)
      if (reaches(route_.steps[s], i)) mask[i] = stages_[s]->keeps(batch[i]);
  }
}

bool Port::reaches(const Route::Step& step, std::uint32_t event) const {
  return step.takes_all() ||
         std::ranges::any_of(step.parents, [&](int p) { return masks_[static_cast<std::size_t>(p)][event] != 0; });
}

std::uint32_t Port::prefix_that_fits(const Batch& batch) const {
  std::uint32_t n = batch.size();
  for (const Inlet* inlet : required_) n = std::min(n, inlet->room_for(batch));
  return n;
}

void Port::count(const Batch& front) {
  source_.emitted.fetch_add(front.size(), std::memory_order_release);
  for (std::size_t s = 0; s < masks_.size(); ++s) {
    std::uint64_t in = 0, kept = 0;
    for (std::uint32_t i = 0; i < front.size(); ++i) {
      in += reaches(route_.steps[s], i);
      kept += static_cast<unsigned>(masks_[s][i]);
    }
    NodeCounters& counters = route_.steps[s].stage->counters;
    counters.in.fetch_add(in, std::memory_order_release);
    counters.emitted.fetch_add(kept, std::memory_order_release);
    counters.consume(Fate::filtered, in - kept);
  }
}

void Port::branch(Batch front, Ticket& spare) {
  int required_left = route_.required_paths();
  for (const auto& delivery : route_.deliveries) {
    // The last required path takes over what the source owed; for each earlier one share() owes anew.
    const bool last = delivery.required && --required_left == 0;
    Batch path = last ? std::move(front) : front.share(delivery.required);
    if (!delivery.takes_all()) path = survivors(std::move(path), delivery.steps, spare);
    items_.push_back({&delivery, std::move(path), {}});
  }
  if (!front.empty()) front.settle(Fate::filtered);  // only optional sinks: nobody answers for it
}

Batch Port::survivors(Batch path, const std::vector<int>& steps, Ticket& spare) {
  copy_.clear();
  index_.clear();
  runs_.clear();
  std::uint32_t at = 0;
  path.for_each_run([&](Receipt* receipt, std::uint32_t n) {
    std::uint32_t kept = 0;
    for (const std::uint32_t end = at + n; at < end; ++at) {
      const bool passes =
          std::ranges::any_of(steps, [&](int s) { return masks_[static_cast<std::size_t>(s)][at] != 0; });
      if (!passes) continue;
      ++kept;
      index_.push_back({static_cast<std::uint32_t>(copy_.size()), static_cast<std::uint32_t>(path[at].size()),
                        static_cast<std::uint32_t>(path.id(at) - path.info().first_id)});
      copy_.append(path[at]).push_back('\n');
    }
    if (kept) runs_.push_back({receipt, kept});
    if (receipt) receipt->settle(n - kept, Fate::filtered);
  });
  Batch out;
  if (!index_.empty()) {
    const auto size = block_size(copy_.size(), index_.size(), runs_.size());
    out = make_batch(copy_, index_, runs_, path.info(), spare.split(std::min(size, spare.amount())),
                     path.carries_receipts());
  }
  path.dissolve();
  return out;
}

}  // namespace weir::pipeline
