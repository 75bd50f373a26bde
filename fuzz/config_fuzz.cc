// Whatever stands in a file: loading ends with a configuration or with problems, within its bounds, and what was loaded
// can be reported, printed, and loaded again as the same flow.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/diff.h"
#include "config/report.h"
#include "config/testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::config;
  static const weir::Catalog catalog = fake_catalog();
  static const LoadOptions options = fake_options();
  const auto loaded = load_text({reinterpret_cast<const char*>(data), size}, "fuzz.yaml", catalog, options);
  for (const Problem& problem : loaded.problems)
    if (problem.text().size() > 8192) std::abort();
  if (!loaded.config) {
    if (loaded.problems.empty()) std::abort();
    return 0;
  }
  const Report report = make_report(*loaded.config, catalog);
  if (to_text(report, true).empty() || to_json(report).empty() || to_graph(*loaded.config).empty()) std::abort();
  // A hidden value cannot be read back, and a value that came from a variable may look like a file.
  const std::string printed = to_yaml(*loaded.config, catalog);
  if (!loaded.config->secrets.empty() || printed.find("file:") != std::string::npos) return 0;
  const auto again = load_text(printed, "again.yaml", catalog, options);
  if (!again.config || !changes(*loaded.config, *again.config, catalog).empty()) std::abort();
  return 0;
}
