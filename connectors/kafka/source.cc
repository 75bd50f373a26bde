#include "source.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;

/// On the other reactors: one gives, so that a partition's messages stay in order.
class IdleIntake final : public Intake {
 public:
  void start() override {}
  void stop(Duration) override {}
  void abandon() override {}
  bool quiet() const override { return true; }
};

constexpr Load run{1024, 64_KiB};  // the most that travels under one receipt
constexpr PausePolicy::Watermarks watermarks{.high = {8192, 1_MiB}, .low = {1024, 128_KiB}, .patience = 500ms};

std::vector<OptionSpec> options() {
  using enum OptionKind;
  auto all = client_options();
  const std::vector<OptionSpec> own{
      {"topics", texts, {}, true, "The topics to read."},
      {"group", text, {}, true, "The consumer group; what it has committed is where a restart goes on."},
      {"instance_id",
       text,
       {},
       false,
       "A name of its own for this member: it may be away for session_timeout without its partitions being moved."},
      {"start",
       choice,
       "earliest",
       false,
       "Where a partition begins of which the group has committed nothing.",
       {"earliest", "latest"}},
      {"max_event", size, "256KiB", false,
       "The longest event; longer ones are dead-lettered, or counted; at most 16MiB."},
      {"metadata",
       text,
       {},
       false,
       "The name of a member that JSON events get, with topic, partition, offset, timestamp, key and headers."},
      {"on_tombstone",
       choice,
       "skip",
       false,
       "What becomes of a message without a value, or with an empty one: it is skipped and counted, or dead-lettered.",
       {"skip", "dead_letter"}},
      {"connect_timeout", duration, "10s", false, "At the start the brokers must answer within this."},
  };
  all.insert(all.end(), own.begin(), own.end());
  const auto reading = reading_options();
  all.insert(all.end(), reading.begin(), reading.end());
  return all;
}

Result<void> check(const SourceConfig& config, const Options& o) {
  const auto& intake = config.intake;
  if (config.poller.topics.empty()) return failure("topics is empty: name the topics to read");
  if (o.text("group").empty()) return failure("group is empty: name the consumer group");
  if (intake.max_event < 1_B || intake.max_event > 16_MiB) return failure("max_event must be between 1B and 16MiB");
  if (intake.max_unacked < 1) return failure("max_unacked must be at least 1");
  if (config.poller.revoke_wait > o.get_or<Duration>("poll_interval", 5min) / 2)
    return failure("revoke_wait must be at most half of poll_interval, or the group gives up on this member meanwhile");
  if (o.get_or<Duration>("poll_interval", 5min) < 2s) return failure("poll_interval must be at least 2s");
  if (config.poller.commit_interval < 10ms) return failure("commit_interval must be at least 10ms");
  if (config.intake.priorities.from_body())
    if (auto field = FieldReader::compile(intake.priorities.path, intake.max_event); !field)
      return failure(field.error().message);
  return {};
}

std::string in_ms(Duration d) { return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(d).count()); }

void own(std::vector<Setting>& settings, const Options& o, Bytes max_event) {
  const auto overrides = o.table("librdkafka");
  const Bytes fetch = o.get_or<Bytes>("fetch_max", 1_MiB);
  const auto session = o.get_or<Duration>("session_timeout", 45s);
  // A broker answers with one whole batch at least, however large.
  const auto response = std::max(fetch, max_event * 2) + 1_MiB;
  const std::vector<Setting> ours{
      {"group.id", o.text("group"), "group"},
      {"auto.offset.reset", o.get_or<std::string>("start", "earliest"), "start"},
      {"queued.max.messages.kbytes",
       std::to_string(std::max<std::uint64_t>(1, o.get_or<Bytes>("prefetch", 8_MiB).count() >> 10)), "prefetch"},
      {"message.max.bytes", std::to_string(std::max<std::uint64_t>(1000, std::min(fetch, 1_MiB).count())), "fetch_max"},
      {"fetch.max.bytes", std::to_string(std::max<std::uint64_t>(1000, fetch.count())), "fetch_max"},
      {"max.partition.fetch.bytes", std::to_string(std::max<std::uint64_t>(1000, std::min(fetch, 1_MiB).count())),
       "fetch_max"},
      {"receive.message.max.bytes", std::to_string(std::max<std::uint64_t>(response.count(), 100'000'000)),
       "max_event"},
      {"session.timeout.ms", in_ms(session), "session_timeout"},
      {"heartbeat.interval.ms", in_ms(std::min<Duration>(session / 3, 3s)), "session_timeout"},
      {"max.poll.interval.ms", in_ms(std::max(o.get_or<Duration>("poll_interval", 5min), session)), "poll_interval"},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"enable.auto.commit", "true"},  // of what is stored, and that is settled
      {"auto.commit.interval.ms", in_ms(o.get_or<Duration>("commit_interval", 1s) / 2), "commit_interval"},
      {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"},
      {"check.crcs", "true"},
      {"statistics.interval.ms", "5000"},
  };
  settings.insert(settings.end(), ours.begin(), ours.end());
  // A broker is asked once at a time: partitions that come or resume wait until a question about others is answered.
  const std::string wait = "fetch.wait.max.ms";
  if (std::ranges::find(overrides, wait, &Options::Table::value_type::first) == overrides.end())
    settings.push_back({wait, "100"});
  if (o.has("instance_id")) settings.push_back({"group.instance.id", o.text("instance_id"), "instance_id"});
}

}  // namespace

std::vector<OptionSpec> reading_options() {
  using enum OptionKind;
  return {
      {"max_unacked", count, "10000", false, "How many events may be on their way, read and not settled."},
      {.name = "prefetch",
       .kind = size,
       .fallback = "8MiB",
       .help = "How much is fetched ahead: queued.max.messages.kbytes; less where memory is small.",
       .shrinks = Shrinks{.least = "1MiB", .events = 4}},
      {"fetch_max", size, "1MiB", false,
       "The most a broker sends at once: fetch.max.bytes; one larger batch comes alone."},
      {"session_timeout", duration, "45s", false,
       "After so long without a heartbeat the group gives its partitions away."},
      {"poll_interval", duration, "5m", false,
       "After so long without a poll it leaves the group; work may take longer."},
      {"revoke_wait", duration, "5s", false,
       "How long a partition that is given up waits for its events to settle; what has not by then is read again."},
      {"commit_interval", duration, "1s", false, "How often what is settled is committed: what a crash reads again."},
  };
}

std::vector<Footprint> reading_footprint(const Options& o) {
  const auto brokers = std::max<std::uint64_t>(3, o.get<std::vector<std::string>>("brokers").size());
  const Bytes batch = std::max(1_MiB, o.get_or<Bytes>("max_event", 256_KiB) * 2);
  Footprint messages{.fixed = o.get_or<Bytes>("prefetch", 8_MiB) + batch,
                     .per_unit = o.get_or<Bytes>("fetch_max", 1_MiB),
                     .max_units = brokers,
                     .unit = "broker"};
  messages.soft = true;  // one batch comes whole, however large it is decompressed
  const Bytes piece_text = Bytes(run.bytes.count() * 2) + o.get_or<Bytes>("max_event", 256_KiB);
  const Bytes marks = Bytes(o.get_or<std::uint64_t>("max_unacked", 10'000) * sizeof(SourcePartition::Mark));
  Footprint own{.fixed = client_footprint + watermarks.high.bytes + piece_text + marks + 512_KiB,
                .per_unit = {},
                .max_units = 0,
                .unit = "client"};
  own.soft = true;
  return {messages, own};
}

KafkaSource::KafkaSource(Result<SourceConfig> config, const Context& context)
    : config_(std::move(config)), context_(context) {
  if (!config_) return;
  for (const auto& topic : config_->poller.topics) address_ += (address_.empty() ? "" : ",") + topic;
  for (const auto& broker : config_->poller.client.brokers)
    address_ += (&broker == &config_->poller.client.brokers[0] ? " at " : ",") + broker;
}

Result<void> KafkaSource::check() const {
  if (!config_) return std::unexpected(config_.error());
  for (const auto& topic : config_->poller.topics)
    if (auto named = check_topic("topics", topic); !named) return named;
  return Client::check(config_->poller.client);
}

Result<void> KafkaSource::open() {
  if (!config_) return std::unexpected(config_.error());
  poller_.emplace(config_->poller, handoff_, context_);
  return poller_->open();
}

Result<std::string> KafkaSource::on_hangup() {
  const std::string files = poller_ ? files_of(config_->poller.client) : std::string();
  if (files.empty()) return {};
  const auto kinds = kinds_of_files(config_->poller.client);
  const auto renewed = poller_->renew();
  if (!renewed)
    return failure(fmt::format("{}: {}: it keeps the {} it has", terminal_text(files), renewed.error().message, kinds));
  return *renewed ? fmt::format("has read its {} again, and joins its group anew", kinds)
                  : fmt::format("has the {} that its files hold", kinds);
}

std::unique_ptr<Intake> KafkaSource::intake(const IntakeSetup& setup) {
  if (setup.index != 0) return std::make_unique<IdleIntake>();
  return std::make_unique<KafkaIntake>(setup, config_->intake, handoff_, *poller_);
}

Result<SourceConfig> read_source(const SourceSetup& setup) {
  const Options& o = setup.options;
  auto client = read_client("source " + setup.name, o);
  if (!client) return std::unexpected(std::move(client.error()));
  SourceConfig config;
  auto& intake = config.intake;
  intake.name = setup.name;
  intake.max_event = o.get_or<Bytes>("max_event", 256_KiB);
  intake.max_unacked = o.get_or<std::uint64_t>("max_unacked", 10'000);
  intake.keep_failed = setup.acks == Level::stored;
  intake.keep_tombstones = o.get_or<std::string>("on_tombstone", "skip") == "dead_letter";
  intake.metadata = o.get_or<std::string>("metadata", "");
  intake.priorities = setup.priorities;
  auto& poller = config.poller;
  poller.client = std::move(*client);
  poller.topics = o.get<std::vector<std::string>>("topics");
  poller.watermarks = watermarks;
  poller.run = {std::min(run.events, std::max<std::uint64_t>(1, intake.max_unacked)), run.bytes};
  poller.connect_timeout = o.get_or<Duration>("connect_timeout", 10s);
  poller.commit_interval = o.get_or<Duration>("commit_interval", 1s);
  poller.revoke_wait = o.get_or<Duration>("revoke_wait", 5s);
  own(poller.client.settings, o, intake.max_event);
  if (auto checked = check(config, o); !checked) return std::unexpected(std::move(checked.error()));
  return config;
}

SourceType source_type() {
  SourceType type;
  type.name = "kafka";
  type.summary = "reads topics of Apache Kafka as a member of a consumer group";
  type.options = options();
  type.tells_lag = true;
  type.origin = {Attribute::topic, Attribute::partition, Attribute::offset};
  type.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
  type.strongest = Level::stored;
  type.footprint = [](const Options& o, int) { return reading_footprint(o); };
  type.make = [](const SourceSetup& setup) { return std::make_unique<KafkaSource>(read_source(setup), setup.context); };
  return type;
}

}  // namespace weir::kafka
