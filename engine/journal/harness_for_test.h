#pragma once
// What the journal's tests share: batches of events that say who they are, and a log read to its end.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "journal/disk_for_test.h"
#include "journal/inspect.h"
#include "journal/reader.h"

namespace weir::journal {

inline LogConfig small_log(Durability durability = Durability::commit) {
  LogConfig config;
  config.path = "data/ingest";
  config.segment = 16_KiB;
  config.max_bytes = 160_KiB;
  config.durability = durability;
  config.read_ahead = 4_KiB;
  config.largest_record = 64_KiB;
  return config;
}

inline Batch make_events(const std::vector<std::string>& events, Priority priority = Priority::normal,
                         std::uint64_t first_id = 1000) {
  std::string text;
  std::vector<Batch::Slot> index;
  for (const auto& event : events) {
    index.push_back({static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(event.size()),
                     static_cast<std::uint32_t>(index.size())});
    text += event + "\n";
  }
  const Batch::Run run{nullptr, static_cast<std::uint32_t>(events.size())};
  BatchInfo info;
  info.priority = priority;
  info.received_wall = WallTime(std::chrono::seconds(1'700'000'000));
  info.first_id = first_id;
  return make_batch(text, index, std::span(&run, 1), info, Ticket{}, false);
}

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
inline std::string event(std::uint64_t n, std::size_t length = 100) {
  std::string text = "e" + std::to_string(n);
  text.resize(std::max(length, text.size()), '.');
  return text;
}
inline std::uint64_t number_in(std::string_view event) { return std::stoull(std::string(event.substr(1))); }

/// In groups of at most 50.
inline Result<void> write(Log& log, std::uint64_t from, std::uint64_t to, std::size_t length = 100) {
  while (from < to) {
    std::vector<std::string> events;
    for (; from < to && events.size() < 50; ++from) events.push_back(event(from, length));
    if (auto r = log.write(Events(events).span()); !r) return r;
  }
  return {};
}

struct Read {
  std::vector<std::uint64_t> events;
  Reader::Losses losses;
  Position end;
};
inline Read read_all(Log& log, const Position& from = {}) {
  Reader reader(log, from);
  Read all;
  for (;;) {
    const auto record = reader.next();
    EXPECT_TRUE(record.has_value()) << (record ? "" : record.error().message);
    if (!record || !*record) break;
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < (*record)->header.events; ++i) {
      const auto length = (*record)->entry(i).length;
      all.events.push_back(number_in((*record)->text.substr(at, length)));
      at += length + 1;
    }
    reader.step();
  }
  all.losses = reader.take_losses();
  all.end = reader.position();
  return all;
}

inline std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (auto n = from; n < to; ++n) all.push_back(n);
  return all;
}

struct LogHarness {
  PowerDisk disk;
  ManualClock clock;
  Context context{clock};
  std::unique_ptr<Log> open(const LogConfig& config = small_log()) {
    auto log = Log::open(disk, config, context);
    EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().message);
    return log ? std::move(*log) : nullptr;
  }
};

/// A journal that has been stopped: events 1 to 299 in some segments of 16 KiB, and a consumer that has read none.
struct StoppedJournal : testing::Test, LogHarness {
  void SetUp() override {
    auto log = open();
    ASSERT_TRUE(log->add_consumer({.name = "out"}));
    ASSERT_TRUE(write(*log, 1, 300));
    ASSERT_TRUE(log->close());
  }
  std::string path_of(std::uint64_t segment) const { return folder + "/" + numbered(segment, "segment"); }
  std::vector<std::string> codes(Disk& on) const {
    std::vector<std::string> codes;
    for (const auto& finding : check(on, folder, limits)->findings) codes.push_back(finding.code);
    return codes;
  }
  const std::string folder = "data/ingest";
  ReadLimits limits{4_KiB, 64_KiB};
};

}  // namespace weir::journal
