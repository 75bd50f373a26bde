#pragma once
/// Sink `blackhole`: takes everything and keeps nothing, with the configured speed and faults. README.md has its
/// options. Tests hold it up and read its counters through `control(name)`.
///
/// Thread: one worker a Sink object; workers of one sink share a control. Cost: what is configured. On cancel: `close`
/// (any thread) ends every wait; a delivery that hangs ends after 1 s by itself.
#include <weir/component/catalog.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace weir::blackhole {

/// For tests: what one sink, found by its name, is doing; and two switches.
struct BlackholeControl {
  std::atomic<bool> stalled{false};  ///< deliveries hang
  std::atomic<bool> failing{false};  ///< deliveries fail in the way of option `error`
  std::atomic<std::uint64_t> calls{0}, delivered{0}, refused{0}, failed_calls{0}, bytes{0};
};

/// The control of the sink of this name, the same in the whole process, made when first asked for. At most 64 names;
/// null for a 65th.
BlackholeControl* control(std::string_view name);

struct BlackholeConfig {
  std::optional<PerSecond> rate{};
  Duration delay{0};
  std::optional<std::uint64_t> stall_after{};
  std::optional<Duration> stall_for{};  ///< absent: until the end
  double error_rate = 0;
  enum class Error : std::uint8_t { again, failed, refused } error = Error::again;
  std::uint64_t seed = 1;
};

class Blackhole final : public Sink {
 public:
  Blackhole(std::string name, const BlackholeConfig& config, const Context& context);

  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override;
  void close() override;

 private:
  bool stalled(TimePoint now);
  /// False: closed before the time came.
  bool wait_until(TimePoint when);
  Delivery fault();
  void refuse_some(std::span<const Batch> batches, Delivery& delivery);

  std::string name_;
  BlackholeConfig config_;
  const Context& context_;
  BlackholeControl own_;  // when there is no room in the registry
  BlackholeControl& control_;
  Rng rng_;
  std::uint64_t taken_ = 0;
  TimePoint free_at_{};  // when what was served so far has taken its time
  std::optional<TimePoint> stall_ends_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closed_ = false;
};

void add_to(Catalog& catalog);

}  // namespace weir::blackhole
