#pragma once
/// A SourceOutput that keeps what it is given, can be closed and opened by the test, and notices a source that violates
/// the contract of source.h.
///
/// Thread: one. Cost: for tests.
#include <weir/component/source.h>

#include <string>
#include <vector>

namespace weir::conformance {

class FakeOutput : public SourceOutput {
 public:
  FakeOutput(const Context& context, Bytes budget) : context_(context), budget_(budget) {}

  // What a test sets and reads.
  bool is_paused = false;
  bool is_ready = true;
  std::vector<std::string> events;
  std::vector<Priority> priorities;
  std::vector<std::string> violations;
  std::uint64_t refusals = 0;
  Attributes read;                                     ///< what the flow behind it reads
  std::vector<std::shared_ptr<const Origin>> origins;  ///< of each event
  /// Makes it ready and not paused, and tells the intake, as the pipeline does.
  void make_room() {
    is_paused = false;
    is_ready = true;
    if (on_room) on_room();
  }
  Budget& budget() { return budget_; }

  Admitted<Ticket> admit(Bytes worst_case, Priority priority, flow::BriefHold::HeldUnit*) override {
    if (is_paused || !ready(priority)) return rejected(Reason::flow_full);
    return reserve(worst_case);
  }
  Admitted<Ticket> reserve(Bytes amount) override { return budget_.try_take(amount); }
  Bytes cost(std::size_t bytes, std::size_t count) const override { return block_size(bytes, count, count); }
  bool paused(Priority) const override { return is_paused; }
  bool ready(Priority) const override { return is_ready; }
  void push(Batch batch, Ticket) override {
    if (!is_ready) violations.emplace_back("push while not ready");
    for (std::uint32_t i = 0; i < batch.size(); ++i) keep(batch[i], batch.priority(), batch.info().origin);
    batch.settle(Fate::stored);
  }
  void add(std::string_view event, Priority priority, Receipt* receipt, Ticket part) override {
    if (!is_ready) violations.emplace_back("add while not ready");
    if (is_paused) violations.emplace_back("add while paused");
    if (part.amount() < cost(event.size(), 1)) violations.emplace_back("add without a ticket for its cost");
    keep(event, priority, nullptr);
    if (receipt) receipt->settle(1, Fate::stored);
  }
  void add_from(const std::shared_ptr<const Origin>& origin, std::string_view event, Priority priority,
                Receipt* receipt, Ticket part) override {
    add(event, priority, receipt, std::move(part));
    origins.back() = origin;
  }
  bool reads(Attribute attribute) const override { return read.has(attribute); }
  void flush() override {}
  bool has_dead_letters() const override { return false; }
  bool dead_letters_ready() const override { return false; }
  void dead_letter(std::string_view, Reason, std::string_view, std::optional<EventPosition>, Receipt*) override {
    violations.emplace_back("dead letter while not ready");
  }
  std::uint64_t next_ids(std::uint32_t n) override { return std::exchange(next_id_, next_id_ + n); }
  const Context& context() const override { return context_; }
  void refused(std::uint64_t count, Reason) override { refusals += count; }
  std::string_view why(Reason) const override { return "the test holds it up"; }

 private:
  void keep(std::string_view event, Priority priority, std::shared_ptr<const Origin> origin) {
    events.emplace_back(event);
    priorities.push_back(priority);
    origins.push_back(std::move(origin));
  }
  const Context& context_;
  Budget budget_;
  std::uint64_t next_id_ = 1;
};

}  // namespace weir::conformance
