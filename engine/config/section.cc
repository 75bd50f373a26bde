#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/reader.h"

namespace weir::config {
namespace {

Parsed<std::string> parse_name(std::string_view text) {
  if (auto why = why_no_name(text); !why.empty()) return std::unexpected(std::move(why));
  return std::string(text);
}

/// A part, or one output of a stage.
Parsed<std::string> parse_from(std::string_view text) {
  const auto dot = text.find('.');
  for (const auto piece : {text.substr(0, dot), dot == text.npos ? std::string_view("x") : text.substr(dot + 1)})
    if (!why_no_name(piece).empty()) return std::unexpected(why_no_name(text));
  return std::string(text);
}

/// What other products call a key.
std::string_view synonym(std::string_view key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> words{{{"inputs", "from"},
                                                                                {"input", "from"},
                                                                                {"sources", "from"},
                                                                                {"source", "from"},
                                                                                {"depends_on", "from"},
                                                                                {"kind", "type"},
                                                                                {"buffer", "queue"},
                                                                                {"transforms", "stages"},
                                                                                {"outputs", "sinks"}}};
  const auto found = std::ranges::find(words, key, &std::pair<std::string_view, std::string_view>::first);
  return found == words.end() ? std::string_view() : found->second;
}

template <typename T>
Parsed<T> at_least(Parsed<T> value, T least, std::string_view text) {
  if (!value || *value >= least) return value;
  return std::unexpected(fmt::format("{} is too little: at least {}", quote(text), to_text(least)));
}

}  // namespace

Section::Section(Reader& reader, const Yaml* node, std::string path)
    : reader_(reader), node_(node), path_(std::move(path)) {
  if (node_ && node_->kind != Yaml::Kind::map) {
    if (node_->kind != Yaml::Kind::null)
      reader_.error(node_->location, path_, "is no map", "write key: value pairs below it");
    node_ = nullptr;
  }
}

const Yaml* Section::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  if (!node_) return nullptr;
  const auto at = std::ranges::find(node_->entries, key, &YamlEntry::key);
  if (at == node_->entries.end()) return nullptr;
  reader_.note(path(key), at->value.location);
  return &at->value;
}

void Section::finish() {
  if (!node_) return;
  for (const YamlEntry& entry : node_->entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const std::string shown = quote(entry.key);
    const std::string_view other = synonym(entry.key);
    std::string suggestion = std::ranges::find(known_, other) != known_.end() ? fmt::format("did you mean {}?", other)
                                                                              : did_you_mean(entry.key, known_);
    if (suggestion.empty() && known_.size() <= 15) suggestion = "known here: " + join(known_);
    reader_.error(entry.location, path(shown == "'" + entry.key + "'" ? entry.key : shown), "unknown key",
                  std::move(suggestion));
  }
}

void Section::report(const std::optional<Unfit>& unfit) {
  if (unfit) reader_.error_at(path(unfit->field), unfit->what);
}

bool Section::size(std::string_view key, Bytes& out, Bytes least) {
  return value(key, out, [&](std::string_view text) { return at_least(parse_size(text), least, text); });
}

bool Section::duration(std::string_view key, Duration& out, Duration least) {
  return value(key, out, [&](std::string_view text) { return at_least(parse_duration(text), least, text); });
}

bool Section::name(std::string_view key, std::string& out) { return value(key, out, parse_name); }

bool Section::names(std::string_view key, std::vector<std::string>& out) {
  const Yaml* node = find(key);
  if (!node) return false;
  if (node->kind != Yaml::Kind::list) {
    std::string one;
    if (!value(key, one, parse_from)) return false;
    out = {one};
    return true;
  }
  if (node->items.empty()) {
    reader_.error(node->location, path(key), "is an empty list", "name at least one part");
    return false;
  }
  const std::size_t errors = reader_.errors();
  for (const Yaml& item : node->items) {
    const auto text = reader_.text(item, path(key));
    if (!text) continue;
    if (auto name = parse_from(text->value); !name)
      reader_.error(item.location, path(key), std::move(name.error()));
    else if (std::ranges::find(out, text->value) != out.end())
      reader_.error(item.location, path(key), quote(text->value) + " is named twice");
    else
      out.push_back(text->value);
  }
  return reader_.errors() == errors;
}

Parsed<std::uint64_t> Section::ranged(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const auto n = parse_count(text);
  if (!n || (*n >= least && *n <= most)) return n;
  return std::unexpected(fmt::format("{} is out of range: write {} to {}", quote(text), least, most));
}

std::string Section::not_one_of(std::string_view text, const std::vector<std::string>& names) {
  const std::string meant = did_you_mean(text, names);
  return meant.empty() ? fmt::format("{} is none of {}", quote(text), join(names, " or "))
                       : fmt::format("{} is unknown; {}", quote(text), meant);
}

}  // namespace weir::config
