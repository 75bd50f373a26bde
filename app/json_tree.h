#pragma once
/// JSON written by hand, piece by piece, for the few commands that print it: pieces are text, so they nest.
///
/// Thread: pure functions. Cost: copies its pieces; for documents of a few hundred KiB.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::app {

/// An object in the order in which its members were added.
class JsonObject {
 public:
  /// `json` is JSON already.
  JsonObject& add(std::string_view name, std::string json);
  JsonObject& text(std::string_view name, std::string_view value);
  bool empty() const { return members_.empty(); }
  std::string json() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

std::string json_array(const std::vector<std::string>& items);
std::string json_texts(const std::vector<std::string>& items);
/// With line feeds and two spaces a level, for people and for diffs. `json` must be valid.
std::string indented(std::string_view json);

}  // namespace weir::app
