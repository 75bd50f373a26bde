#include "generator.h"

#include <fmt/format.h>
#include <weir/async/reactor_task.h>

#include <atomic>

namespace weir::generator {
namespace {

constexpr auto tick = std::chrono::milliseconds(5);
constexpr std::uint64_t most_a_turn = 4096;  // so that a reactor still does its other work at a high rate

class GeneratorIntake final : public Intake {
 public:
  GeneratorIntake(const GeneratorConfig& config, const IntakeSetup& setup, std::shared_ptr<std::atomic<bool>> over)
      : over_(std::move(over)),
        output_(setup.output),
        schedule_(config.steps),
        maker_(config.size, config.mix, config.seed),
        count_(config.count.value_or(UINT64_MAX)),
        idle_(setup.index != 0),
        ticks_(setup.reactor, [this] {
          turn();
          if (!idle_) ticks_.sleep(tick);
        }) {}
  ~GeneratorIntake() override { output_.on_room = nullptr; }

  void start() override {
    if (idle_) return;
    output_.on_room = [this] { turn(); };
    schedule_.due(output_.context().now());
    ticks_.sleep(tick);
  }
  void stop(Duration) override {
    idle_ = true;
    ticks_.cancel_sleep();
  }
  void abandon() override { stop({}); }
  bool quiet() const override { return idle_; }

 private:
  void turn() {
    if (idle_) return;
    const auto now = output_.context().now();
    if (held_up_) schedule_.forget_until(now);
    held_up_ = false;
    due_ = std::min(due_ + schedule_.due(now), most_a_turn);
    while (due_ > 0 && give()) --due_;
    if (due_ > 0) {
      held_up_ = true;
      due_ = 0;
    }
    output_.flush();
    if (all_given_) over_->store(true, std::memory_order_release);
  }

  /// False: it cannot go now (the event stays made), or the last one has gone.
  bool give() {
    if (!waiting_) {
      if (maker_.made() == count_) {
        idle_ = all_given_ = true;
        return false;
      }
      maker_.next();
      waiting_ = true;
    }
    if (output_.paused(maker_.priority()) || !output_.ready(maker_.priority())) return false;
    auto ticket = output_.reserve(output_.cost(maker_.text().size(), 1));
    if (!ticket) return false;
    output_.add(maker_.text(), maker_.priority(), nullptr, std::move(*ticket));
    waiting_ = false;
    return true;
  }

  const std::shared_ptr<std::atomic<bool>> over_;  // the last event has been given
  SourceOutput& output_;
  Schedule schedule_;
  Maker maker_;
  std::uint64_t count_;
  std::uint64_t due_ = 0;
  bool waiting_ = false;  // the maker's event has not gone yet
  bool held_up_ = false, all_given_ = false;
  std::atomic<bool> idle_;
  async::ReactorTask ticks_;
};

class GeneratorSource final : public Source {
 public:
  GeneratorSource(std::string name, Result<GeneratorConfig> config)
      : name_(std::move(name)), config_(std::move(config)) {}
  Result<void> check() const override {
    if (config_) return {};
    return failure(fmt::format("source {}: {}", name_, config_.error().message));
  }
  Result<void> open() override { return check(); }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    return std::make_unique<GeneratorIntake>(*config_, setup, over_);
  }
  bool at_end() const override { return config_ && config_->stops_at_end && over_->load(std::memory_order_acquire); }

 private:
  std::string name_;
  Result<GeneratorConfig> config_;
  const std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

Result<GeneratorConfig> read_config(const Options& options) {
  GeneratorConfig config;
  config.size = options.get_or<Bytes>("size", 200_B);
  config.seed = options.get_or<std::uint64_t>("seed", 1);
  if (options.has("count")) config.count = options.count("count");
  config.stops_at_end = options.get_or<std::string>("at_end", "stop") == "stop";
  auto mix = parse_mix(options.get_or<std::string>("priorities", "normal=1"));
  if (!mix) return std::unexpected(mix.error());
  config.mix = *mix;
  auto steps = parse_steps(options.get_or<std::vector<std::string>>("steps", {}));
  if (!steps) return std::unexpected(steps.error());
  config.steps = std::move(*steps);
  if (config.steps.empty())
    config.steps.push_back({Duration::max(), options.get_or<PerSecond>("rate", PerSecond{1000})});
  return config;
}

void add_to(Catalog& catalog) {
  SourceType type;
  type.name = "generator";
  type.summary = "makes JSON events at a rate, for trying things out";
  type.options = {
      {.name = "rate", .kind = OptionKind::rate, .fallback = "1000/s", .help = "Events a second."},
      {.name = "steps",
       .kind = OptionKind::texts,
       .help = "Rates over time instead: [\"10s:1000/s\", \"5s:8000/s\"]; the last goes on."},
      {.name = "size", .kind = OptionKind::size, .fallback = "200B", .help = "Bytes an event, about."},
      {.name = "count", .kind = OptionKind::count, .help = "Makes no more than so many events."},
      {.name = "at_end",
       .kind = OptionKind::choice,
       .fallback = "stop",
       .help = "With count. stop: when the input of every source has ended and is delivered, the run is over. wait: it "
               "goes on.",
       .choices = {"stop", "wait"}},
      {.name = "priorities", .fallback = "normal=1", .help = "Shares of the priorities: critical=1,normal=8,batch=1."},
      {.name = "seed",
       .kind = OptionKind::count,
       .fallback = "1",
       .help = "Of the ids and the mix: the same seed, the same events."},
  };
  type.can = {.can_pause = true, .can_refuse = false, .can_replay = false};
  type.strongest = Level::accepted;
  type.footprint = [](const Options& options, int) {
    const auto size = options.get_or<Bytes>("size", 200_B);
    return std::vector{
        Footprint{.fixed = 8_KiB, .per_unit = size * 2 + 128_B, .max_units = 1, .unit = "event being made"}};
  };
  type.make = [](const SourceSetup& setup) {
    return std::make_unique<GeneratorSource>(setup.name, read_config(setup.options));
  };
  catalog.add(std::move(type));
}

}  // namespace weir::generator
