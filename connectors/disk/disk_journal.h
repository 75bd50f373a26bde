#pragma once
/// The journal on this machine's disk: a Log, its writer as a sink, its consumers as sources, and a keeper: a thread
/// that once a second saves cursors, syncs what is due and gives up segments that are not needed any more.
///
/// Thread: as Journal says; the keeper is its own. Cost: a wake-up a second. On cancel: `close` saves a last time.
#include <weir/component/catalog.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "journal/log.h"

namespace weir::disk {

class DiskJournal final : public Journal, public std::enable_shared_from_this<DiskJournal> {
 public:
  /// `forget`: consumers that nobody reads by any more.
  DiskJournal(std::string name, journal::LogConfig config, const Context& context, journal::Disk& disk,
              std::vector<std::string> forget = {});
  ~DiskJournal() override;
  Result<void> check() const override;
  Result<void> open(std::span<const JournalConsumer> consumers) override;
  std::unique_ptr<Sink> writer() override;
  std::unique_ptr<Source> reader(std::string_view consumer) override;
  JournalStatus status() const override;
  void close() override;

  journal::Log& log() { return *log_; }
  const std::string& name() const { return name_; }
  /// Sleeps until something was given up, `until_cancelled` says so, or the time has passed.
  void wait_for_room(Duration most, const std::atomic<bool>& cancelled);
  void wake_writer();

  /// Told by the intake of a consumer: when the oldest event that has not settled came in; 0: there is none.
  struct ConsumerAge {
    journal::Consumer* consumer;
    std::atomic<std::int64_t> oldest_wall{0};
    explicit ConsumerAge(journal::Consumer* c) : consumer(c) {}
  };

 private:
  Result<void> forget_consumers();
  void keep();
  void look_at_growth();

  const std::string name_;
  const journal::LogConfig config_;
  const std::vector<std::string> forget_;
  const Context& context_;
  journal::Disk& disk_;
  std::unique_ptr<journal::Log> log_;
  std::vector<std::unique_ptr<ConsumerAge>> ages_;
  std::mutex mutex_;
  std::condition_variable keeper_wakes_, room_;
  bool closing_ = false;
  TimePoint looked_{};
  std::uint64_t bytes_then_ = 0;
  std::atomic<double> growth_{0};  // bytes a second, over about a minute
  std::thread keeper_;
};

/// What the options say.
journal::LogConfig log_config(const Options& options);

}  // namespace weir::disk
