#pragma once
/// A YAML file as a tree in which every node has its line and column.
///
/// Built from the parser's events rather than from its own tree, so that a hostile file meets bounds while it is read:
/// bytes, depth, values (aliases count with all they stand for, so an "alias bomb" ends early) and keys of one map.
/// Duplicate keys, tags, several documents, invalid UTF-8 and control characters are refused. Anchors, aliases and the
/// merge key `<<` work. Scalars stay text: the reader of a value decides whether 10 is a count or a name.
///
/// Thread: pure functions. Cost: start only; about 0.1 ms for a usual file.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace weir::config {

struct YamlEntry;

struct Yaml {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;  ///< of a scalar
  SourceLocation location;
  std::vector<Yaml> items;         ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map, in the order of the file, keys unique
};

struct YamlEntry {
  std::string key;
  SourceLocation location;  ///< of the key
  Yaml value;
};

struct YamlLimits {
  std::size_t bytes = 1 << 20;
  std::size_t depth = 32;
  std::size_t values = 50'000;
  std::size_t keys = 1'000;  ///< of one map
};

/// The root, or nothing when the file cannot be understood; `problems` gets everything that was found, also with a
/// root (duplicate keys). An empty file is a null.
std::optional<Yaml> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems,
                               const YamlLimits& limits = {});

}  // namespace weir::config
