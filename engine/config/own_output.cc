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

/// The file that this sink writes and that source reads; empty: none that is known here.
std::string shared_file(const Source& source, const SourceType& reads, const Sink& sink, const SinkType& writes) {
  const auto *from = path_of(reads.options, source.options), *to = path_of(writes.options, sink.options);
  if (!from || !to) return {};
  if (reads_file(*from, *to)) return *to;
  const bool rotates = sink.options.has("rotate_size") && reads_file(*from, *to + ".000001");
  return rotates ? "the rotated files of " + *to : std::string();
}

/// The address or topic that both name; empty: none that is known here.
std::string shared_place(const Source& source, const Sink& sink) {
  for (const char* target : {"url", "address"})
    if (const auto to = text_of(sink.options, target); listens_at(text_of(source.options, "listen"), authority(to)))
      return std::string(authority(to));
  if (source.type != "kafka" || sink.type != "kafka" ||
      !contains(texts_of(source.options, "topics"), text_of(sink.options, "topic")))
    return {};
  const auto brokers = texts_of(source.options, "brokers");
  const bool same = std::ranges::any_of(texts_of(sink.options, "brokers"),
                                        [&](const auto& broker) { return contains(brokers, broker); });
  return same ? "topic " + text_of(sink.options, "topic") : std::string();
}

/// All sources whose events, or dead letters, may come to this sink, also by way of journals, and of other sinks that
/// send to the address or topic of another source.
void collect(const Graph& graph, const Config& config, const Sink& sink, std::vector<const Source*>& found) {
  for (const Source* source : graph.all_sources_of(sink)) {
    if (contains(found, source)) continue;
    found.push_back(source);
    if (const Sink* journal = source->is_consumer() ? graph.sink(source->journal) : nullptr)
      collect(graph, config, *journal, found);
    for (const Sink& sender : config.sinks)
      if (!shared_place(*source, sender).empty()) collect(graph, config, sender, found);
  }
}

void check_sink(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft, const Sink& sink) {
  const SinkType* writes = catalog.sink(sink.type);
  if (!writes || sink.is_journal || draft.broken.contains(sink.name)) return;
  std::vector<const Source*> own;
  collect(graph, draft.config, sink, own);
  for (const Source& source : draft.config.sources) {
    const SourceType* reads = catalog.source(source.type);
    if (!reads || source.is_consumer() || draft.broken.contains(source.name)) continue;
    const bool comes_back = contains(own, &source);
    auto what = shared_file(source, *reads, sink, *writes);
    if (!what.empty() && !comes_back)
      reader.error_at(
          sink.path(),
          fmt::format("writes to {}, which {} reads: a process does not read the files it writes", what, source.path()),
          "pass the events on with from: instead");
    if (what.empty() && comes_back) what = shared_place(source, sink);
    if (!what.empty() && comes_back)
      reader.error_at(
          sink.path(),
          fmt::format("writes to {}, which {} reads: its own events would come back for ever", what, source.path()),
          "write to another place, or read from a narrower one");
  }
}

/// The checkpoint of one source is no input of another.
void check_checkpoints(Reader& reader, const Catalog& catalog, const Draft& draft) {
  for (const Source& writer : draft.config.sources)
    for (const Source& source : draft.config.sources) {
      const SourceType* reads = catalog.source(source.type);
      if (&source == &writer || !reads || draft.broken.contains(source.name) || draft.broken.contains(writer.name))
        continue;
      const auto* from = path_of(reads->options, source.options);
      const auto checkpoint = text_of(writer.options, "checkpoint");
      if (from && !checkpoint.empty() && reads_file(*from, checkpoint))
        reader.error_at(writer.path() + ".checkpoint", fmt::format("is {}, which {} reads", checkpoint, source.path()),
                        "name another file");
    }
}

}  // namespace

void check_own_output(Reader& reader, const Catalog& catalog, const Graph& graph, const Draft& draft) {
  for (const Sink& sink : draft.config.sinks) check_sink(reader, catalog, graph, draft, sink);
  check_checkpoints(reader, catalog, draft);
}

Result<void> check_own_addresses(const Config& config,
                                 const std::function<bool(const std::string&, const std::string&)>& reaches) {
  const Graph graph(config);
  for (const Sink& sink : config.sinks) {
    std::vector<const Source*> own;
    collect(graph, config, sink, own);
    for (const char* option : {"url", "address"})
      for (const Source* source : own) {
        const auto listen = text_of(source->options, "listen"), to = text_of(sink.options, option);
        const std::string dialled(authority(to));
        if (!listen.empty() && !dialled.empty() && reaches(dialled, listen))
          return failure(
              fmt::format("sink {}: {} is where source {} listens ({}): its own events would come back for "
                          "ever; send to another address",
                          sink.name, dialled, source->name, listen));
      }
  }
  return {};
}

}  // namespace weir::config
