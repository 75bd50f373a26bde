#include "pipeline/port.h"

#include <algorithm>

#include "pipeline/inlet_locks.h"
#include "pipeline/merge_node.h"

namespace weir::pipeline {
namespace {

/// What the front of a flight will weigh behind its stages, for asking an inlet.
struct Grown {
  std::span<const std::uint32_t> sizes;
  Class of;
  Class cls() const { return of; }
  Load load() const {
    std::uint64_t bytes = 0;
    for (const auto size : sizes) bytes += size;
    return {sizes.size(), Bytes(bytes)};
  }
  std::uint32_t prefix(Load room) const {
    std::uint64_t bytes = 0;
    std::uint32_t n = 0;
    for (const auto size : sizes) {
      bytes += size;
      if (n + 1 > room.events || bytes > room.bytes.count()) break;
      ++n;
    }
    return n;
  }
};

}  // namespace

Port::Port(const Route& route, NodeCounters& origin)
    : route_(route), origin_(origin), required_(route.required_inlets()), letters_(route) {
  for (const auto& step : route.steps) stages_.push_back(step.stage->plan->stage());
}

bool Port::paused(Class cls) const {
  return std::ranges::any_of(required_, [&](const Inlet* inlet) { return inlet->paused(cls); });
}

Port::Progress Port::push(Flight& flight, TimePoint now, WallTime wall) {
  for (const Route::Merge& m : route_.merges)
    if (const Duration wait = m.node->wait_for_room(); wait > Duration{0} && flight.known() == 0) return {0, wait};
  const Duration later = flight.look(stages_, json_, now, wall);
  if (flight.known() == 0) return {0, later};
  std::uint32_t n = 0;
  {
    InletLocks locks(required_);
    n = prefix_that_fits(flight);
    if (n == 0) return {};
    count(flight, n);
    show(flight, n, now);
    letters_.copy(flight, n, now, wall);
    branch(flight.batch.split(n), flight);
    for (const Item& item : items_)
      if (Tap* tap = item.delivery->tap; tap && tap->on())
        tap->offer(item.batch.size(), now, [&](std::uint32_t i) { return item.batch[i]; });
    for (Item& item : items_)
      if (item.delivery->required) {
        Batch rest = item.delivery->inlet->push(std::move(item.batch), now);
        WEIR_CHECK(rest.empty());  // prefix_that_fits asked every required inlet under the same locks
        item.aftermath = item.delivery->inlet->take_aftermath();
      }
  }
  flight.went(n);
  letters_.send(now);
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
  return {n, flight.known() == 0 ? later : Duration{0}};
}

std::uint32_t Port::prefix_that_fits(const Flight& flight) {
  std::uint32_t n = flight.known();
  for (const Inlet* inlet : required_) n = std::min(n, inlet->room_for(flight.batch));
  for (const auto& delivery : route_.deliveries) {
    if (!delivery.required || !delivery.may_grow()) continue;
    sizes_.clear();
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto version = flight.version(flight.batch, delivery.inputs, i);
      sizes_.push_back(static_cast<std::uint32_t>(std::max(version.bytes.size(), flight.batch[i].size())));
    }
    if (n > 0) n = std::min(n, delivery.inlet->room_for(Grown{sizes_, flight.batch.cls()}));
  }
  return n;
}

void Port::count(const Flight& flight, std::uint32_t n) {
  origin_.emitted.fetch_add(n, std::memory_order_release);
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    NodeCounters& counters = route_.steps[s].stage->counters;
    std::uint64_t in = 0, emitted = 0, merged = 0, filtered = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const Outcome& o = flight.at(s, i);
      if (!o.reached) continue;
      ++in;
      emitted += o.end == Outcome::End::emitted;
      merged += o.end == Outcome::End::merged;
      if (o.end != Outcome::End::ended) continue;
      if (o.fate == Fate::filtered)
        ++filtered;
      else
        counters.consume(o.fate, 1, o.reason);
    }
    counters.in.fetch_add(in, std::memory_order_release);
    counters.emitted.fetch_add(emitted, std::memory_order_release);
    counters.merged.fetch_add(merged, std::memory_order_release);
    counters.consume(Fate::filtered, filtered);
  }
}

/// To those who look at the source or a stage, if anybody does.
void Port::show(const Flight& flight, std::uint32_t n, TimePoint now) {
  if (route_.tap && route_.tap->on()) route_.tap->offer(n, now, [&](std::uint32_t i) { return flight.batch[i]; });
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    Tap* tap = route_.steps[s].stage->tap;
    if (!tap || !tap->on()) continue;
    std::vector<Route::Input> input{{static_cast<int>(s), 0}};
    for (std::uint32_t i = 0; i < n; ++i) {
      const Outcome& o = flight.at(s, i);
      if (o.end != Outcome::End::emitted) continue;
      input[0].output = o.output;
      tap->offer(flight.version(flight.batch, input, i).bytes, now);
    }
  }
}

void Port::branch(Batch front, Flight& flight) {
  int required_left = route_.required_paths();
  // The last required path takes over what the origin owed; for each earlier one share() owes anew.
  const auto path = [&](bool required) {
    return required && --required_left == 0 ? std::move(front) : front.share(required);
  };
  const bool ends_here = required_left == 0;
  for (const bool required : {false, true}) {
    for (const auto& m : route_.merges)
      if (m.required == required) merge(path(required), m, flight);
    for (const auto& delivery : route_.deliveries) {
      if (delivery.required != required) continue;
      Batch branch = path(required);
      if (!delivery.takes_all()) branch = copy_of(std::move(branch), delivery, flight);
      items_.push_back({&delivery, std::move(branch), {}});
    }
  }
  if (ends_here) front.settle(Fate::filtered);  // only optional sinks: nobody answers for it
}

/// The versions that arrive at this delivery; what does not arrive ends on this path.
Batch Port::copy_of(Batch path, const Route::Delivery& delivery, Flight& flight) {
  copy_.clear();
  index_.clear();
  runs_.clear();
  std::uint32_t at = 0;
  path.for_each_run([&](Receipt* receipt, std::uint32_t n) {
    std::uint32_t kept = 0, filtered = 0;
    for (const std::uint32_t end = at + n; at < end; ++at) {
      const auto version = flight.version(path, delivery.inputs, at);
      if (!version.arrives) {
        if (version.fate == Fate::filtered)
          ++filtered;
        else if (receipt)
          receipt->settle(1, version.fate, version.reason);
        continue;
      }
      ++kept;
      index_.push_back({static_cast<std::uint32_t>(copy_.size()), static_cast<std::uint32_t>(version.bytes.size()),
                        static_cast<std::uint32_t>(path.id(at) - path.info().first_id)});
      copy_.append(version.bytes).push_back('\n');
    }
    if (kept) runs_.push_back({receipt, kept});
    if (receipt) receipt->settle(filtered, Fate::filtered);
  });
  Batch out;
  if (!index_.empty()) {
    const auto size = block_size(copy_.size(), index_.size(), runs_.size());
    out = make_batch(copy_, index_, runs_, path.info(), flight.spare.split(std::min(size, flight.spare.amount())),
                     path.carries_receipts());
  }
  path.dissolve();
  return out;
}

void Port::merge(Batch path, const Route::Merge& m, const Flight& flight) {
  std::uint32_t at = 0;
  path.for_each_run([&](Receipt* receipt, std::uint32_t n) {
    for (const std::uint32_t end = at + n; at < end;) {
      const Outcome& o = flight.at(static_cast<std::size_t>(m.step), at);
      if (o.end != Outcome::End::merged) {
        if (receipt) receipt->settle(1, o.fate, o.reason);
        ++at;
        continue;
      }
      std::uint32_t same = 0;  // one lock for all that go into one window
      for (; at < end; ++at, ++same)
        if (const Outcome& next = flight.at(static_cast<std::size_t>(m.step), at);
            next.end != Outcome::End::merged || next.window != o.window)
          break;
      m.node->owe(o.window, receipt, same);
    }
  });
  path.dissolve();
}

}  // namespace weir::pipeline
