#pragma once
/// One function for each subcommand; the command line (command_line.h) calls one of them. Each returns its exit code.
#include <weir/component/catalog.h>

#include <string>
#include <vector>

#include "ask.h"
#include "calc.h"
#include "load_options.h"
#include "simulate_options.h"

namespace weir::app {

struct CheckOptions {
  bool json = false, print = false, graph = false;
};
struct TestOptions {
  std::string filter;
};
struct TopOptions {
  double interval = 1;
  int times = 0;
  bool once = false;
};
struct TapOptions {
  std::string edge, where, sample = "1/1";
  std::uint64_t limit = 0;
  std::vector<std::string> redact;
};
struct JournalOptions {
  bool json = false, live = false, apply = false, with_meta = false;
  std::uint64_t from = 0, to = 0;  ///< sequences; 0: the oldest, the newest
  std::string consumer, where, format = "ndjson";
};
struct ReplayOptions {
  std::string to, where, since, until, tls_ca, token_file, rate = "1000/s", patience = "1m";
  std::uint64_t from_seq = 0, to_seq = 0;  ///< lines or sequences; 0: the first, the last
  bool dry_run = false, restart = false, live = false;
};

/// As written; slow_service.h says what they mean.
struct UpstreamOptions {
  std::string listen = "127.0.0.1:9001", slots = "8", time = "exponential:10ms", queue = "10000", errors = "0%",
              body = "1024", pressure = "false", drop_left = "true";
};

int run(const std::vector<std::string>& files, const Catalog& catalog, bool quiet);
int check(const std::vector<std::string>& files, const Catalog& catalog, const CheckOptions& options);
int test(const std::vector<std::string>& files, const Catalog& catalog, const TestOptions& options);
int simulate(const Catalog& catalog, const SimulateOptions& options);
int init(const std::string& file, bool force);
int why(const AdminPeer& admin, const std::string& node);
int explain(const std::string& reason);
/// Of what a running Weir tells operators; as rules for Prometheus, where that is asked.
int alerts(bool as_prometheus_rules);
int top(const AdminPeer& admin, const TopOptions& options);
int tap(const AdminPeer& admin, const TapOptions& options);
int journal_ls(const std::string& path, const JournalOptions& options);
int journal_check(const std::string& path, const JournalOptions& options);
int journal_repair(const std::string& path, const JournalOptions& options);
int journal_forget(const std::string& path, const JournalOptions& options);
int journal_export(const std::string& path, const JournalOptions& options);
int replay(const std::string& from, const ReplayOptions& options);
int upstream(const UpstreamOptions& options);
int load(const LoadOptions& options);
int calc(const std::string& formula, const CalcOptions& options);
int print_schema(const Catalog& catalog);
int print(const std::string& page);
int version();

/// The files to load when none is named: weir.yaml.
std::vector<std::string> or_default(std::vector<std::string> files);

}  // namespace weir::app
