#include <weir/component/conformance/fake_outlet.h>
#include <weir/component/conformance/source_check.h>

#include <boost/asio/io_context.hpp>
#include <set>

namespace weir::conformance {
namespace {

constexpr int most_steps = 5'000;

class SourceTrial {
 public:
  SourceTrial(const SourceUnderTest& under_test, std::vector<std::string>& problems)
      : under_test_(under_test),
        problems_(problems),
        context_(clock_),
        output_(context_, 1_MiB),
        source_(under_test.type.make({"under_test", under_test.options, Level::accepted, {}, context_})) {
    if (const auto opened = source_->open(); !opened) problem("open: " + opened.error().message);
    intake_ = source_->intake({reactor_, 0, output_});
    intake_->start();
  }
  ~SourceTrial() {
    intake_.reset();
    for (const auto& violation : output_.violations) problem(violation);
    if (output_.budget().used().count()) problem("does not give back what it reserved");
  }

  void step() {
    under_test_.step(clock_);
    reactor_.restart();
    reactor_.run_for(std::chrono::milliseconds(3));
  }
  template <typename Done>
  bool run_until(Done done) {
    for (int i = 0; i < most_steps && !done(); ++i) step();
    return done();
  }
  void expect_nothing_comes(const std::string& when) {
    const auto before = output_.events.size();
    for (int i = 0; i < 20; ++i) step();
    if (output_.events.size() != before) problem("brings events " + when);
  }
  void expect_all() {
    if (!run_until([&] { return output_.events.size() >= under_test_.events; })) problem("does not bring all events");
    expect_nothing_comes("beyond its count");
    const std::set<std::string> distinct(output_.events.begin(), output_.events.end());
    if (distinct.size() != output_.events.size()) problem("doubles events");
    if (output_.events.size() != under_test_.events)
      problem("brings " + std::to_string(output_.events.size()) + " events");
  }
  void problem(const std::string& text) { problems_.push_back(under_test_.type.name + ": " + text); }

  FakeOutput& output() { return output_; }
  Intake& intake() { return *intake_; }

 private:
  const SourceUnderTest& under_test_;
  std::vector<std::string>& problems_;
  ManualClock clock_;
  Context context_;
  boost::asio::io_context reactor_;
  FakeOutput output_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Intake> intake_;
};

void check_pauses(const SourceUnderTest& source, std::vector<std::string>& problems) {
  SourceTrial trial(source, problems);
  auto& output = trial.output();
  for (int round = 1; round <= 4; ++round) {
    const auto goal = source.events * static_cast<std::size_t>(round) / 5;
    trial.run_until([&] { return output.events.size() >= goal; });
    (round % 2 ? output.is_paused : output.is_ready) = round % 2;
    trial.expect_nothing_comes(round % 2 ? "while paused" : "while not ready");
    output.make_room();
  }
  trial.expect_all();
}

void check_memory(const SourceUnderTest& source, std::vector<std::string>& problems) {
  SourceTrial trial(source, problems);
  auto all = trial.output().budget().try_take(1_MiB);
  if (!all) return trial.problem("holds memory before it has anything to read");
  trial.expect_nothing_comes("without memory");
  all->give_back();
  trial.output().make_room();
  trial.expect_all();
}

void check_stop(const SourceUnderTest& source, std::vector<std::string>& problems) {
  SourceTrial trial(source, problems);
  trial.run_until([&] { return !trial.output().events.empty(); });
  trial.output().is_ready = false;
  for (int i = 0; i < 5; ++i) trial.step();
  trial.intake().stop(std::chrono::seconds(1));
  trial.output().make_room();
  trial.expect_nothing_comes("after stop");
  // It may have a place to save first, on a disk that is slow.
  if (!trial.run_until([&] { return trial.intake().quiet(); })) trial.problem("is not quiet after stop");
  trial.intake().abandon();
}

}  // namespace

std::vector<std::string> check_source(const SourceUnderTest& source) {
  std::vector<std::string> problems;
  check_pauses(source, problems);
  check_memory(source, problems);
  check_stop(source, problems);
  return problems;
}

}  // namespace weir::conformance
