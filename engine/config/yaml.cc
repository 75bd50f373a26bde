#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "config/utf8.h"

namespace weir::config {
namespace {

/// Ends the parse; never leaves this file.
struct Refused {
  SourceLocation location;
  std::string message, suggestion;
};

std::size_t values_in(const Yaml& node) {
  std::size_t n = 1;
  for (const Yaml& item : node.items) n += values_in(item);
  for (const YamlEntry& entry : node.entries) n += values_in(entry.value);
  return n;
}

const YamlEntry* entry_with(const Yaml& map, std::string_view key) {
  const auto at = std::ranges::find(map.entries, key, &YamlEntry::key);
  return at == map.entries.end() ? nullptr : &*at;
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, std::vector<Problem>& problems, const YamlLimits& limits)
      : file_(file), problems_(problems), limits_(limits) {}

  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // A key without a value is marked where the next token stands: the key's own place says more.
    const bool after_key = !stack_.empty() && stack_.back().has_key;
    add({Yaml::Kind::null, {}, after_key ? stack_.back().key.location : location(mark), {}, {}}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    add({Yaml::Kind::scalar, value, location(mark), {}, {}}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto at = anchors_.find(anchor);
    if (at == anchors_.end()) throw Refused{location(mark), "this alias refers to what it is a part of", {}};
    count(values_in(at->second), location(mark));
    add(Yaml(at->second), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Yaml::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Yaml node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    YamlEntry key;
    std::vector<Yaml> merged;  // what `<<` named
  };

  SourceLocation location(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void count(std::size_t more, const SourceLocation& where) {
    values_ += more;
    if (values_ > limits_.values)
      throw Refused{
          where, fmt::format("more than {} values, aliases counted with all they stand for", limits_.values), {}};
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{location(mark), fmt::format("the tag {} means nothing here", quote(tag)), "leave it out"};
  }

  void open(Yaml::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (stack_.size() >= limits_.depth)
      throw Refused{location(mark), fmt::format("nested deeper than {} levels", limits_.depth), {}};
    if (stack_.empty() || stack_.back().node.kind != Yaml::Kind::map || stack_.back().has_key) {
      stack_.push_back({{kind, {}, location(mark), {}, {}}, anchor, false, {}, {}});
    } else {
      throw Refused{location(mark), "a key has to be a word", {}};
    }
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    for (Yaml& from : frame.merged) merge(frame.node, std::move(from));
    add(std::move(frame.node), frame.anchor);
  }

  void add(Yaml node, YAML::anchor_t anchor) {
    count(1, node.location);
    if (anchor != 0) {
      count(values_in(node), node.location);
      anchors_.insert_or_assign(anchor, node);
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Yaml::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      if (node.kind != Yaml::Kind::scalar) throw Refused{node.location, "a key has to be a word", {}};
      frame.has_key = true;
      frame.key = {std::move(node.text), std::move(node.location), {}};
    } else {
      frame.has_key = false;
      frame.key.value = std::move(node);
      add_entry(frame);
    }
  }

  void add_entry(Frame& frame) {
    YamlEntry& entry = frame.key;
    if (entry.key == "<<") {
      take_merge(frame);
    } else if (const YamlEntry* first = entry_with(frame.node, entry.key)) {
      problems_.push_back({entry.location,
                           {},
                           fmt::format("the key {} is already set at {}", quote(entry.key), to_text(first->location)),
                           "keep one of the two",
                           false});
    } else {
      if (frame.node.entries.size() >= limits_.keys)
        throw Refused{entry.location, fmt::format("more than {} keys in one map", limits_.keys), {}};
      frame.node.entries.push_back(std::move(entry));
    }
  }

  void take_merge(Frame& frame) {
    Yaml& value = frame.key.value;
    std::vector<Yaml> maps;
    if (value.kind == Yaml::Kind::list)
      maps = std::move(value.items);
    else
      maps.push_back(std::move(value));
    for (Yaml& map : maps) {
      if (map.kind != Yaml::Kind::map)
        throw Refused{frame.key.location, "'<<' takes a map or a list of maps", "write <<: *anchor"};
      frame.merged.push_back(std::move(map));
    }
  }

  void merge(Yaml& into, Yaml from) {
    for (YamlEntry& entry : from.entries) {
      if (entry_with(into, entry.key)) continue;
      if (into.entries.size() >= limits_.keys)
        throw Refused{entry.location, fmt::format("more than {} keys in one map", limits_.keys), {}};
      into.entries.push_back(std::move(entry));
    }
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  const YamlLimits& limits_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  std::size_t values_ = 0;
  Yaml root_;
};

}  // namespace

std::optional<Yaml> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems,
                               const YamlLimits& limits) {
  const auto refuse = [&](SourceLocation location, std::string message, std::string suggestion = {}) {
    problems.push_back({std::move(location), {}, std::move(message), std::move(suggestion), false});
    return std::nullopt;
  };
  if (text.size() > limits.bytes)
    return refuse({file, 0, 0},
                  fmt::format("{} bytes, which is more than a configuration may have ({})", text.size(), limits.bytes),
                  "split it into several files");
  if (const auto bad = first_bad_character(text))
    return refuse({file, bad->line, bad->column}, bad->what, "save it as UTF-8 text");
  Builder builder(file, problems, limits);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return Yaml{Yaml::Kind::null, {}, {file, 1, 1}, {}, {}};
    Yaml root = builder.take();
    std::vector<Problem> ignored;
    Builder rest(file, ignored, limits);
    if (parser.HandleNextDocument(rest))
      return refuse({file, 1, 1}, "more than one document", "put each into a file of its own");
    return root;
  } catch (const Refused& e) {
    return refuse(e.location, e.message, e.suggestion);
  } catch (const YAML::Exception& e) {
    return refuse({file, e.mark.line + 1, e.mark.column + 1}, fmt::format("this is not YAML: {}", e.msg));
  }
}

}  // namespace weir::config
