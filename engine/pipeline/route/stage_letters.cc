#include "pipeline/route/stage_letters.h"

#include "pipeline/delivery/dead_letter.h"
#include "pipeline/delivery/sink_node.h"

namespace weir::pipeline {
namespace {

constexpr BatchBuilder::Limits batch_limits{16_KiB, 64};
constexpr int stage_attempts = 0;

}  // namespace

StageLetters::StageLetters(const Route& route) : route_(route) {
  for (std::size_t s = 0; s < route.steps.size(); ++s)
    if (StageNode* stage = route.steps[s].stage; stage->dead_letters) all_.push_back({s, stage});
}

void StageLetters::copy(const StagedBatch& staged, std::uint32_t n, TimePoint now, WallTime wall) {
  for (Letters& letters : all_)
    for (std::uint32_t i = 0; i < n; ++i) {
      const Outcome& o = staged.at(letters.step, i);
      if (!o.reached || o.end != Outcome::End::ended || o.fate != Fate::dropped) continue;
      info_ = {.priority = staged.batch.priority(), .received = now, .received_wall = wall, .dead_letter = true};
      write(letters, o, staged.version(staged.batch, route_.steps[letters.step].inputs, i).bytes, wall,
            staged.batch.place_of(i));
    }
}

void StageLetters::write(Letters& letters, const Outcome& outcome, std::string_view event, WallTime wall,
                         std::optional<EventPosition> place) {
  const std::string text = event.size() > batch_limits.bytes.count()
                               ? std::string()
                               : dead_letter_json({event, outcome.reason, info(outcome.reason).summary,
                                                   letters.stage->name, stage_attempts, wall, place});
  if (!letters.builder) letters.builder.emplace(batch_limits);
  if (text.empty() || text.size() > batch_limits.bytes.count() || !letters.builder->fits(text.size()))
    ++letters.given_up;
  else
    letters.builder->add(text, nullptr);
}

void StageLetters::send(TimePoint now) {
  for (Letters& letters : all_) {
    if (!letters.builder) continue;
    if (const auto n = letters.builder->size(); n > 0) {
      SinkNode& target = *letters.stage->dead_letters;
      info_.first_id = target.ids.take(n);
      Batch unowed = letters.builder->seal_unowed(info_);
      target.queue.push_spare(info_.priority, now, [&](Load room) { return unowed.split(unowed.prefix(room)); });
      letters.given_up += unowed.size();
      if (!unowed.empty()) unowed.dissolve();
    }
    letters.stage->counters.because(Reason::flow_full, std::exchange(letters.given_up, 0));
    letters.builder.reset();
  }
}

}  // namespace weir::pipeline
