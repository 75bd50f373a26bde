#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/nodes.h"

namespace weir::config {
namespace {

Parsed<Options::Value> as_value(auto parsed) {
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return Options::Value(std::move(*parsed));
}

Parsed<Options::Value> parse_value(const OptionSpec& spec, std::string_view text) {
  switch (spec.kind) {
    case OptionKind::text: return std::string(text);
    case OptionKind::path:
    case OptionKind::expression:
      if (text.empty()) return std::unexpected(std::string("is empty"));
      return std::string(text);
    case OptionKind::address: return as_value(parse_address(text));
    case OptionKind::boolean: return as_value(parse_bool(text));
    case OptionKind::count: return as_value(parse_count(text));
    case OptionKind::size: return as_value(parse_size(text));
    case OptionKind::duration: return as_value(parse_duration(text));
    case OptionKind::rate: return as_value(parse_rate(text));
    case OptionKind::ratio: return as_value(parse_ratio(text));
    case OptionKind::choice:
      if (std::ranges::find(spec.choices, text) == spec.choices.end())
        return std::unexpected(Section::not_one_of(text, spec.choices));
      return std::string(text);
    case OptionKind::texts: return std::vector<std::string>{std::string(text)};
    case OptionKind::table: return std::unexpected(std::string("is no map: write name: value pairs below it"));
  }
  return std::unexpected(std::string("is of no known kind"));
}

std::optional<Options::Value> read_texts(Reader& reader, const Yaml& list, const std::string& path) {
  std::vector<std::string> texts;
  const std::size_t errors = reader.errors();
  for (const Yaml& item : list.items)
    if (auto text = reader.text(item, path, Secrets::allowed)) texts.push_back(std::move(text->value));
  if (reader.errors() != errors) return std::nullopt;
  return texts;
}

std::optional<Options::Value> read_table(Reader& reader, const Yaml& map, const std::string& path) {
  Options::Table table;
  const std::size_t errors = reader.errors();
  for (const YamlEntry& entry : map.entries) {
    const std::string location = path + "." + entry.key;
    reader.note(location, entry.location);
    if (auto text = reader.text(entry.value, location, Secrets::allowed)) table.emplace_back(entry.key, text->value);
  }
  if (reader.errors() != errors) return std::nullopt;
  return table;
}

std::optional<Options::Value> read_given(Reader& reader, const Yaml& node, const std::string& path,
                                         const OptionSpec& spec) {
  if (spec.kind == OptionKind::texts && node.kind == Yaml::Kind::list) return read_texts(reader, node, path);
  if (spec.kind == OptionKind::table && node.kind == Yaml::Kind::map) return read_table(reader, node, path);
  const auto text = reader.text(node, path, Secrets::allowed);
  if (!text) return std::nullopt;
  auto parsed = parse_value(spec, text->value);
  if (parsed) return std::move(*parsed);
  reader.error(node.location, path, text->secret ? "what the file holds is not what is expected here" : parsed.error());
  return std::nullopt;
}

/// Defaults are written by the type's author as in YAML, so lists work in them too.
std::optional<Options::Value> read_fallback(const OptionSpec& spec) {
  if (spec.kind != OptionKind::texts) {
    auto parsed = parse_value(spec, *spec.fallback);
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
  }
  std::vector<Problem> problems;
  const auto list = parse_yaml(*spec.fallback, spec.name, problems);
  if (!list || list->kind != Yaml::Kind::list) return std::vector<std::string>{*spec.fallback};
  std::vector<std::string> texts;
  for (const Yaml& item : list->items) texts.push_back(item.text);
  return texts;
}

}  // namespace

/// The form only: whether this machine has it, or a name resolves, is found out at the start.
Parsed<std::string> parse_address(std::string_view text) {
  const auto wrong = [&](std::string_view why, std::string_view write) {
    return std::unexpected(fmt::format("{} {}: write {}", quote(text), why, write));
  };
  // Whoever writes a user there writes a password as well, which no message may show.
  if (text.find('@') != text.npos)
    return std::unexpected(std::string("names a user: write HOST:PORT alone, as in 127.0.0.1:8080"));
  const auto colon = text.rfind(':');
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto result = colon == text.npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                         : std::from_chars(text.data() + colon + 1, end, port);
  if (result.ec != std::errc{} || result.ptr != end || port > 65535)
    return wrong("has no port", "HOST:PORT, as in 127.0.0.1:8080");
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return wrong("has no host", fmt::format("127.0.0.1{0}, or 0.0.0.0{0} for all addresses", text));
  const bool opened = host.starts_with('['), closed = host.ends_with(']') && host.size() > 2;
  if (opened != closed || (!opened && host.find(':') != host.npos))
    return wrong("is an IPv6 address without its brackets", "[ADDRESS]:PORT, as in [::1]:8080");
  return std::string(text);
}

bool read_options(Reader& reader, Section& section, const std::vector<OptionSpec>& specs, Options& out) {
  const std::size_t errors = reader.errors();
  for (const OptionSpec& spec : specs) {
    const std::string path = section.path(spec.name);
    std::optional<Options::Value> value;
    if (const Yaml* node = section.find(spec.name)) {
      value = read_given(reader, *node, path, spec);
    } else if (spec.fallback) {
      value = read_fallback(spec);
      if (!value)
        reader.error_at(path, fmt::format("its type declares the default {}, which is wrong", quote(*spec.fallback)),
                        "report this defect");
    } else if (spec.required) {
      reader.error_at(path, "is missing", spec.help);
    }
    if (value) out.set(spec.name, std::move(*value));
  }
  return reader.errors() == errors;
}

}  // namespace weir::config
