#pragma once
/// One function for each subcommand; main() parses the command line and calls one of them.
#include <weir/component/catalog.h>

#include <string>
#include <vector>

namespace weir::app {

struct CheckOptions {
  bool json = false, print = false, graph = false;
};

int run(const std::vector<std::string>& files, const Catalog& catalog, bool quiet);
int check(const std::vector<std::string>& files, const Catalog& catalog, const CheckOptions& options);
int init(const std::string& file, bool force);
int why(const std::string& admin, const std::string& node);
int explain(const std::string& reason);
int top(const std::string& admin, double interval, int times);
int version();

/// The files to load when none is named: weir.yaml.
std::vector<std::string> or_default(std::vector<std::string> files);

}  // namespace weir::app
