// raw, logfmt and csv.
#include <algorithm>

#include "format.h"

namespace weir::parse {
namespace {

class Raw final : public Format {
 public:
  Trouble parse(std::string_view line, Members& out) override {
    out.add("message", line);
    return std::nullopt;
  }
};

/// key=value key="value with \" and spaces" flag
class Logfmt final : public Format {
 public:
  Trouble parse(std::string_view line, Members& out) override {
    bool any_value = false;
    while (true) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      if (line.empty()) break;
      const auto name = line.substr(0, line.find_first_of(" \t=\""));
      if (name.empty()) return "it has a value without a name";
      line.remove_prefix(name.size());
      if (line.starts_with('"')) return "a name holds a quote";
      if (!line.starts_with('=')) {
        if (!out.add_flag(name)) return too_many_members;
        continue;
      }
      line.remove_prefix(1);
      any_value = true;
      const auto value = take_value(line, out);
      if (!value) return "a quote is not closed, or something follows it at once";
      if (!out.add(name, *value)) return too_many_members;
    }
    // Any prose is a row of flags.
    return any_value ? Trouble{} : Trouble{"it holds no name=value"};
  }

 private:
  static std::optional<std::string_view> take_value(std::string_view& line, Members& out) {
    if (!line.starts_with('"')) {
      const auto value = line.substr(0, line.find_first_of(" \t"));
      line.remove_prefix(value.size());
      return value;
    }
    std::size_t end = 1;
    bool escapes = false;
    for (; end < line.size() && line[end] != '"'; ++end) {
      if (line[end] != '\\') continue;
      escapes = true;
      ++end;
    }
    if (end >= line.size()) return std::nullopt;
    const auto inside = line.substr(1, end - 1);
    line.remove_prefix(end + 1);
    if (!line.empty() && line[0] != ' ' && line[0] != '\t') return std::nullopt;
    return escapes ? out.unescaped(inside) : inside;
  }
};

/// RFC 4180, one record a line.
class Csv final : public Format {
 public:
  Csv(std::vector<std::string> columns, char separator) : columns_(std::move(columns)), separator_(separator) {}
  Trouble parse(std::string_view line, Members& out) override {
    for (std::size_t column = 0;; ++column) {
      if (column == columns_.size()) return "it has more fields than columns";
      const auto field = take_field(line, out);
      if (!field) return "a quote is not closed, or something stands around it";
      if (!out.add(columns_[column], *field)) return too_many_members;
      if (line.empty()) return column + 1 == columns_.size() ? Trouble{} : Trouble{"it has fewer fields than columns"};
      line.remove_prefix(1);
      if (line.empty()) return last_is_empty(column + 1, out);
    }
  }

 private:
  /// The line ended with a separator.
  Trouble last_is_empty(std::size_t column, Members& out) {
    if (column == columns_.size()) return "it has more fields than columns";
    if (column + 1 < columns_.size()) return "it has fewer fields than columns";
    return out.add(columns_[column], {}) ? Trouble{} : Trouble{too_many_members};
  }
  /// Leaves the separator; a field ends there or with the line.
  std::optional<std::string_view> take_field(std::string_view& line, Members& out) const {
    if (!line.starts_with('"')) {
      const auto field = line.substr(0, line.find(separator_));
      if (field.find('"') != field.npos) return std::nullopt;
      line.remove_prefix(field.size());
      return field;
    }
    bool doubled = false;
    auto end = line.find('"', 1);
    while (end != line.npos && line.substr(end + 1, 1) == "\"") {
      doubled = true;
      end = line.find('"', end + 2);
    }
    if (end == line.npos) return std::nullopt;
    const auto inside = line.substr(1, end - 1);
    line.remove_prefix(end + 1);
    if (!line.empty() && line[0] != separator_) return std::nullopt;
    return doubled ? out.with_single_quotes(inside) : inside;
  }

  const std::vector<std::string> columns_;
  const char separator_;
};

}  // namespace

std::unique_ptr<Format> raw_format() { return std::make_unique<Raw>(); }
std::unique_ptr<Format> logfmt_format() { return std::make_unique<Logfmt>(); }
std::unique_ptr<Format> csv_format(std::vector<std::string> columns, char separator) {
  return std::make_unique<Csv>(std::move(columns), separator);
}

}  // namespace weir::parse
