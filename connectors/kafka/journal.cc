#include "journal.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::kafka {
namespace {

/// The priority each event had when it was written.
PriorityRule written_priorities() {
  PriorityRule rule;
  rule.header = EnvelopeMaker::priority_header;
  rule.map = {
      {"batch", Priority::batch}, {"low", Priority::low}, {"high", Priority::high}, {"critical", Priority::critical}};
  return rule;
}

}  // namespace

class KafkaJournal::Reader final : public KafkaSource {
 public:
  Reader(std::shared_ptr<KafkaJournal> journal, std::size_t place)
      : KafkaSource(journal->config_of(journal->consumers_[place].consumer), journal->context_),
        journal_(std::move(journal)),
        place_(place) {}
  ~Reader() override { be_seen(nullptr); }
  Result<void> open() override {
    auto opened = KafkaSource::open();
    if (opened) be_seen(this);
    return opened;
  }

 private:
  void be_seen(const Reader* as) {
    const std::lock_guard lock(journal_->mutex_);
    journal_->consumers_[place_].reader = as;
  }
  const std::shared_ptr<KafkaJournal> journal_;
  const std::size_t place_;
};

KafkaJournal::KafkaJournal(const JournalSetup& setup)
    : name_(setup.name), options_(setup.options), context_(setup.context) {}

Result<SourceConfig> KafkaJournal::config_of(const JournalConsumer& consumer) const {
  Options options = options_;
  const auto prefix = options_.get_or<std::string>("group", "weir." + name_);
  options.set("topics", std::vector{options_.text("topic")});
  options.set("group", fmt::format("{}.{}", prefix, consumer.name));
  options.set("start", std::string(consumer.from_newest ? "latest" : "earliest"));
  options.set("max_event", options_.get_or<Bytes>("max_message", 1_MiB));
  auto config = read_source({.name = fmt::format("{}.{}", name_, consumer.name),
                             .options = options,
                             .acks = Level::stored,
                             .priorities = written_priorities(),
                             .context = context_});
  if (config) config->intake.recorded = true;
  return config;
}

Result<void> KafkaJournal::check() const {
  if (auto fit = KafkaSink(read_producer("journal " + name_, options_), context_).check(); !fit) return fit;
  return KafkaSource(config_of({.name = "consumer"}), context_).check();
}

Result<void> KafkaJournal::open(std::span<const JournalConsumer> consumers) {
  for (const auto& consumer : consumers) {
    if (auto config = config_of(consumer); !config) return std::unexpected(config.error());
    consumers_.push_back({consumer});
  }
  return {};
}

std::unique_ptr<Sink> KafkaJournal::writer() {
  auto config = read_producer("journal " + name_, options_);
  if (config) config->keep_priorities = true;
  return std::make_unique<KafkaSink>(std::move(config), context_);
}

std::unique_ptr<Source> KafkaJournal::reader(std::string_view consumer) {
  const auto place = std::ranges::find(consumers_, consumer,
                                       [](const ConsumerEntry& p) -> std::string_view { return p.consumer.name; });
  WEIR_CHECK(place != consumers_.end());
  return std::make_unique<Reader>(shared_from_this(), static_cast<std::size_t>(place - consumers_.begin()));
}

JournalStatus KafkaJournal::status() const {
  JournalStatus status;
  status.name = name_;
  status.type = "kafka";
  status.path = "topic " + options_.text("topic");
  const std::lock_guard lock(mutex_);
  for (const ConsumerEntry& place : consumers_) {
    JournalStatus::Consumer consumer;
    consumer.name = place.consumer.name;
    consumer.holds = place.consumer.holds;
    std::uint64_t first = 0, end = 0;
    if (place.reader)
      for (const auto& lag : place.reader->upstream().lags) {
        first += lag.first;
        end += lag.end;
        consumer.lag_events += lag.events;
        consumer.lag = std::max(consumer.lag, lag.age);
      }
    consumer.position = end - consumer.lag_events;
    status.first = std::max(status.first, first);
    status.end = std::max(status.end, end);
    status.consumers.push_back(std::move(consumer));
  }
  return status;
}

JournalType journal_type() {
  using enum OptionKind;
  JournalType type;
  type.name = "kafka";
  type.summary = "a topic of Apache Kafka, for those who outgrow one machine";
  type.options = producer_options();
  const std::vector<OptionSpec> own{
      {"key", expression, {}, false, "The path of an event's key; events with one key keep their order."},
      {"group",
       text,
       {},
       false,
       "Consumers read as groups of this name, a dot and their own; weir.JOURNAL if not said."},
      {"when_full",
       choice,
       "block",
       false,
       "While the brokers do not take it: sources wait, or refuse.",
       {"block", "reject"}},
      {"read_ahead", size, "4MiB", false, "The memory of each consumer: what it has on the way to its sink."},
  };
  type.options.insert(type.options.end(), own.begin(), own.end());
  const auto reading = reading_options();
  type.options.insert(type.options.end(), reading.begin(), reading.end());
  type.ack = [](const Options&) { return SinkAck::received; };
  type.why_weaker = [](const Options&) { return std::string(); };
  type.may_drop = [](const Options&) { return false; };
  type.room = [](const Options& o) {
    return JournalRoom{
        fmt::format("in topic {}, while the brokers take it and for as long as they keep it, all", o.text("topic"))};
  };
  type.footprint = [](const Options& o, std::size_t consumers, Bytes) {
    auto all = producer_footprint(o);
    for (Footprint part : reading_footprint(o)) {
      part.fixed = Bytes(part.fixed.count() * consumers);
      part.max_units *= consumers;
      all.push_back(std::move(part));
    }
    return all;
  };
  type.read_ahead = [](const Options& o) { return o.get_or<Bytes>("read_ahead", 4_MiB); };
  type.make = [](const JournalSetup& setup) -> std::shared_ptr<Journal> {
    return std::make_shared<KafkaJournal>(setup);
  };
  return type;
}

}  // namespace weir::kafka
