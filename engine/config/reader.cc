#include "config/reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::config {
namespace {

constexpr std::size_t longest_scalar = 64 << 10;

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name[0]) && std::ranges::all_of(name, [&](char c) { return letter(c) || digit(c); });
}

void strip_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

std::string_view kind_name(Yaml::Kind kind) {
  return kind == Yaml::Kind::map ? "a map" : kind == Yaml::Kind::list ? "a list" : "nothing";
}

}  // namespace

void Reader::error(const SourceLocation& location, std::string path, std::string message, std::string suggestion) {
  ++errors_;
  constexpr std::size_t longest_path = 200;  // keys are untrusted text too
  if (path.size() > longest_path) path = path.substr(0, longest_path) + "...";
  problems_.push_back({location, std::move(path), std::move(message), std::move(suggestion), false});
}

void Reader::error_at(const std::string& path, std::string message, std::string suggestion) {
  error(location_of(path), path, std::move(message), std::move(suggestion));
}

void Reader::warning_at(const std::string& path, std::string message, std::string suggestion) {
  problems_.push_back({location_of(path), path, std::move(message), std::move(suggestion), true});
}

SourceLocation Reader::location_of(std::string path) const {
  for (;;) {
    if (const auto at = places_.find(path); at != places_.end()) return at->second;
    const auto dot = path.rfind('.');
    if (dot == std::string::npos) break;
    path.resize(dot);
  }
  const auto root = places_.find("");
  return root == places_.end() ? SourceLocation{} : root->second;
}

std::optional<Text> Reader::text(const Yaml& node, const std::string& path, Secrets secrets) {
  if (node.kind != Yaml::Kind::scalar) {
    if (node.kind == Yaml::Kind::null)
      error(node.location, path, "has no value", "give it one, or leave the key out");
    else
      error(node.location, path, fmt::format("is {}, but one value is expected", kind_name(node.kind)));
    return std::nullopt;
  }
  if (node.text.size() > longest_scalar) {
    error(node.location, path, fmt::format("{} bytes are too many for one value", node.text.size()),
          fmt::format("at most {}", human(Bytes(longest_scalar))));
    return std::nullopt;
  }
  auto value = interpolate(node, path);
  // `file:` counts only where it is written literally, so that a variable cannot open a file.
  if (!value || !node.text.starts_with("file:"))
    return value.transform([](std::string& v) { return Text{std::move(v), false}; });
  if (secrets == Secrets::refused) {
    error(node.location, path, "only options of sources, stages and sinks can be read from a file",
          "write the value itself");
    return std::nullopt;
  }
  const std::string file = value->substr(5);
  secret_files_.push_back({file, FileStamp::of(file)});
  auto content = options_.read_file ? options_.read_file(file) : failure("files cannot be read here");
  if (!content || content->size() > longest_scalar) {
    error(node.location, path,
          content ? fmt::format("the file {} is too large for a secret", quote(file)) : content.error().message);
    return std::nullopt;
  }
  strip_line_end(*content);
  secrets_.push_back(path);
  return Text{std::move(*content), true};
}

std::optional<std::string> Reader::interpolate(const Yaml& node, const std::string& path) {
  std::string out;
  const std::string_view text = node.text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (i + 1 < text.size() && text[i + 1] == '{') {
      const auto end = text.find('}', i);
      const auto inside = end == std::string_view::npos ? std::string_view() : text.substr(i + 2, end - i - 2);
      const auto value = variable(node, path, inside);
      if (!value) return std::nullopt;
      out += *value;
      if (out.size() > longest_scalar) {
        error(node.location, path, "becomes too long with its variables",
              fmt::format("at most {}", human(Bytes(longest_scalar))));
        return std::nullopt;
      }
      i = end;
    } else {
      error(node.location, path, "a '$' that starts no variable", "write $$ for a dollar sign, ${VAR} for a variable");
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string> Reader::variable(const Yaml& node, const std::string& path, std::string_view inside) {
  const auto cut = inside.find(":-");
  const std::string_view name = inside.substr(0, cut);
  if (!is_variable_name(name)) {
    error(node.location, path, fmt::format("{} is no variable", quote(node.text)), "write ${VAR} or ${VAR:-default}");
    return std::nullopt;
  }
  auto value = options_.env ? options_.env(name) : std::nullopt;
  if (cut != std::string_view::npos) return value && !value->empty() ? *value : std::string(inside.substr(cut + 2));
  if (!value)
    error(node.location, path, fmt::format("the variable {} is not set", name),
          fmt::format("set it, or write ${{{}:-default}}", name));
  return value;
}

std::string why_no_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto rest = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  if (!name.empty() && name.size() <= 64 && letter(name[0]) && std::ranges::all_of(name, rest)) return {};
  return fmt::format("{} is no name: write a to z, then a to z, 0 to 9 and _, at most 64", quote(name));
}

}  // namespace weir::config
