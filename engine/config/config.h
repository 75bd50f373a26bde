#pragma once
/// A loaded configuration: plain data, validated. Everything after `load` may rely on it: names resolve, `from` has no
/// cycles, every option has its declared kind, every level asked for is one its paths can carry, the memory adds up.
///
/// Thread: immutable. Cost: read at start only.
#include <weir/base/file_mode.h>
#include <weir/base/units.h>
#include <weir/component/auth_options.h>
#include <weir/component/catalog.h>
#include <weir/component/options.h>
#include <weir/flow/demand/fate.h>
#include <weir/flow/queue/edge_config.h>
#include <weir/flow/recover/destination_config.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/alerts.h"
#include "config/file_stamp.h"
#include "config/gateways.h"
#include "config/guards.h"

namespace weir::config {

/// Where something stands in the files, for messages: "weir.yaml:12:5".
struct SourceLocation {
  std::string file;
  int line = 0, column = 0;
};

/// What source, stage and sink have in common.
struct Node {
  std::string name;
  std::string type;
  std::vector<std::string> from;  ///< empty for sources, and for sinks that are only dead-letter targets
  Options options;
  SourceLocation location;
};

struct Source : Node {
  Level acks = Level::accepted;
  PriorityRule priorities;
  bool has_priorities = false;
  bool refuse_when_full = false;  ///< when_full: reject (the default where the type can refuse) | block
  enum class OnMalformed : std::uint8_t { reject, dead_letter } on_malformed = OnMalformed::reject;
  std::string dead_letter;  ///< a sink; empty: none
  Guards guards;            ///< of what comes in

  /// A consumer of a journal is a source too: made from the graph, one for each sink (or merging stage) behind it.
  std::string journal;  ///< which one; empty: this is a source of the file
  std::string only_to;  ///< the sink, journal or merging stage whose consumer it is
  JournalConsumer consumer;
  bool is_consumer() const { return !journal.empty(); }
  /// What `from` calls it.
  const std::string& root() const { return is_consumer() ? journal : name; }
  std::string path() const { return is_consumer() ? place_path : "sources." + name; }
  std::string place_path;  ///< of a consumer: "sinks.warehouse"
};

struct Stage : Node {
  std::string dead_letter;          ///< a sink or journal that gets copies of what this stage drops; empty: none
  std::shared_ptr<StagePlan> plan;  ///< what it declares about itself; a flow compiles its own
  bool merges() const { return plan && plan->merger(); }
};

/// `from` names a part, or one output of a stage: "by_kind.errors".
inline std::string_view part_of(std::string_view from) { return from.substr(0, from.find('.')); }
inline std::string_view output_of(std::string_view from) {
  const auto dot = from.find('.');
  return dot == std::string_view::npos ? std::string_view{} : from.substr(dot + 1);
}

struct WorkerBatch {
  Load most{10'000, 1_MiB};  ///< one deliver() takes at most so much
  Duration linger{0};        ///< waits so long for more before it delivers
  bool operator==(const WorkerBatch&) const = default;
};

/// Where a queue with `when_full: spill` goes on.
struct SpillConfig {
  std::string path;  ///< data/spill/SINK if not said
  Bytes max_bytes = 1_GiB;
  FileMode mode{};  ///< of the files that it makes
  bool operator==(const SpillConfig&) const = default;
};

struct Sink : Node {
  bool required = true;
  int workers = 1;
  bool ordered = false;  ///< workers > 1 keep order only with order_by
  flow::EdgeConfig queue;
  SpillConfig spill;
  bool spills() const { return queue.when_full == flow::WhenFull::spill; }
  WorkerBatch batch;
  Guards guards;  ///< of what goes out
  flow::DestinationConfig destination;
  enum class OnFailure : std::uint8_t { fail, drop } on_failure = OnFailure::fail;
  std::string dead_letter;
  SinkAck ack = SinkAck::sent;  ///< from the catalog, given the options
  JournalConsumer consumer;     ///< how it reads from journals; no name: its own
  bool is_journal = false;      ///< the writing side of one; `type` is the journal's
  std::string why_weaker;       ///< of a journal that carries less than stored
  JournalRoom room{};           ///< of a journal
  std::string path() const { return (is_journal ? "journals." : "sinks.") + name; }
  bool is_dead_letter_target = false;
  bool has_own_letters = false;  ///< its dead-letter file is one that nobody has named
};

/// The part of a queue that is kept for high and critical when the file does not say.
inline double usual_reserve(bool has_priorities) { return has_priorities ? 0.2 : 0.0; }

/// What the catalog calls the two sides of a journal type: "journal disk".
std::string journal_type_name(std::string_view type);

struct Admin {
  std::string listen = "127.0.0.1:9600";        ///< empty: none
  std::vector<std::string> hosts{};             ///< further Host names it answers to
  bool insecure = false;                        ///< it may listen where other machines reach it
  Logins logins{};                              ///< who may ask it; none: everybody who reaches it
  std::string tls_certificate{}, tls_key{};     ///< empty: it speaks no TLS
  std::string tls_client_ca{};                  ///< whoever asks shows a certificate that one of these has signed
  std::vector<std::string> tls_client_names{};  ///< with one of these names
  bool by_default = true;                       ///< nobody has said where: another port will do
  std::size_t viewers = 4;                      ///< how many may watch the dashboard at once; follows from `memory`
};

/// A file that a secret was read from.
struct SecretFile {
  std::string path;
  FileStamp stamp;  ///< from just before it was read
};

/// How the process tells what happens.
struct LogForm {
  enum class Level : std::uint8_t { debug, info, warn, error } level = Level::info;
  bool json = false;        ///< one object a line
  bool local_time = false;  ///< else UTC
  bool operator==(const LogForm&) const = default;
};

struct MemoryRow {
  std::string part;  ///< "sink warehouse: batch buffers"
  Footprint footprint;
};

/// A default that was made smaller to fit into `memory` (shrink.h).
struct ShrunkDefault {
  std::string path;        ///< "sources.orders.max_connections"
  std::string now, usual;  ///< as in YAML
};

/// The sum of `weir check`: budget = memory - footprints.
struct MemoryTable {
  Bytes memory;
  bool automatic = false;  ///< `memory: auto`: 60 % of the cgroup or machine
  std::vector<MemoryRow> rows;
  Bytes footprints;
  Bytes budget;
  std::vector<ShrunkDefault> shrunk;
};

struct Config {
  std::vector<std::string> files;
  std::vector<Source> sources;
  std::vector<Stage> stages;
  std::vector<Sink> sinks;
  std::vector<Upstream> upstreams;
  std::vector<Gateway> gateways;
  Admin admin;
  Alerts alerts;
  LogForm log;
  int reactors = 1;
  bool automatic_reactors = true;  ///< `reactors: auto`
  Duration drain_deadline = std::chrono::seconds(30);
  Bytes batch_bytes = 256_KiB;  ///< an open batch's buffer
  MemoryTable memory;
  std::vector<std::string> secrets;  ///< paths of values read from `file:`; they are never printed
  std::vector<SecretFile> secret_files;
};

}  // namespace weir::config
