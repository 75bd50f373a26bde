#pragma once
/// Source `kafka`: a member of a consumer group. README.md has its guarantees.
///
/// Thread: that which starts the process; the poller and the intake have the rest. Cost: none while running.
#include <optional>

#include "intake.h"

namespace weir::kafka {

struct SourceConfig {
  PollerConfig poller;
  IntakeConfig intake;
};

/// Errors name the option.
Result<SourceConfig> read_source(const SourceSetup& setup);
/// How fast, how far ahead and how long: what readers of topics and of journals have in common.
std::vector<OptionSpec> reading_options();
std::vector<Footprint> reading_footprint(const Options& options);

class KafkaSource : public Source {
 public:
  KafkaSource(Result<SourceConfig> config, const Context& context);
  Result<void> check() const override;
  Result<void> open() override;
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override;
  std::string address() const override { return address_; }
  Result<std::string> on_hangup() override;
  Upstream upstream() const override { return poller_ ? poller_->upstream() : Upstream{}; }

 private:
  const Result<SourceConfig> config_;
  const Context& context_;
  std::string address_;
  Handoff handoff_;
  std::optional<Poller> poller_;
};

SourceType source_type();

}  // namespace weir::kafka
