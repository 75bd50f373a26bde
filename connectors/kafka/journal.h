#pragma once
/// A topic as a journal: the same as a disk journal, on a cluster and for many instances. Changing `type: disk` to
/// `type: kafka` moves a flow there; README.md says what changes with it.
///
///   writer      the kafka sink; a record is a message, its priority a header, its time the message's
///   reader      the kafka source, in a group of its own for each consumer: instances of Weir share one, and its place
///   retention   the brokers': what they delete unread is counted as lost, and logged
///
/// An event's id comes from where it lies (topic, partition, offset), so that whatever is read again has the same one.
///
/// Thread: as Journal says. Cost: those of sink and source. Memory: those of sink and source, each declared.
#include <mutex>

#include "sink.h"
#include "source.h"

namespace weir::kafka {

class KafkaJournal final : public Journal, public std::enable_shared_from_this<KafkaJournal> {
 public:
  explicit KafkaJournal(const JournalSetup& setup);
  Result<void> check() const override;
  Result<void> open(std::span<const JournalConsumer> consumers) override;
  std::unique_ptr<Sink> writer() override;
  std::unique_ptr<Source> reader(std::string_view consumer) override;
  JournalStatus status() const override;
  void close() override {}

 private:
  class Reader;
  struct ConsumerEntry {
    JournalConsumer consumer;
    const Reader* reader = nullptr;  // while it lives
  };
  Result<SourceConfig> config_of(const JournalConsumer& consumer) const;

  const std::string name_;
  const Options options_;
  const Context& context_;
  mutable std::mutex mutex_;  // of who reads
  std::vector<ConsumerEntry> consumers_;
};

JournalType journal_type();

}  // namespace weir::kafka
