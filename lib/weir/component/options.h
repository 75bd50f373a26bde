#pragma once
/// The options of a component in the configuration, declared once.
///
/// A connector lists its options; the configuration checks them (unknown keys, wrong units, missing values: with file,
/// line and a suggestion), and later the schema, completion and documentation are made from the same list. The
/// connector receives `Options`: every declared key has a value of the declared kind, or is absent because it is
/// optional.
///
/// Thread: immutable after the configuration is loaded. Cost: a map look-up; read them at start, not per event.
#include <weir/base/units.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir {

enum class OptionKind : std::uint8_t {
  text,
  path,
  address,
  boolean,
  count,
  size,
  duration,
  rate,
  ratio,
  choice,
  expression,
  texts,
  table,  ///< a mapping in the order of the file: name -> text
};

/// A default that follows from `memory:`. Where it and the other ones leave the sources too little, it shrinks, but
/// never below `least`, nor below `events` of the largest events that can come. What is written in the file never
/// shrinks.
struct Shrinks {
  std::string least;  ///< as written in YAML
  std::uint64_t events = 0;
};

struct OptionSpec {
  std::string name;
  OptionKind kind = OptionKind::text;
  std::optional<std::string> fallback{};  ///< as written in YAML; absent: no default
  bool required = false;
  std::string help{};                  ///< one sentence
  std::vector<std::string> choices{};  ///< kind choice
  bool may_hold_secrets = false;       ///< kind table: a value whose name is that of a secret is never printed
  std::optional<Shrinks> shrinks{};    ///< kinds count and size, with a fallback
  bool secret = false;                 ///< kinds texts and table: no value of it is ever printed
};

class Options {
 public:
  using Table = std::vector<std::pair<std::string, std::string>>;
  using Value = std::variant<std::string, bool, std::uint64_t, Bytes, Duration, PerSecond, double,
                             std::vector<std::string>, Table>;

  void set(std::string name, Value value) { values_[std::move(name)] = std::move(value); }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// As it is, of whatever kind; null: absent.
  const Value* find(std::string_view name) const {
    const auto at = values_.find(name);
    return at == values_.end() ? nullptr : &at->second;
  }
  /// The value; asking for a key that was not declared, or as another kind, is a defect of the component.
  template <typename T>
  const T& get(std::string_view name) const {
    return std::get<T>(values_.find(name)->second);
  }
  template <typename T>
  T get_or(std::string_view name, T otherwise) const {
    return has(name) ? get<T>(name) : otherwise;
  }
  const std::string& text(std::string_view name) const { return get<std::string>(name); }
  bool flag(std::string_view name) const { return get<bool>(name); }
  std::uint64_t count(std::string_view name) const { return get<std::uint64_t>(name); }
  Bytes size(std::string_view name) const { return get<Bytes>(name); }
  Duration duration(std::string_view name) const { return get<Duration>(name); }
  PerSecond rate(std::string_view name) const { return get<PerSecond>(name); }
  /// Empty when absent.
  Table table(std::string_view name) const { return get_or<Table>(name, {}); }
  double ratio(std::string_view name) const { return get<double>(name); }
  bool operator==(const Options&) const = default;

 private:
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace weir
