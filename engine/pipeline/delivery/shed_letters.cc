#include "pipeline/delivery/shed_letters.h"

#include <weir/base/rng.h>

#include "pipeline/delivery/dead_letter.h"

namespace weir::pipeline {
namespace {

constexpr Bytes at_once = 16_KiB;  // bounds how long the queue of the dead letters is locked
constexpr int no_attempts = 0;

/// Letters of the events of the share from `next` on, as far as `room` goes; advances `next`.
Batch letters_of(SinkNode& sink, const Batch& shed, Reason reason, double share, TimePoint now, Load room,
                 std::uint32_t& next) {
  BatchBuilder builder(
      {std::min(room.bytes, at_once), static_cast<std::uint32_t>(std::min<std::uint64_t>(room.events, shed.size()))});
  // No clock is read here: the time since it was read is the same on both.
  const WallTime wall = shed.info().received_wall + std::max(Duration{0}, now - shed.info().received);
  for (; next < shed.size(); ++next) {
    if (!in_share(shed.id(next), share)) continue;
    if (shed[next].size() > room.bytes.count()) break;
    const std::string text =
        dead_letter_json({shed[next], reason, info(reason).summary, sink.name, no_attempts, wall, shed.place_of(next)});
    if (text.size() > room.bytes.count() || !builder.fits(text.size())) break;
    builder.add(text, nullptr);
  }
  if (builder.empty()) return {};
  BatchInfo about = shed.info();
  about.dead_letter = true;
  about.one_line_each = false;
  about.place = nullptr;
  about.first_id = sink.ids.take(builder.size());
  return builder.seal_unowed(about);
}

}  // namespace

bool in_share(std::uint64_t id, double share) { return Rng(id).uniform() < share; }

void keep_shed(SinkNode& sink, const Batch& shed, Reason reason, double share, TimePoint now) {
  if (!sink.dead_letters || share <= 0 || reason == Reason::shutdown) return;
  std::uint64_t wanted = 0, kept = 0;
  for (std::uint32_t i = 0; i < shed.size(); ++i) wanted += in_share(shed.id(i), share);
  std::uint32_t next = 0;
  while (kept < wanted) {
    const auto n = sink.dead_letters->queue.push_spare(
        shed.priority(), now, [&](Load room) { return letters_of(sink, shed, reason, share, now, room, next); });
    if (n == 0) break;
    kept += n;
  }
  sink.counters.because(reason, kept);
  sink.counters.because(Reason::flow_full, wanted - kept);
}

}  // namespace weir::pipeline
