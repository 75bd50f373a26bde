#pragma once
// What the journal's tests share: batches of events that say who they are, and a log read to its end.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "journal/disk_for_test.h"
#include "journal/inspect.h"
#include "journal/reader.h"

namespace weir::journal {

LogConfig small_log(Durability durability = Durability::commit);

Batch make_events(const std::vector<std::string>& events, Priority priority = Priority::normal,
                  std::uint64_t first_id = 1000);

/// Batches that must not be settled: the tests of the log have no receipts. They let go of their events at their end.
class Events {
 public:
  explicit Events(const std::vector<std::string>& events, Priority priority = Priority::normal,
                  std::uint64_t first_id = 1000) {
    batch_.push_back(make_events(events, priority, first_id));
  }
  explicit Events(const std::vector<std::vector<std::string>>& batches) {
    for (const auto& events : batches) batch_.push_back(make_events(events));
  }
  ~Events() {
    for (auto& batch : batch_) batch.dissolve();
  }
  Events(const Events&) = delete;
  std::span<const Batch> span() const { return batch_; }

 private:
  std::vector<Batch> batch_;
};

/// "e17" and so on, padded to a length.
std::string event(std::uint64_t n, std::size_t length = 100);
std::uint64_t number_in(std::string_view event);

/// In groups of at most 50.
Result<void> write(Log& log, std::uint64_t from, std::uint64_t to, std::size_t length = 100);

struct Read {
  std::vector<std::uint64_t> events;
  Reader::Losses losses;
  Position end;
};
Read read_all(Log& log, const Position& from = {});

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to);

struct LogHarness {
  PowerDisk disk;
  ManualClock clock;
  Context context{clock};
  std::unique_ptr<Log> open(const LogConfig& config = small_log());
};

/// A journal that has been stopped: events 1 to 299 in some segments of 16 KiB, and a consumer that has read none.
struct StoppedJournal : testing::Test, LogHarness {
  void SetUp() override;
  std::string path_of(std::uint64_t segment) const { return folder + "/" + numbered(segment, "segment"); }
  std::vector<std::string> codes(Disk& on) const;
  const std::string folder = "data/ingest";
  ReadLimits limits{4_KiB, 64_KiB};
};

}  // namespace weir::journal
