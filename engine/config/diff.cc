#include "config/diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/problem.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

class Differences {
 public:
  std::vector<std::string> take() { return std::move(found_); }
  void say(std::string what) { found_.push_back(std::move(what)); }
  void compare(const std::string& path, const std::string& was, const std::string& is) {
    if (was != is) say(fmt::format("{}: {}, was {}", path, is.empty() ? "nothing" : is, was.empty() ? "nothing" : was));
  }
  template <typename T>
  void compare_values(const std::string& path, const T& was, const T& is) {
    if (!(was == is)) say(path + " differs");
  }

 private:
  std::vector<std::string> found_;
};

std::string yes(bool value) { return value ? "true" : "false"; }

void compare_node(Differences& out, const std::string& path, const Node& was, const Node& is) {
  out.compare(path + ".type", was.type, is.type);
  out.compare(path + ".from", join(was.from), join(is.from));
  if (was.type == is.type) out.compare_values(path + ".options", was.options, is.options);
}

bool same(const PriorityRule& a, const PriorityRule& b) {
  return a.header == b.header && a.path == b.path && a.map == b.map && a.fallback == b.fallback;
}

void compare(Differences& out, const std::string& path, const Source& was, const Source& is) {
  compare_node(out, path, was, is);
  out.compare(path + ".acks", std::string(name(was.acks)), std::string(name(is.acks)));
  if (was.has_priorities != is.has_priorities || !same(was.priorities, is.priorities))
    out.say(path + ".priority differs");
  out.compare_values(path + ".on_malformed", was.on_malformed, is.on_malformed);
  out.compare(path + ".dead_letter", was.dead_letter, is.dead_letter);
}

void compare(Differences& out, const std::string& path, const Stage& was, const Stage& is) {
  compare_node(out, path, was, is);
  out.compare(path + ".dead_letter", was.dead_letter, is.dead_letter);
}

void compare(Differences& out, const std::string& path, const Sink& was, const Sink& is) {
  compare_node(out, path, was, is);
  out.compare(path + ".required", yes(was.required), yes(is.required));
  out.compare(path + ".consumer", was.consumer.name, is.consumer.name);
  out.compare(path + ".consumer.when_behind", was.consumer.holds ? "hold" : "skip",
              is.consumer.holds ? "hold" : "skip");
  out.compare(path + ".workers", std::to_string(was.workers), std::to_string(is.workers));
  out.compare(path + ".queue.when_full", was.spills() ? "spill" : "no spill", is.spills() ? "spill" : "no spill");
  if (was.spills() && is.spills()) out.compare_values(path + ".queue.spill", was.spill, is.spill);
  out.compare_values(path + ".on_failure", was.on_failure, is.on_failure);
  out.compare(path + ".dead_letter", was.dead_letter, is.dead_letter);
}

std::string path_of(const Stage& stage) { return "stages." + stage.name; }
template <typename T>
std::string path_of(const T& part) {
  return part.path();
}

template <typename T>
void compare_parts(Differences& out, const std::vector<T>& was, const std::vector<T>& is) {
  for (const T& old : was) {
    const auto now = std::ranges::find(is, old.name, &T::name);
    const std::string path = path_of(old);
    if (now == is.end())
      out.say(path + " is gone");
    else
      compare(out, path, old, *now);
  }
  for (const T& part : is)
    if (std::ranges::find(was, part.name, &T::name) == was.end()) out.say(path_of(part) + " is new");
}

}  // namespace

std::vector<std::string> topology_differences(const Config& running, const Config& next) {
  Differences out;
  compare_parts(out, running.sources, next.sources);
  compare_parts(out, running.stages, next.stages);
  compare_parts(out, running.sinks, next.sinks);
  out.compare("admin.listen", running.admin.listen, next.admin.listen);
  out.compare("reactors", std::to_string(running.reactors), std::to_string(next.reactors));
  out.compare("drain_deadline", to_text(running.drain_deadline), to_text(next.drain_deadline));
  out.compare("batch_bytes", to_text(running.batch_bytes), to_text(next.batch_bytes));
  out.compare("memory", to_text(running.memory.memory), to_text(next.memory.memory));
  if (next.memory.footprints > running.memory.footprints)
    out.say(fmt::format("memory: parts would declare {}, and {} are set aside", human(next.memory.footprints),
                        human(running.memory.footprints)));
  return out.take();
}

}  // namespace weir::config
