#include "pipeline/route/staged_batch.h"

#include <algorithm>

namespace weir::pipeline {

StagedBatch::StagedBatch(const Route& route, Bytes chunk_bytes)
    : route_(route), chunk_bytes_(chunk_bytes.count()), outcomes_(route.steps.size()), buffers_(route.steps.size()) {}

void StagedBatch::board(Batch b, Ticket s) {
  WEIR_CHECK(batch.empty());
  batch = std::move(b);
  spare = std::move(s);
  forget();
}

void StagedBatch::forget() {
  for (auto& of_step : outcomes_) of_step.clear();
  for (auto& buffer : buffers_) buffer.clear();
  looked_ = gone_ = 0;
  next_step_ = 0;
}

void StagedBatch::went(std::uint32_t n) {
  gone_ += n;
  if (gone_ == looked_ && next_step_ == 0) forget();
}

bool StagedBatch::full() const {
  return looked_ >= chunk_events ||
         std::ranges::any_of(buffers_, [&](const auto& buffer) { return buffer.size() >= chunk_bytes_; });
}

Duration StagedBatch::look(std::span<const std::unique_ptr<Stage>> stages, JsonEvent& json, TimePoint now,
                           WallTime wall) {
  if (stages.empty() || known() > 0) return Duration{0};
  // An event that a stage made wait is finished first, however full the buffers are.
  while (looked_ - gone_ < batch.size() && (next_step_ > 0 || !full())) {
    json.look_at({});  // memory is reused: the same address may hold another event
    for (; next_step_ < stages.size(); ++next_step_)
      if (const Duration wait = ask(next_step_, *stages[next_step_], json, now, wall); wait > Duration{0}) return wait;
    next_step_ = 0;
    ++looked_;
  }
  return Duration{0};
}

/// 0: the outcome is there.
Duration StagedBatch::ask(std::size_t step, Stage& stage, JsonEvent& json, TimePoint now, WallTime wall) {
  const Version input = version(batch, route_.steps[step].inputs, looked_ - gone_);
  if (!input.arrives) {
    Outcome out;
    out.fate = input.fate;
    out.reason = input.reason;
    outcomes_[step].push_back(out);
    return Duration{0};
  }
  const std::size_t before = make_room(step, input.bytes.size());
  if (json.event().data() != input.bytes.data() || json.event().size() != input.bytes.size()) json.look_at(input.bytes);
  const Verdict verdict = stage.take(
      {input.bytes, batch.info(), now, wall, &json, route_.source, batch.number(looked_ - gone_)}, buffers_[step]);
  if (verdict.kind == Verdict::Kind::later) {
    buffers_[step].resize(before);
    return std::max(verdict.wait, Duration{1});
  }
  outcomes_[step].push_back(outcome_of(verdict, step, input, before));
  return Duration{0};
}

/// For the most that the stage may make of so many bytes; the next stage reads up to block_padding bytes behind it.
std::size_t StagedBatch::make_room(std::size_t step, std::size_t input) {
  std::string& buffer = buffers_[step];
  const std::size_t most = route_.steps[step].stage->plan->growth().of(Bytes(input)).count() + block_padding;
  if (const std::size_t need = buffer.size() + most; buffer.capacity() < need)
    buffer.reserve(std::max(need, std::min(2 * buffer.capacity(), chunk_bytes_ + most)));
  return buffer.size();
}

Outcome StagedBatch::outcome_of(const Verdict& verdict, std::size_t step, const Version& input, std::size_t before) {
  using Kind = Verdict::Kind;
  const Route::Step& plan = route_.steps[step];
  Outcome out;
  out.reached = true;
  out.output = verdict.output;
  out.window = verdict.window;
  const bool goes_on = verdict.kind == Kind::passed || verdict.kind == Kind::rewritten;
  if (goes_on && plan.is_read(verdict.output)) out.end = Outcome::End::emitted;
  if (verdict.kind == Kind::merged) out.end = Outcome::End::merged;
  if (verdict.kind == Kind::dropped) {
    out.fate = Fate::dropped;
    out.reason = verdict.reason;
  }
  if (verdict.kind == Kind::passed && input.from) {
    out.owner = input.from->owner;
    out.offset = input.from->offset;
    out.length = input.from->length;
  }
  if (verdict.kind != Kind::rewritten) return out;
  out.owner = static_cast<std::int16_t>(step);
  out.offset = static_cast<std::uint32_t>(before);
  out.length = static_cast<std::uint32_t>(buffers_[step].size() - before);
  if (out.length > plan.stage->plan->growth().of(Bytes(input.bytes.size())).count()) {
    out.end = Outcome::End::ended;  // more than was reserved for it
    out.fate = Fate::failed;
    out.reason = Reason::event_too_large;
    buffers_[step].resize(before);
  }
  return out;
}

std::string_view StagedBatch::bytes_of(const Batch& front, const Outcome& o, std::uint32_t event) const {
  if (o.owner == Route::raw) return front[event];
  return std::string_view(buffers_[static_cast<std::size_t>(o.owner)]).substr(o.offset, o.length);
}

StagedBatch::Version StagedBatch::version(const Batch& front, const std::vector<Route::Input>& inputs,
                                          std::uint32_t event) const {
  Version none;
  for (const Route::Input& input : inputs) {
    if (input.step == Route::raw) return {.arrives = true, .bytes = front[event]};
    const Outcome& o = at(static_cast<std::size_t>(input.step), event);
    if (o.end == Outcome::End::emitted && o.output == input.output)
      return {.arrives = true, .bytes = bytes_of(front, o, event), .from = &o};
    if (o.end == Outcome::End::ended && o.fate > none.fate) {
      none.fate = o.fate;
      none.reason = o.reason;
    }
  }
  return none;
}

}  // namespace weir::pipeline
