#include "pipeline/route/port.h"

#include <algorithm>

#include "pipeline/queue/queue_locks.h"
#include "pipeline/route/merge_node.h"

namespace weir::pipeline {
namespace {

/// The sizes of the events at the front of a staged batch behind its stages, for the question to a sink queue.
struct Grown {
  std::span<const std::uint32_t> sizes;
  Priority of;
  Priority priority() const { return of; }
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

Port::Port(const Route& route, NodeCounters& origin, Bytes chunk_bytes)
    : route_(route), origin_(origin), chunk_bytes_(chunk_bytes), required_(route.required_queues()), letters_(route) {
  for (const auto& step : route.steps) stages_.push_back(step.stage->plan->stage());
}

bool Port::paused(Priority priority) const {
  return std::ranges::any_of(required_, [&](const SinkQueue* queue) { return queue->paused(priority); });
}

void Port::take(Batch batch, Ticket spare) {
  auto& staged = staged_[static_cast<std::size_t>(batch.priority())];
  if (!staged) staged.emplace(route_, chunk_bytes_);
  staged->board(std::move(batch), std::move(spare));
}

Batch Port::give_up(Priority priority) {
  auto& staged = staged_[static_cast<std::size_t>(priority)];
  return staged ? std::move(staged->batch) : Batch{};
}

std::uint32_t Port::waiting_prefix(Priority priority, Load most) const {
  const auto& staged = staged_[static_cast<std::size_t>(priority)];
  return staged && !staged->batch.empty() ? std::max<std::uint32_t>(1, staged->batch.prefix(most)) : 0;
}

Load Port::waiting_load(Priority priority, std::uint32_t n) const {
  Load load{n, {}};
  for (std::uint32_t i = 0; i < n; ++i)
    load.bytes += Bytes(staged_[static_cast<std::size_t>(priority)]->batch[i].size());
  return load;
}

Port::Progress Port::push(Priority priority, TimePoint now, WallTime wall, std::uint32_t most) {
  if (waiting(priority) == 0) return {};
  StagedBatch& staged = *staged_[static_cast<std::size_t>(priority)];
  const Progress progress = push(staged, now, wall, most);
  if (staged.empty()) staged.spare = Ticket{};
  return progress;
}

Port::Progress Port::push(StagedBatch& staged, TimePoint now, WallTime wall, std::uint32_t most) {
  for (const Route::Merge& m : route_.merges)
    if (const Duration wait = m.node->wait_for_room(); wait > Duration{0} && staged.known() == 0) return {0, wait};
  const Duration later = staged.look(stages_, json_, now, wall);
  if (staged.known() == 0) return {0, later};
  std::uint32_t n = 0;
  {
    QueueLocks locks(required_);
    n = std::min(prefix_that_fits(staged), most);
    if (n == 0) return {};
    count(staged, n);
    show(staged, n, now);
    letters_.copy(staged, n, now, wall);
    branch(staged.batch.split(n), staged);
    for (const Item& item : items_)
      if (Tap* tap = item.delivery->tap; tap && tap->on())
        tap->offer(item.batch.size(), now, [&](std::uint32_t i) { return item.batch[i]; });
    for (Item& item : items_)
      if (item.delivery->required) {
        Batch rest = item.delivery->queue->push(std::move(item.batch), now);
        WEIR_CHECK(rest.empty());  // prefix_that_fits asked every required sink queue under the same locks
        item.aftermath = item.delivery->queue->take_aftermath();
      }
  }
  staged.went(n);
  letters_.send(now);
  for (Item& item : items_) {
    SinkQueue& queue = *item.delivery->queue;
    if (!item.delivery->required && !item.batch.empty()) {
      std::lock_guard lock(queue);
      Batch rest = queue.push(std::move(item.batch), now);
      WEIR_CHECK(rest.empty());  // an optional sink queue has a drop policy: everything is taken or a dropped item
      item.aftermath = queue.take_aftermath();
    }
    queue.finish(std::move(item.aftermath));
  }
  items_.clear();
  return {n, staged.known() == 0 ? later : Duration{0}};
}

std::uint32_t Port::prefix_that_fits(const StagedBatch& staged) {
  std::uint32_t n = staged.known();
  for (const SinkQueue* queue : required_) n = std::min(n, queue->room_for(staged.batch));
  for (const auto& delivery : route_.deliveries) {
    if (!delivery.required || !delivery.may_grow()) continue;
    sizes_.clear();
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto version = staged.version(staged.batch, delivery.inputs, i);
      sizes_.push_back(static_cast<std::uint32_t>(std::max(version.bytes.size(), staged.batch[i].size())));
    }
    if (n > 0) n = std::min(n, delivery.queue->room_for(Grown{sizes_, staged.batch.priority()}));
  }
  return n;
}

void Port::count(const StagedBatch& staged, std::uint32_t n) {
  origin_.emitted.fetch_add(n, std::memory_order_release);
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    NodeCounters& counters = route_.steps[s].stage->counters;
    std::uint64_t in = 0, emitted = 0, merged = 0, filtered = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const Outcome& o = staged.at(s, i);
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

/// Gives copies to the taps of the source and the stages that are on.
void Port::show(const StagedBatch& staged, std::uint32_t n, TimePoint now) {
  if (route_.tap && route_.tap->on()) route_.tap->offer(n, now, [&](std::uint32_t i) { return staged.batch[i]; });
  const auto is_on = [](const Tap* tap) { return tap && tap->on(); };
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const StageNode& stage = *route_.steps[s].stage;
    if (!is_on(stage.tap) && std::ranges::none_of(stage.output_taps, is_on)) continue;
    std::vector<Route::Input> input{{static_cast<int>(s), 0}};
    for (std::uint32_t i = 0; i < n; ++i) {
      const Outcome& o = staged.at(s, i);
      if (o.end != Outcome::End::emitted) continue;
      input[0].output = o.output;
      Tap* one = o.output < stage.output_taps.size() ? stage.output_taps[o.output] : nullptr;
      for (Tap* tap : {stage.tap, one})
        if (is_on(tap)) tap->offer(staged.version(staged.batch, input, i).bytes, now);
    }
  }
}

void Port::branch(Batch front, StagedBatch& staged) {
  int required_left = route_.required_paths();
  // The last required path takes over what the origin owed; share() adds what is owed for each earlier one.
  const auto path = [&](bool required) {
    return required && --required_left == 0 ? std::move(front) : front.share(required);
  };
  const bool ends_here = required_left == 0;
  for (const bool required : {false, true}) {
    for (const auto& m : route_.merges)
      if (m.required == required) merge(path(required), m, staged);
    for (const auto& delivery : route_.deliveries) {
      if (delivery.required != required) continue;
      Batch branch = path(required);
      if (!delivery.takes_all()) branch = copy_of(std::move(branch), delivery, staged);
      items_.push_back({&delivery, std::move(branch), {}});
    }
  }
  if (ends_here) front.settle(Fate::filtered);  // only optional sinks: it is settled at once
}

/// The versions that arrive at this delivery; what does not arrive ends on this path.
Batch Port::copy_of(Batch path, const Route::Delivery& delivery, StagedBatch& staged) {
  copy_.clear();
  index_.clear();
  runs_.clear();
  std::uint32_t at = 0;
  path.for_each_run([&](Receipt* receipt, std::uint32_t n) {
    std::uint32_t kept = 0, filtered = 0;
    for (const std::uint32_t end = at + n; at < end; ++at) {
      const auto version = staged.version(path, delivery.inputs, at);
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
    out = make_batch(copy_, index_, runs_, path.info(), staged.spare.split(std::min(size, staged.spare.amount())),
                     path.carries_receipts());
  }
  path.dissolve();
  return out;
}

void Port::merge(Batch path, const Route::Merge& m, const StagedBatch& staged) {
  std::uint32_t at = 0;
  path.for_each_run([&](Receipt* receipt, std::uint32_t n) {
    for (const std::uint32_t end = at + n; at < end;) {
      const Outcome& o = staged.at(static_cast<std::size_t>(m.step), at);
      if (o.end != Outcome::End::merged) {
        if (receipt) receipt->settle(1, o.fate, o.reason);
        ++at;
        continue;
      }
      std::uint32_t same = 0;  // one lock for all that go into one window
      for (; at < end; ++at, ++same)
        if (const Outcome& next = staged.at(static_cast<std::size_t>(m.step), at);
            next.end != Outcome::End::merged || next.window != o.window)
          break;
      m.node->owe(o.window, receipt, same);
    }
  });
  path.dissolve();
}

}  // namespace weir::pipeline
