"""The ways in which the engine could break its promises: each an edit that some test must notice.

A mutant is {name, file, text, instead, filter}: `text` stands exactly once in `file`. The gtest filter names the test
that is expected to fail; all belong to weir_pipeline_test.

Not here: "cursor past a gap" needs the journal and comes with it.
"""

MODEL = "Model.*"


def mutant(name, file, text, instead, test=MODEL):
    return {"name": name, "file": file, "text": text, "instead": instead, "filter": test}


MUTANTS = [
    mutant("early ack: what was not confirmed counts as stored", "engine/pipeline/worker.cc",
           "const bool again = delivery.outcome == Delivery::Outcome::again;",
           "const bool again = delivery.outcome == Delivery::Outcome::again && failures_ == 0;"),
    mutant("early ack: a fan-out owes for one branch only", "lib/weir/component/batch.cc",
           "if (receipt) receipt->owe(n);", "(void)receipt; (void)n;"),
    mutant("early ack: abandoned is told as stored", "engine/pipeline/worker.cc",
           "group_[b].settle(Fate::abandoned, endings);", "group_[b].settle(Fate::stored, endings);"),
    mutant("uncounted drop", "lib/weir/flow/queue/edge_book.cc",
           "  left(cls, load);\n  stats_.dropped[static_cast<std::size_t>(reason)] += load.events;",
           "  left(cls, load);\n  (void)reason;"),
    mutant("hold and wait: a fan-out asks one branch for room", "engine/pipeline/port.cc",
           "for (const Inlet* inlet : required_) n = std::min(n, inlet->room_for(flight.batch));",
           "if (!required_.empty()) n = std::min(n, required_.front()->room_for(flight.batch));"),
    mutant("critical is shed for others", "lib/weir/flow/queue/victims.cc",
           "config.reserved_for_high > 0 ? Class::normal : Class::high", "Class::critical"),
    mutant("ageing takes every turn", "lib/weir/flow/queue/lanes.h",
           "if (turns_ + 1 < boost_every) return by_class;", ""),
    mutant("adaptive LIFO serves the oldest", "lib/weir/flow/queue/lanes.h",
           "newest_first ? items(*top) - 1 : 0", "(static_cast<void>(newest_first), 0)"),
    mutant("adaptive LIFO without overload", "lib/weir/flow/queue/edge_impl.h",
           "adaptive && book_.paused()", "adaptive"),
    mutant("letters of what is shed take the room of dead letters", "lib/weir/flow/queue/edge.h",
           "return paused() ? Load{} : book_.room_beside(", "return book_.room_beside("),
    mutant("what a worker finds expired leaves no letter", "engine/pipeline/inlet.cc",
           "if (owner_ && share > 0) keep_shed(", "if (owner_ && share > 0 && reason != Reason::expired) keep_shed("),
    mutant("lost wake-up: looks for room without saying that it waits", "engine/pipeline/source_outlet.cc",
           "    arm();\n    progress = port_.push(", "    progress = port_.push("),
    mutant("lost wake-up: what expired wakes nobody", "engine/pipeline/inlet.cc",
           "(taken.any || !victims.empty())", "taken.any"),
    mutant("lost wake-up: the rest of a filtered prefix", "engine/pipeline/source_outlet.cc",
           "while (progress.sent > 0 && !l.stuck->empty()) {", "if (progress.sent > 0 && !l.stuck->empty()) {"),
    mutant("double settle: what moved is settled here too", "lib/weir/component/batch.cc",
           "if (receipt && !ending.moved)", "if (receipt)"),
    mutant("overshoot by a batch", "lib/weir/flow/queue/edge_impl.h",
           "const std::uint32_t n = item.prefix(book_.room_beside(item.cls(), beside));",
           "const std::uint32_t n = book_.room_beside(item.cls(), beside).empty() ? 0 : size(item);"),
    mutant("later events pass earlier ones", "engine/pipeline/source_outlet.cc",
           "if (l.open && !l.open->empty()) flush(l);", ""),
    mutant("dead letters count as stored", "engine/pipeline/worker.cc",
           "letter && rest == Fate::stored ? Fate::dead_lettered : rest", "(static_cast<void>(letter), rest)"),
    mutant("marks without a gap", "lib/weir/flow/queue/marks.h", "fill <= resume_at_) {", "fill < pause_at_) {"),
    mutant("the reserved part is open to all", "lib/weir/flow/queue/edge_book.cc",
           "if (config_.reserved_for_high <= 0 || cls >= Class::high)", "if (config_.reserved_for_high <= 0 || cls >= Class::batch)"),
    mutant("Retry-After of the other side is ignored", "lib/weir/flow/recover/destination.cc",
           "counts_.hold_until = std::max(counts_.hold_until, later(now, retry_after));", "(void)now;"),
    mutant("a stage sees the events of its first input only", "engine/pipeline/flow_build.cc",
           "inputs.push_back(input_of(step_of, from));", "if (inputs.empty()) inputs.push_back(input_of(step_of, from));"),
    mutant("a named output lets everything through", "engine/pipeline/flight.cc",
           "o.end == Outcome::End::emitted && o.output == input.output", "o.end == Outcome::End::emitted"),
    mutant("what grew behind a stage is asked room for as it came", "engine/pipeline/port.cc",
           "std::max(version.bytes.size(), flight.batch[i].size())",
           "std::min(version.bytes.size(), flight.batch[i].size())"),
    mutant("what a stage lost is told as filtered", "engine/pipeline/flight.cc",
           "none.fate = o.fate;", "none.fate = Fate::filtered;"),
    mutant("early ack: a window answers before its outputs are stored", "engine/pipeline/merge_node.cc",
           "  receipt.owe(1);\n  return &receipt;", "  static_cast<void>(receipt);\n  return nullptr;", "Merging.*"),
    mutant("early ack: a window does not wait for what is on its way to it", "engine/pipeline/merge_node.h",
           "return merged && *merged == attached;", "return merged.has_value();", "Merging.*"),
]
