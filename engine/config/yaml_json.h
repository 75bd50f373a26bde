#pragma once
/// A piece of YAML as the JSON it stands for: `{ level: error, n: 3 }` becomes {"level":"error","n":3}. A word that is
/// written plainly and is a JSON number, true, false or null (also ~ and nothing) is that; everything else is a text,
/// and so is everything in quotes. Variables are not replaced.
///
/// The tree of a file does not say what was in quotes, so the file is looked at again where a word could be meant
/// either way.
///
/// Thread: one owner. Cost: start only; a file is read once more when it holds such words.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/yaml.h"

namespace weir::config {

class YamlToJson {
 public:
  explicit YamlToJson(const LoadOptions& options) : options_(options) {}
  std::string json(const Yaml& node);

 private:
  struct File {
    std::string text;
    std::vector<std::size_t> lines;  // where each begins
  };
  std::string scalar(const Yaml& node);
  bool is_plain(const SourceLocation& location);
  std::string_view line_of(const SourceLocation& location);
  const File& file(const std::string& name);

  const LoadOptions& options_;
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace weir::config
