#include <malloc.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include <algorithm>
#include <map>

namespace weir::conformance {
namespace {

constexpr std::uint64_t first_id = 1'700'000'000'000'000'000;

std::uint64_t allocated() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

/// One destination and the sinks opened on it one after the other.
class SinkTrial {
 public:
  SinkTrial(const SinkUnderTest& under_test, std::string what, std::vector<std::string>& problems)
      : under_test_(under_test), what_(std::move(what)), problems_(problems), options_(under_test.fresh()) {
    reopen();
  }
  ~SinkTrial() {
    if (sink_) sink_->close();
  }

  void reopen() {
    sink_ = under_test_.type.make({"under_test", options_, 0, context_});
    if (const auto opened = sink_->open(); !opened) problem("open: " + opened.error().message);
  }
  void close() {
    sink_->close();
    sink_.reset();
  }
  /// The state after a kill: nothing was closed.
  void crash() { sink_.reset(); }

  Delivery deliver(std::span<const Batch> batches) { return sink_->deliver(batches); }
  void deliver_all(std::span<const Batch> batches) {
    const auto delivery = deliver(batches);
    if (delivery.outcome != Delivery::Outcome::done) return problem("deliver is not done: " + delivery.error.message);
    if (!delivery.refused.empty()) problem("refuses an event: " + delivery.refused.front().why);
  }

  void expect(std::vector<std::string> texts, const char* when) {
    if (!under_test_.read_back) return;
    for (auto& text : texts) text = under_test_.as_stored(text);
    auto found = under_test_.read_back(options_);
    std::ranges::sort(texts);
    std::ranges::sort(found);
    if (found == texts) return;
    problem(std::string(when) + ": expected " + std::to_string(texts.size()) + " events and found " +
            std::to_string(found.size()) + first_difference(texts, found));
  }
  bool confirms() const { return under_test_.type.ack(options_) != SinkAck::sent; }
  const Options& options() const { return options_; }
  void problem(const std::string& text) { problems_.push_back(under_test_.type.name + ", " + what_ + ": " + text); }

 private:
  static std::string first_difference(const std::vector<std::string>& wanted, const std::vector<std::string>& found) {
    const auto [a, b] = std::ranges::mismatch(wanted, found);
    const auto shown = [](auto at, const auto& all) { return at == all.end() ? "nothing" : at->substr(0, 60); };
    return "; wanted " + shown(a, wanted) + ", found " + shown(b, found);
  }

  const SinkUnderTest& under_test_;
  std::string what_;
  std::vector<std::string>& problems_;
  Context context_;
  Options options_;
  std::unique_ptr<Sink> sink_;
};

Batch without_first(Batch batch, std::uint32_t n) {
  batch.split(n).settle(Fate::stored);
  return batch;
}

std::map<std::string, Delivered> shapes(Bytes largest) {
  std::map<std::string, Delivered> all;
  const auto id = first_id;
  all["one event"].add(batch_of(json_events("one", 1), id));
  all["1024 events"].add(batch_of(json_events("many", 1024), id));
  all["the largest event"].add(batch_of(json_events("large", 1, largest.count()), id));
  all["tiny events"].add(batch_of({"{}", "1", "\"x\"", "[]", "null"}, id));
  all["an array's layout"].add(batch_of(json_events("array", 700), id, Layout::array));
  all["the rest of a split"].add(without_first(batch_of(json_events("split", 10), id), 3));
  all["the rest of a split array"].add(without_first(batch_of(json_events("split", 10), id, Layout::array), 3));
  const std::vector<std::string> pretty{"{\n  \"id\": \"p-1\"\n}", R"({"id":"p-2"})", "{\r\n\"id\":\n\n\"p-3\"}"};
  all["line feeds in events"].add(batch_of(pretty, id));
  all["line feeds in an array"].add(batch_of(pretty, id, Layout::array));
  auto& several = all["several batches"];
  for (int i = 0; i < 40; ++i)
    several.add(batch_of(json_events("b" + std::to_string(i), static_cast<std::size_t>(1 + i % 7)),
                         id + static_cast<std::uint64_t>(100 * i), i % 3 ? Layout::lines : Layout::array));
  return all;
}

void check_shapes(const SinkUnderTest& sink, std::vector<std::string>& problems) {
  for (const auto& [name, batches] : shapes(sink.largest_event)) {
    SinkTrial trial(sink, name, problems);
    trial.deliver_all(batches);
    if (trial.confirms()) {
      trial.expect(batches.texts(), "before close");
      trial.crash();
    } else {
      trial.close();
    }
    trial.expect(batches.texts(), "afterwards");
    trial.reopen();
    trial.expect(batches.texts(), "opened again");
  }
}

void check_drain(const SinkUnderTest& sink, std::vector<std::string>& problems) {
  SinkTrial trial(sink, "drain", problems);
  trial.deliver_all({});
  trial.expect({}, "after a delivery of nothing");
  std::vector<std::string> all;
  for (std::uint64_t round = 0; round < 4; ++round) {
    const Delivered batches(batch_of(json_events("r" + std::to_string(round), 20), first_id + 100 * round));
    std::ranges::copy(batches.texts(), std::back_inserter(all));
    trial.deliver_all(batches);
    trial.deliver_all({});
    if (round == 1) {
      trial.close();
      trial.expect(all, "after close");
      trial.reopen();
    }
  }
  trial.close();
  trial.expect(all, "after opening again and close");
  trial.reopen();
}

void check_refusals(const SinkUnderTest& sink, std::vector<std::string>& problems) {
  for (const auto& bad : sink.refuses) {
    SinkTrial trial(sink, "refusal", problems);
    auto events = json_events("good", 4);
    const auto good = events;
    events.insert(events.begin() + 2, bad);
    const Delivered batches(batch_of(events, first_id));
    const auto delivery = trial.deliver(batches);
    if (delivery.outcome != Delivery::Outcome::done) trial.problem("the call is not done: " + delivery.error.message);
    if (delivery.refused.size() != 1 || delivery.refused[0].batch != 0 || delivery.refused[0].event != 2)
      trial.problem("does not refuse exactly event 2, which starts with " + bad.substr(0, 40));
    else if (delivery.refused[0].why.empty())
      trial.problem("does not say why it refuses");
    trial.close();
    trial.expect(good, "beside a refused event");
    trial.reopen();
  }
}

void check_idempotence(const SinkUnderTest& sink, std::vector<std::string>& problems) {
  if (!sink.type.idempotent) return;
  SinkTrial trial(sink, "idempotence", problems);
  const Delivered batches(batch_of(json_events("same", 200), first_id));
  trial.deliver_all(batches);
  trial.deliver_all(batches);
  trial.close();
  trial.reopen();
  trial.deliver_all(batches);
  trial.expect(batches.texts(), "delivered three times");
}

void check_footprint(const SinkUnderTest& sink, std::vector<std::string>& problems) {
  constexpr Load full{10'000, 1_MiB};
  const Delivered batches(batch_of(json_events("full", 5'000), first_id, Layout::array));
  const auto before = allocated();
  SinkTrial trial(sink, "footprint", problems);
  for (int i = 0; i < 3; ++i) trial.deliver_all(batches);
  const auto grown = allocated() - std::min(before, allocated());
  Bytes declared = 64_KiB;  // the trial itself
  for (const auto& part : sink.type.footprint(trial.options(), full)) declared += part.total();
  if (grown > declared.count())
    trial.problem("holds " + std::to_string(grown) + " bytes and declares " + std::to_string(declared.count()));
}

}  // namespace

std::vector<std::string> check_sink(const SinkUnderTest& sink) {
  std::vector<std::string> problems;
  check_shapes(sink, problems);
  check_drain(sink, problems);
  check_refusals(sink, problems);
  check_idempotence(sink, problems);
  check_footprint(sink, problems);
  return problems;
}

}  // namespace weir::conformance
