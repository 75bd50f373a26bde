#pragma once
/// Reads one entry of `sources`, `stages`, `journals` or `sinks`: its own keys, and the options its type declares. What
/// needs more than the entry itself (names, levels, memory) comes after all entries are read.
///
/// Thread: one owner. Cost: start only.
#include <set>
#include <string>

#include "config/reader.h"

namespace weir::config {

/// A configuration that is being read. `broken` names the parts whose type is unknown or whose options are not
/// complete: their types must not be asked about them.
struct Draft {
  Config config;
  std::set<std::string> broken;
};

void read_source(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft);
void read_stage(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft);
void read_journal(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft);
void read_sink(Reader& reader, const YamlEntry& entry, const Catalog& catalog, Draft& draft);

/// What a part that was made says of its own options.
void report_check(Reader& reader, const std::string& name, const std::string& path,
                  const std::vector<OptionSpec>& specs, const Result<void>& fit);

/// `alerts`; a receiver is complete when it is there.
void read_alerts(Reader& reader, Section& root, const Catalog& catalog, Alerts& out);
void read_alert_receiver(Reader& reader, const YamlEntry& entry, const Catalog& catalog,
                         std::vector<AlertReceiver>& out);

/// `upstreams` and `gateways`, and whether they fit together.
void read_gateways(Reader& reader, Section& root, Config& config);
/// HOST:PORT, the form only.
Parsed<std::string> parse_address(std::string_view text);

/// The declared options, checked and with their defaults. False when one is wrong or missing.
bool read_options(Reader& reader, Section& section, const std::vector<OptionSpec>& specs, Options& out);

/// Reports "option: what is wrong" or "table.key: what is wrong" at that key of the part; another message at
/// `otherwise`, or at the part. What a file holds is not quoted; messages about options that are secret never do.
void report_at_option(Reader& reader, const std::string& part, const std::vector<OptionSpec>& specs,
                      const std::string& message, const std::string& otherwise = {});

/// `spill`: null where the disk cannot take what does not fit.
inline constexpr Duration least_time = std::chrono::milliseconds(1);  ///< that may be written for a wait

void read_queue(Reader& reader, const Yaml* node, const std::string& path, flow::EdgeConfig& queue,
                SpillConfig* spill = nullptr);
void read_guards(Reader& reader, Section& part, GuardPosition position, Guards& out);
/// Of a route: `fairness` without `concurrency` is about the waiting room of its upstream.
void read_route_guards(Reader& reader, Section& route, GatewayRoute& out);
void read_concurrency(Reader& reader, Section& guards, Guards& out);  ///< and `fairness`
void fit_to_workers(Reader& reader, const std::string& sink, int workers, Guards& guards);
void read_pressure(Reader& reader, Section& guards, Guards& out);
Parsed<async::ClientKey> parse_key(std::string_view text);
void read_client_key(Reader& reader, Section& section, async::ClientKey& key);
/// Where the body is not known when the key is asked for.
void refuse_fields(Reader& reader, const async::ClientKey& key, const std::string& path, const std::string& why);
/// Where no client shows a certificate.
void refuse_subjects(Reader& reader, const async::ClientKey& key, const std::string& path);
void read_breaker(Reader& reader, const Yaml* node, const std::string& path, flow::BreakerConfig& out);
void read_batch(Reader& reader, const Yaml* node, const std::string& path, WorkerBatch& batch);
void read_destination(Reader& reader, Section& sink, flow::DestinationConfig& destination);

}  // namespace weir::config
