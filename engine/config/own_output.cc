// A flow that reads what it writes itself: its events would go round for ever, each time more of them.
#include <fmt/format.h>
#include <fnmatch.h>
#include <weir/base/held_file.h>

#include <algorithm>
#include <filesystem>

#include "config/checks.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;

fs::path absolute(const std::string& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal();
}

bool same_place(const std::string& a, const std::string& b) {
  const auto first = look_at(a), second = look_at(b);
  return first && second && *first && *second && (*first)->same_file(**second);
}

/// The last part of what is read may be a pattern.
bool reads_file(const std::string& read, const std::string& written) {
  const auto from = absolute(read), to = absolute(written);
  if (from == to || same_place(from, to)) return true;
  const bool same_folder = from.parent_path() == to.parent_path() || same_place(from.parent_path(), to.parent_path());
  return same_folder && ::fnmatch(from.filename().c_str(), to.filename().c_str(), FNM_PERIOD) == 0;
}

const std::string* path_of(const std::vector<OptionSpec>& specs, const Options& options) {
  const bool has = std::ranges::any_of(
      specs, [](const OptionSpec& spec) { return spec.name == "path" && spec.kind == OptionKind::path; });
  return has && options.has("path") ? &options.text("path") : nullptr;
}

/// "host:port" of "http://host:port/path".
std::string_view authority(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  return url.substr(url.rfind('@') + 1);  // a password is nobody's to see
}

bool listens_at(std::string_view listen, std::string_view address) {
  if (listen.empty() || address.empty()) return false;
  if (listen == address) return true;
  const auto port = listen.rfind(':'), other = address.rfind(':');
  if (port == listen.npos || other == address.npos || listen.substr(port) != address.substr(other)) return false;
  const auto is_here = [](std::string_view host) {
    return host == "127.0.0.1" || host == "localhost" || host == "[::1]" || host == "0.0.0.0" || host == "[::]";
  };
  return listen.substr(port) != ":0" && is_here(listen.substr(0, port)) && is_here(address.substr(0, other));
}

bool contains(const auto& all, const auto& one) { return std::ranges::find(all, one) != std::ranges::end(all); }

std::string text_of(const Options& options, std::string_view name) { return options.get_or<std::string>(name, {}); }

std::vector<std::string> texts_of(const Options& options, std::string_view name) {
  return options.has(name) ? options.get<std::vector<std::string>>(name) : std::vector<std::string>{};
}

/// What both name; empty: nothing that is known here.
std::string shared(const Source& source, const SourceType& reads, const Sink& sink, const SinkType& writes) {
  if (const auto *from = path_of(reads.options, source.options), *to = path_of(writes.options, sink.options);
      from && to && reads_file(*from, *to))
    return *to;
  if (source.type != sink.type) return {};
  if (source.type == "http" && listens_at(text_of(source.options, "listen"), authority(text_of(sink.options, "url"))))
    return std::string(authority(sink.options.text("url")));
  if (source.type != "kafka" || !contains(texts_of(source.options, "topics"), text_of(sink.options, "topic")))
    return {};
  const auto brokers = texts_of(source.options, "brokers");
  const bool same = std::ranges::any_of(texts_of(sink.options, "brokers"),
                                        [&](const auto& broker) { return contains(brokers, broker); });
  return same ? "topic " + text_of(sink.options, "topic") : std::string();
}

/// All sources whose events, or dead letters, may come to this sink, also by way of journals.
void collect(const Graph& graph, const Sink& sink, std::vector<const Source*>& found) {
  for (const Source* source : graph.all_sources_of(sink)) {
    if (contains(found, source)) continue;
    found.push_back(source);
    if (const Sink* journal = source->is_consumer() ? graph.sink(source->journal) : nullptr)
      collect(graph, *journal, found);
  }
}

}  // namespace

void check_own_output(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft) {
  for (const Sink& sink : draft.config.sinks) {
    const SinkType* writes = catalog.sink(sink.type);
    if (!writes || sink.is_journal || draft.broken.contains(sink.name)) continue;
    std::vector<const Source*> sources;
    collect(graph, sink, sources);
    for (const Source* source : sources) {
      const SourceType* reads = catalog.source(source->type);
      if (!reads || source->is_consumer() || draft.broken.contains(source->name)) continue;
      if (const auto what = shared(*source, *reads, sink, *writes); !what.empty())
        reader.error_at(
            sink.path(),
            fmt::format("writes to {}, which {} reads: its own events would come back for ever", what, source->path()),
            "write to another place, or read from a narrower one");
    }
  }
}

}  // namespace weir::config
