#include "pipeline/flight.h"

#include <algorithm>

namespace weir::pipeline {

Flight::Flight(const Route& route, Bytes chunk_bytes)
    : route_(route), chunk_bytes_(chunk_bytes.count()), outcomes_(route.steps.size()), buffers_(route.steps.size()) {}

void Flight::board(Batch b, Ticket s) {
  WEIR_CHECK(batch.empty());
  batch = std::move(b);
  spare = std::move(s);
  forget();
}

void Flight::forget() {
  for (auto& of_step : outcomes_) of_step.clear();
  for (auto& buffer : buffers_) buffer.clear();
  looked_ = gone_ = 0;
  next_step_ = 0;
}

void Flight::went(std::uint32_t n) {
  gone_ += n;
  if (gone_ == looked_ && next_step_ == 0) forget();
}

bool Flight::full() const {
  return looked_ >= chunk_events ||
         std::ranges::any_of(buffers_, [&](const auto& buffer) { return buffer.size() >= chunk_bytes_; });
}

Duration Flight::look(std::span<const std::unique_ptr<Stage>> stages, JsonEvent& json, TimePoint now, WallTime wall) {
  if (stages.empty() || known() > 0) return Duration{0};
  // An event that a stage has told to wait is finished first, however full its buffers are.
  while (looked_ - gone_ < batch.size() && (next_step_ > 0 || !full())) {
    json.look_at({});  // memory is used again: the same place may hold another event
    for (; next_step_ < stages.size(); ++next_step_)
      if (const Duration wait = ask(next_step_, *stages[next_step_], json, now, wall); wait > Duration{0}) return wait;
    next_step_ = 0;
    ++looked_;
  }
  return Duration{0};
}

/// 0: the outcome is there.
Duration Flight::ask(std::size_t step, Stage& stage, JsonEvent& json, TimePoint now, WallTime wall) {
  const std::uint32_t event = looked_ - gone_;
  const Route::Step& plan = route_.steps[step];
  const Version input = version(batch, plan.inputs, event);
  Outcome out;
  if (!input.arrives) {
    out.fate = input.fate;
    out.reason = input.reason;
    outcomes_[step].push_back(out);
    return Duration{0};
  }
  out.reached = true;
  std::string& buffer = buffers_[step];
  const std::size_t before = buffer.size(), most = plan.stage->plan->growth().of(Bytes(input.bytes.size())).count();
  // The next stage reads up to block_padding bytes behind what this one writes.
  if (const std::size_t need = before + most + block_padding; buffer.capacity() < need)
    buffer.reserve(std::max(need, std::min(2 * buffer.capacity(), chunk_bytes_ + most + block_padding)));
  if (json.event().data() != input.bytes.data() || json.event().size() != input.bytes.size()) json.look_at(input.bytes);
  const Verdict verdict = stage.take({input.bytes, batch.info(), now, wall, &json}, buffer);
  using Kind = Verdict::Kind;
  if (verdict.kind == Kind::later) {
    buffer.resize(before);
    return std::max(verdict.wait, Duration{1});
  }
  out.output = verdict.output;
  out.window = verdict.window;
  const bool goes_on = verdict.kind == Kind::passed || verdict.kind == Kind::rewritten;
  if (goes_on && plan.is_read(verdict.output)) out.end = Outcome::End::emitted;
  if (verdict.kind == Kind::merged) out.end = Outcome::End::merged;
  if (verdict.kind == Kind::dropped) {
    out.fate = Fate::dropped;
    out.reason = verdict.reason;
  }
  if (verdict.kind == Kind::passed) {
    const auto from = std::ranges::find_if(plan.inputs, [&](const Route::Input& in) {
      return in.step == Route::raw || (at(static_cast<std::size_t>(in.step), event).end == Outcome::End::emitted &&
                                       at(static_cast<std::size_t>(in.step), event).output == in.output);
    });
    if (from->step != Route::raw) {
      const Outcome& parent = at(static_cast<std::size_t>(from->step), event);
      out.owner = parent.owner;
      out.offset = parent.offset;
      out.length = parent.length;
    }
  }
  if (verdict.kind == Kind::rewritten) {
    out.owner = static_cast<std::int16_t>(step);
    out.offset = static_cast<std::uint32_t>(before);
    out.length = static_cast<std::uint32_t>(buffer.size() - before);
    if (out.length > most) {  // more than its sender's reservation holds
      out.end = Outcome::End::ended;
      out.fate = Fate::failed;
      out.reason = Reason::event_too_large;
      buffer.resize(before);
    }
  }
  outcomes_[step].push_back(out);
  return Duration{0};
}

std::string_view Flight::bytes_of(const Batch& front, const Outcome& o, std::uint32_t event) const {
  if (o.owner == Route::raw) return front[event];
  return std::string_view(buffers_[static_cast<std::size_t>(o.owner)]).substr(o.offset, o.length);
}

Flight::Version Flight::version(const Batch& front, const std::vector<Route::Input>& inputs,
                                std::uint32_t event) const {
  Version none;
  for (const Route::Input& input : inputs) {
    if (input.step == Route::raw) return {true, front[event]};
    const Outcome& o = at(static_cast<std::size_t>(input.step), event);
    if (o.end == Outcome::End::emitted && o.output == input.output) return {true, bytes_of(front, o, event)};
    if (o.end == Outcome::End::ended && o.fate > none.fate) {
      none.fate = o.fate;
      none.reason = o.reason;
    }
  }
  return none;
}

}  // namespace weir::pipeline
