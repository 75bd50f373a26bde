#include "rehearsal/inflow.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::pipeline {

Inflow::Inflow(const config::ScenarioLoad& load, SourceNode& node, boost::asio::io_context& io, Bytes batch_bytes,
               Duration length, std::uint64_t seed, Simulated::Source& result, TimeLineWriter& line, std::size_t index)
    : load_(load),
      node_(node),
      output_(node, io, batch_bytes),
      arrivals_(load.phases, length, seed, load.arrivals),
      result_(result),
      line_(line),
      index_(index),
      began_(node.context().now()) {
  plan();
}

void Inflow::plan() {
  const auto at = arrivals_.next();
  next_ = at ? std::optional(began_ + *at) : std::nullopt;
}

void Inflow::arrive() {
  for (; next_ && *next_ <= node_.context().now(); plan()) {
    unread_.push_back(std::make_unique<Arrived>(settled_, *next_));
    due_ += seconds(*next_ - began_);
    ++inside_;
    ++result_.arrived;
    line_.arrived(index_);
  }
}

/// As the http source asks, of a request that brings one event.
Admitted<Ticket> Inflow::pass_door(Arrived& unit) {
  const Bytes bytes(load_.event.size());
  auto permit = output_.pass_guards({.load = {1, bytes}});
  if (!permit) return std::unexpected(permit.error());
  auto ticket = output_.admit(output_.cost(load_.event.size(), 1), Priority::normal, nullptr);
  if (ticket)
    unit.permit = std::move(*permit);
  else
    permit->unused();
  return ticket;
}

/// Yes: it belongs to whoever settles it, until `collect`.
Inflow::Given Inflow::give(std::unique_ptr<Arrived>& unit) {
  const bool refuses = output_.refuses_when_full();
  if (!refuses && (output_.paused(Priority::normal) || !output_.ready(Priority::normal))) return Given::not_now;
  auto ticket = refuses ? pass_door(*unit) : output_.reserve(output_.cost(load_.event.size(), 1));
  if (!ticket && !refuses) return Given::not_now;
  if (!ticket) {
    ended(*unit, Fate::failed, fmt::format("refused ({})", info(ticket.error().reason).key));
    return Given::refused;
  }
  if (node_.acks == Level::accepted) unit->permit.ok();
  Receipt& receipt = unit.release()->receipt;
  receipt.owe(1);
  output_.add(load_.event, Priority::normal, &receipt, std::move(*ticket));
  output_.flush();
  receipt.done_reading();
  return Given::yes;
}

bool Inflow::feed() {
  bool any = false;
  while (!unread_.empty()) {
    const TimePoint due = unread_.front()->due;
    const Given given = give(unread_.front());
    if (given == Given::not_now) break;
    if (given == Given::yes) result_.longest_held = std::max(result_.longest_held, node_.context().now() - due);
    unread_.pop_front();
    any = true;
  }
  return any;
}

void Inflow::note_held() { result_.most_held = std::max<std::uint64_t>(result_.most_held, unread_.size()); }

void Inflow::ended(const Arrived& unit, Fate fate, const std::string& how) {
  const Duration took = node_.context().now() - unit.due;
  ++result_.ended[how];
  if (fate == Fate::stored) {
    result_.times.record(took);
    line_.stored(index_, took);
  } else if (!counts_as_stored(fate)) {
    line_.lost(index_, how);
  }
  result_.time_sum += seconds(took);
  due_ -= seconds(unit.due - began_);
  ++result_.settled;
  --inside_;
}

void Inflow::collect() {
  while (Receipt* receipt = settled_.first) {
    settled_.first = receipt->next;
    const std::unique_ptr<Arrived> unit(static_cast<Arrived*>(receipt->waiter));
    const Tally tally = receipt->tally();
    const Fate worst = tally.worst();
    if (counts_as_stored(worst)) {
      unit->permit.ok();
      ended(*unit, worst, std::string(name(worst)));
    } else {
      unit->permit.failed();
      ended(*unit, worst, fmt::format("{} ({})", name(worst), info(tally.reason).key));
    }
  }
}

void Inflow::end() {
  result_.time_unsettled = static_cast<double>(inside_) * seconds(node_.context().now() - began_) - due_;
}

}  // namespace weir::pipeline
