#include "journal/harness_for_test.h"

#include <algorithm>

namespace weir::journal {

LogConfig small_log(Durability durability) {
  LogConfig config;
  config.path = "data/ingest";
  config.segment = 16_KiB;
  config.max_bytes = 160_KiB;
  config.durability = durability;
  config.read_ahead = 4_KiB;
  config.largest_record = 64_KiB;
  return config;
}

Batch make_events(const std::vector<std::string>& events, Priority priority, std::uint64_t first_id) {
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

std::string event(std::uint64_t n, std::size_t length) {
  std::string text = "e" + std::to_string(n);
  text.resize(std::max(length, text.size()), '.');
  return text;
}

std::uint64_t number_in(std::string_view event) { return std::stoull(std::string(event.substr(1))); }

Result<void> write(Log& log, std::uint64_t from, std::uint64_t to, std::size_t length) {
  while (from < to) {
    std::vector<std::string> events;
    for (; from < to && events.size() < 50; ++from) events.push_back(event(from, length));
    if (auto r = log.write(Events(events).span()); !r) return r;
  }
  return {};
}

Read read_all(Log& log, const Position& from) {
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

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> all;
  for (auto n = from; n < to; ++n) all.push_back(n);
  return all;
}

std::unique_ptr<Log> LogHarness::open(const LogConfig& config) {
  auto log = Log::open(disk, config, context);
  EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().message);
  return log ? std::move(*log) : nullptr;
}

void StoppedJournal::SetUp() {
  auto log = open();
  ASSERT_TRUE(log->add_consumer({.name = "out"}));
  ASSERT_TRUE(write(*log, 1, 300));
  ASSERT_TRUE(log->close());
}

std::vector<std::string> StoppedJournal::codes(Disk& on) const {
  std::vector<std::string> codes;
  for (const auto& finding : check(on, folder, limits)->findings) codes.push_back(finding.code);
  return codes;
}

}  // namespace weir::journal
