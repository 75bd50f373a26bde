#include "rehearsal/rehearsal.h"

#include <simdjson.h>
#include <weir/component/expression/field_reader.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>

#include "pipeline/entry/merge_intake.h"
#include "pipeline/entry/reactor_output.h"
#include "pipeline/graph/flow.h"

namespace weir::pipeline {
namespace {

// From a ManualClock's beginning to a round day.
constexpr Duration to_midnight = std::chrono::seconds(1'700'006'400 - 1'700'000'001);
// While something waits for time it is not known until when, so time moves in small steps: small enough for a throttle
// of up to 10 000/s, and a day takes seconds.
constexpr Duration finest = std::chrono::microseconds(100), coarsest = std::chrono::milliseconds(10);
constexpr Duration::rep steps_at_least = 1'000'000;

class Collector final : public Sink {
 public:
  explicit Collector(std::vector<Rehearsed::Event>& into) : into_(into) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override {
    for (const Batch& batch : batches)
      for (std::uint32_t i = 0; i < batch.size(); ++i) into_.push_back({std::string(batch[i]), batch.priority()});
    return {};
  }

 private:
  std::vector<Rehearsed::Event>& into_;
};

/// An event of the case, on its way into the flow.
struct Unit final : ReceiptOwner {
  void on_settled(Receipt&) noexcept override {}
  Receipt receipt{*this};
  std::string event;
  Priority priority = Priority::normal;
  std::string malformed;  ///< why it goes to its source's dead letters
};

/// A source, or what comes out of a merging stage.
struct Entry {
  Entry(SourceNode& n, boost::asio::io_context& io, Bytes batch_bytes) : node(n), output(n, io, batch_bytes) {}
  SourceNode& node;
  ReactorOutput output;
  std::unique_ptr<MergeIntake> merge;
  MergeNode* merging = nullptr;
  const config::Source* source = nullptr;
  std::optional<FieldReader> priority_of;
  std::deque<Unit*> unread;
};

/// A journal on given time: what it is given is collected, and goes on to its consumers.
class Passage final : public Sink {
 public:
  using PassOn = std::function<void(std::span<const Batch>)>;
  Passage(std::vector<Rehearsed::Event>& into, PassOn pass_on) : collector_(into), pass_on_(std::move(pass_on)) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override {
    pass_on_(batches);
    return collector_.deliver(batches);
  }

 private:
  Collector collector_;
  PassOn pass_on_;
};

class Play {
 public:
  Play(const config::Config& config, const Catalog& catalog);
  ~Play();
  void step(const config::TestStep& step);
  void finish();
  Rehearsed result();

 private:
  void enter(const config::TestStep& step);
  void advance(Duration d);
  Duration drain(Duration most);
  void pass(Duration d);
  void settle();
  void turn();
  void feed(Entry& entry);
  bool give(ReactorOutput& output, Unit& unit);
  bool waits();
  std::uint64_t moved();
  int depth(std::string_view part) const;
  void pass_on(std::string_view journal, std::span<const Batch> batches);
  void add_sources();
  void add_merges();
  void add_sinks();

  const config::Config& config_;
  ManualClock clock_;
  Context context_{clock_};
  std::deque<Unit> units_;  // their receipts outlive all that may settle them
  std::deque<Unit> read_;   // what consumers of journals read, without receipts
  boost::asio::io_context io_;
  Flow flow_;
  Rehearsed rehearsed_;
  std::deque<Entry> entries_;  // sources, then merging stages, upstream first
  std::vector<std::unique_ptr<Worker>> workers_;
};

/// A rehearsal touches no disk: what would spill waits.
config::Config in_memory(config::Config config) {
  for (auto& sink : config.sinks)
    if (sink.spills()) sink.queue.when_full = flow::WhenFull::block;
  return config;
}

Play::Play(const config::Config& config, const Catalog& catalog)
    : config_(config), flow_(in_memory(config), catalog, context_) {
  clock_.advance(to_midnight);
  add_sources();
  add_merges();
  add_sinks();
}

Play::~Play() {
  for (auto& worker : workers_) worker->abandon();
  for (const auto& sink : config_.sinks) flow_.sink(sink.name).queue.abandon();
  for (Entry& entry : entries_) entry.output.abandon();
  for (Entry& entry : entries_)
    if (entry.merging) entry.merging->abandon();
  for (auto& worker : workers_) worker->step();
}

void Play::add_sources() {
  for (const auto& source : config_.sources) {
    Entry& entry = entries_.emplace_back(flow_.source(source.name), io_, config_.batch_bytes);
    entry.source = &source;
    if (!source.priorities.from_body()) continue;
    if (auto reader = FieldReader::compile(source.priorities.path)) entry.priority_of.emplace(std::move(*reader));
  }
}

/// How far a part is from the sources.
int Play::depth(std::string_view part) const {
  const auto stage = std::ranges::find(config_.stages, config::part_of(part), &config::Stage::name);
  int deepest = 0;
  if (stage == config_.stages.end()) return deepest;
  for (const auto& from : stage->from) deepest = std::max(deepest, depth(from));
  return deepest + 1;
}

void Play::add_merges() {
  std::vector<std::pair<int, std::string>> merges;
  for (const auto& stage : config_.stages)
    if (stage.merges()) merges.emplace_back(depth(stage.name), stage.name);
  std::ranges::sort(merges);
  for (const auto& [depth, name] : merges) {
    Flow::MergeStage& merge = flow_.merge_stage(name);
    Entry& entry = entries_.emplace_back(merge.origin, io_, config_.batch_bytes);
    entry.merging = merge.stage.merge.get();
    entry.merge = std::make_unique<MergeIntake>(*entry.merging, io_, entry.output);
  }
}

void Play::add_sinks() {
  for (const auto& sink : config_.sinks) rehearsed_.sinks.push_back({sink.name, {}, sink.is_journal});
  for (auto& sink : rehearsed_.sinks) {
    SinkNode& node = flow_.sink(sink.name);
    std::unique_ptr<Sink> end = std::make_unique<Collector>(sink.events);
    if (sink.is_journal)
      end = std::make_unique<Passage>(sink.events, [this, &sink](auto batches) { pass_on(sink.name, batches); });
    workers_.push_back(std::make_unique<Worker>(node, std::move(end), context_));
    if (node.dead_letters) node.dead_letters->queue.add_listener(*workers_.back());
  }
}

void Play::pass_on(std::string_view journal, std::span<const Batch> batches) {
  for (Entry& entry : entries_) {
    if (!entry.source || entry.source->journal != journal) continue;
    for (const Batch& batch : batches)
      for (std::uint32_t i = 0; i < batch.size(); ++i) {
        Unit& unit = read_.emplace_back();
        unit.event = batch[i];
        unit.priority = batch.priority();
        entry.unread.push_back(&unit);
      }
  }
}

void Play::step(const config::TestStep& step) {
  if (step.into.empty())
    advance(step.advance);
  else
    enter(step);
}

void Play::enter(const config::TestStep& step) {
  const auto entry =
      std::ranges::find_if(entries_, [&](const Entry& e) { return e.source && e.source->name == step.into; });
  WEIR_CHECK(entry != entries_.end());
  const config::Source& source = *entry->source;
  Unit& unit = units_.emplace_back();
  unit.event = step.event;
  unit.priority = source.priorities.fallback;
  const simdjson::padded_string padded(step.event);
  if (entry->priority_of)
    if (const auto value = entry->priority_of->text(padded)) unit.priority = source.priorities.of(*value);
  if (step.priority) unit.priority = *step.priority;
  if (source.on_malformed == config::Source::OnMalformed::dead_letter && entry->output.has_dead_letters()) {
    simdjson::dom::parser parser;
    if (const auto error = parser.parse(padded).error()) unit.malformed = simdjson::error_message(error);
  }
  entry->unread.push_back(&unit);
  settle();
}

void Play::advance(Duration d) {
  const Duration fine = std::clamp(d / steps_at_least, finest, coarsest);
  while (d > Duration{0}) {
    Duration step = waits() ? std::min(d, fine) : d;
    for (const Entry& entry : entries_)
      if (entry.merging)
        if (const auto next = entry.merging->merger().next(context_.now()))
          step = std::min(step, std::max(*next, fine));
    pass(step);
    d -= step;
  }
}

void Play::pass(Duration d) {
  clock_.advance(d);
  settle();
}

/// What is left of the time it may take.
Duration Play::drain(Duration most) {
  const Duration fine = std::clamp(most / steps_at_least, finest, coarsest);
  while (most > Duration{0} && waits()) {
    pass(fine);
    most -= fine;
  }
  return most;
}

void Play::finish() {
  Duration left = drain(config_.drain_deadline);
  for (Entry& entry : entries_) {
    if (!entry.merge) continue;
    entry.merge->stop(Duration{0});
    settle();
    left = drain(left);
  }
}

/// Moves everything that can move without time.
void Play::settle() {
  for (std::uint64_t before = 0, after = moved() + 1; after != before;) {
    before = moved();
    turn();
    after = moved();
  }
}

void Play::turn() {
  for (Entry& entry : entries_) {
    feed(entry);
    entry.output.on_room_now();
    if (entry.merge) entry.merge->turn();
  }
  io_.restart();
  io_.poll();
  for (auto& worker : workers_)
    while (worker->step().need == Worker::Need::nothing) {
    }
}

void Play::feed(Entry& entry) {
  while (!entry.unread.empty() && give(entry.output, *entry.unread.front())) {
    entry.unread.pop_front();
    entry.output.flush();
  }
}

/// False: its source would not read it now.
bool Play::give(ReactorOutput& output, Unit& unit) {
  const bool dead = !unit.malformed.empty();
  if (dead ? !output.dead_letters_ready() : output.paused(unit.priority) || !output.ready(unit.priority)) return false;
  auto ticket = output.reserve(output.cost(unit.event.size(), 1));
  if (!ticket) return false;
  unit.receipt.owe(1);
  if (dead)
    output.dead_letter(unit.event, Reason::malformed, unit.malformed, std::nullopt, &unit.receipt);
  else
    output.add(unit.event, unit.priority, &unit.receipt, std::move(*ticket));
  unit.receipt.done_reading();
  return true;
}

bool Play::waits() {
  return std::ranges::any_of(entries_, [](const Entry& e) { return !e.unread.empty() || e.output.pending() > 0; }) ||
         std::ranges::any_of(config_.sinks, [this](const auto& sink) {
           SinkNode& node = flow_.sink(sink.name);
           return !node.queue.empty() || node.in_hand.load() > 0;
         });
}

/// Grows with every move.
std::uint64_t Play::moved() {
  std::uint64_t sum = 0;
  const auto add = [&](const NodeCounters& counters) {
    sum += counters.in.load() + counters.emitted.load();
    for (const auto& n : counters.consumed) sum += n.load();
  };
  for (const Entry& entry : entries_) add(entry.node.counters);
  for (const auto& sink : config_.sinks) add(flow_.sink(sink.name).counters);
  return sum;
}

Rehearsed Play::result() {
  const auto add = [this](std::optional<Fate> fate, Reason reason, std::uint64_t n) {
    if (n == 0) return;
    auto& all = rehearsed_.fates;
    auto at = std::ranges::find_if(all, [&](const auto& e) { return e.fate == fate && e.reason == reason; });
    if (at == all.end()) at = all.insert(at, {fate, reason, 0});
    at->count += n;
  };
  for (const Unit& unit : units_) {
    const Tally tally = unit.receipt.tally();
    for (int i = 0; i < fate_count; ++i) {
      const auto fate = static_cast<Fate>(i);
      add(fate, counts_as_stored(fate) ? Reason{} : tally.reason, tally.of(fate));
    }
    add(std::nullopt, Reason{}, unit.receipt.pending());
  }
  return rehearsed_;
}

}  // namespace

std::uint64_t Rehearsed::count(std::optional<Fate> fate, std::optional<Reason> reason) const {
  std::uint64_t sum = 0;
  for (const Ended& each : fates)
    if (each.fate == fate && (!reason || each.reason == *reason)) sum += each.count;
  return sum;
}

Rehearsed rehearse(const config::Config& config, const Catalog& catalog, const config::TestCase& test) {
  Play play(config, catalog);
  for (const auto& step : test.steps) play.step(step);
  if (test.finish) play.finish();
  return play.result();
}

}  // namespace weir::pipeline
