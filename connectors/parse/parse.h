#pragma once
/// Stage `parse`: makes JSON objects of lines of text. README.md has its guarantees.
///
///   of the format       rewritten: an object with what was found
///   not of the format   kept: {"message": the line, "parse_error": why}; or dropped(malformed), as when_malformed says
///
/// Bytes that are not UTF-8 become U+FFFD first, and are counted. An object longer than the growth allows (named groups
/// that overlap in a long line) is not of the format.
///
/// Thread: one Parse for each reactor, the counts are shared. Cost: about 100 ns and 1 ns a byte; a regular expression
/// more. No allocation once the largest line was seen.
#include <weir/component/catalog.h>

#include <atomic>

#include "format.h"

namespace weir::parse {

enum class Malformed : std::uint8_t { keep, drop };

/// What the reactors count together.
struct Counts {
  std::atomic<std::uint64_t> malformed{0}, replaced{0};
};

class Parse final : public Stage {
 public:
  Parse(std::unique_ptr<Format> format, Malformed when, Growth growth, std::shared_ptr<Counts> counts)
      : format_(std::move(format)), when_(when), growth_(growth), counts_(std::move(counts)) {}
  Verdict take(const Event& event, std::string& out) override;

 private:
  std::string_view as_utf8(std::string_view line);

  std::unique_ptr<Format> format_;
  const Malformed when_;
  const Growth growth_;
  std::shared_ptr<Counts> counts_;
  Members members_;
  std::string clean_;
};

void add_to(Catalog& catalog);

}  // namespace weir::parse
