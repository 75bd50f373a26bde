#pragma once
/// State that the parts of the loader share: the problems found so far, the place of every path, and the variables for
/// scalars.
///
/// A Section is one map: a key that is asked for is a known key, and `finish` reports the other keys, each with the
/// nearest known one. A value that does not parse is reported and leaves its default in place, so reading goes on.
///
/// Thread: one owner. Cost: start only.
#include <weir/base/checked.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/load.h"
#include "config/units_parse.h"
#include "config/yaml.h"

namespace weir::config {

/// A scalar after interpolation.
struct Text {
  std::string value;
  bool secret = false;
  std::string shown() const { return secret ? "<secret>" : quote(value); }
};

enum class Secrets : std::uint8_t { refused, allowed };

class Reader {
 public:
  Reader(const LoadOptions& options, std::vector<Problem>& problems) : options_(options), problems_(problems) {}

  void error(const SourceLocation& location, std::string path, std::string message, std::string suggestion = {});
  void error_at(const std::string& path, std::string message, std::string suggestion = {});  ///< the place is looked up
  void warning_at(const std::string& path, std::string message, std::string suggestion = {});
  std::size_t errors() const { return errors_; }

  /// The scalar with its variables replaced; nothing (and a problem) when it is none or cannot be.
  std::optional<Text> text(const Yaml& node, const std::string& path, Secrets secrets = Secrets::refused);

  void note(std::string path, const SourceLocation& location) { places_.insert_or_assign(std::move(path), location); }
  bool given(const std::string& path) const { return places_.contains(path); }
  SourceLocation location_of(std::string path) const;  ///< of the path, or of the nearest one above it
  const LoadOptions& options() const { return options_; }
  std::vector<std::string>& secrets() { return secrets_; }
  std::vector<SecretFile>& secret_files() { return secret_files_; }

 private:
  std::optional<std::string> interpolate(const Yaml& node, const std::string& path);
  std::optional<std::string> variable(const Yaml& node, const std::string& path, std::string_view inside);

  const LoadOptions& options_;
  std::vector<Problem>& problems_;
  std::map<std::string, SourceLocation> places_;
  std::vector<std::string> secrets_;
  std::vector<SecretFile> secret_files_;
  std::size_t errors_ = 0;
};

class Section {
 public:
  /// `node` may be null: nothing was written. Anything but a map is reported.
  Section(Reader& reader, const Yaml* node, std::string path);

  const Yaml* find(std::string_view key);
  std::string path(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  const std::string& path() const { return path_; }
  const Yaml* node() const { return node_; }
  void know(std::string key) { known_.push_back(std::move(key)); }
  /// Reports unknown keys.
  void finish();
  /// Reports a value that a policy cannot work with, at the key of its field.
  void report(const std::optional<Unfit>& unfit);

  /// True when the key is there and right; then `out` has the value.
  template <typename T, typename Parse>
  bool value(std::string_view key, T& out, Parse parse) {
    const Yaml* node = find(key);
    if (!node) return false;
    const auto text = reader_.text(*node, path(key));
    if (!text) return false;
    auto parsed = parse(std::string_view(text->value));
    if (!parsed)
      reader_.error(node->location, path(key), parsed.error());
    else
      out = std::move(*parsed);
    return parsed.has_value();
  }
  /// An integer in [least, most].
  template <typename T>
  bool count(std::string_view key, T& out, std::uint64_t least, std::uint64_t most) {
    std::uint64_t n = 0;
    if (!value(key, n, [&](std::string_view text) { return ranged(text, least, most); })) return false;
    out = static_cast<T>(n);
    return true;
  }
  template <typename E>
  bool choice(std::string_view key, E& out, const std::vector<std::pair<std::string, E>>& choices) {
    return value(key, out, [&](std::string_view text) -> Parsed<E> {
      std::vector<std::string> names;
      for (const auto& [name, meaning] : choices) {
        if (name == text) return meaning;
        names.push_back(name);
      }
      return std::unexpected(not_one_of(text, names));
    });
  }
  bool size(std::string_view key, Bytes& out, Bytes least);
  bool duration(std::string_view key, Duration& out, Duration least = Duration{0});
  bool ratio(std::string_view key, double& out) { return value(key, out, parse_ratio); }
  bool flag(std::string_view key, bool& out) { return value(key, out, parse_bool); }
  /// The name of a part. Whether there is such a part is the graph's question.
  bool name(std::string_view key, std::string& out);
  /// One name or a list of them.
  bool names(std::string_view key, std::vector<std::string>& out);

  static Parsed<std::uint64_t> ranged(std::string_view text, std::uint64_t least, std::uint64_t most);
  static std::string not_one_of(std::string_view text, const std::vector<std::string>& names);

 private:
  Reader& reader_;
  const Yaml* node_;
  std::string path_;
  std::vector<std::string> known_;
};

/// Empty when it is one: a to z, then a to z, 0 to 9 and _, at most 64.
std::string why_no_name(std::string_view name);

}  // namespace weir::config
