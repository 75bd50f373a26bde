#pragma once
/// flow::MachinePressure as a guard: looks at the machine and at the reactors that answer four times a second, when
/// somebody arrives, and refuses the
/// priorities that are shed: {overloaded, the time until that priority can be let in again at the earliest}.
///
/// What cannot be read is said once, in the log, and by `weir why`: it is not taken for "no pressure".
///
/// Thread: any; one lock, and who finds it held does not look. Cost: two atomic loads; 0.1 ms four times a second. On
/// cancel: its permits are empty.
#include <weir/async/guard.h>
#include <weir/base/context.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "guards/machine_reader.h"

namespace weir::guards {

class PressureGuard final : public async::Guard {
 public:
  /// `kind` and `name` are what warnings begin with; they must outlive this.
  PressureGuard(const flow::MachinePressureConfig& config, std::string_view kind, std::string_view name,
                const Context& context, MachineReader reader = MachineReader());

  [[nodiscard]] Admitted<async::Permit> try_start(const async::Arrival& arrival) override;
  /// How late the reactors are that answer here, the worst of them; before anybody arrives. Without it that is unknown.
  using ReactorLag = std::function<std::optional<Duration>(TimePoint now)>;
  bool wants_reactor_lag() const;
  void set_reactor_lag(ReactorLag lag) { reactor_lag_ = std::move(lag); }
  flow::MachinePressureFacts facts() const;

 private:
  void look_if_due(TimePoint now);
  void say_what_is_unknown(const flow::MachineReading& reading);

  const flow::MachinePressureConfig config_;
  const std::string_view kind_, name_;
  const Context& context_;
  const MachineReader reader_;
  ReactorLag reactor_lag_;
  std::atomic<Duration::rep> next_look_{0};
  std::atomic<std::uint8_t> refused_below_{0};
  mutable std::mutex mutex_;
  flow::MachinePressure pressure_;
  std::array<bool, flow::machine_resources> said_{};
};

/// "memory 95 % of 92 %": what there is most pressure of.
std::string words_of(const flow::MachinePressureFacts& facts);

}  // namespace weir::guards
