// journal export: the events of a journal, for other programs.
#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>
#include <weir/component/expression/expression.h>
#include <weir/component/expression/timestamp.h>

#include <algorithm>
#include <array>

#include "commands.h"
#include "exit_codes.h"
#include "journal_folder.h"
#include "journal_records.h"
#include "json_tree.h"
#include "replay_letter.h"

namespace weir::app {
namespace {

std::string with_meta(const JournalEvent& event) {
  std::string received;
  append_rfc3339(event.received, received);
  JsonObject json;
  json.add("sequence", std::to_string(event.sequence));
  json.text("priority", name(event.priority)).text("received", received);
  if (event.dead_letter) json.add("dead_letter", "true");
  if (is_utf8(event.text)) return json.text("event", event.text).json();
  std::string hex;
  for (const char c : event.text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return json.text("event_hex", hex).json();
}

/// Writes events in the form that was asked for.
class Exporter {
 public:
  explicit Exporter(const JournalOptions& options)
      : framed_(options.format == "framed"), meta_(options.with_meta), terminal_(::isatty(STDOUT_FILENO) == 1) {}

  /// False: the reader of the output has gone.
  bool write(const JournalEvent& event) {
    std::string text = meta_ ? with_meta(event) : std::string(event.text);
    if (framed_) return frame(text);
    on_one_line(text);
    if (terminal_) text = terminal_text(text);
    text += '\n';
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  }
  std::uint64_t broken_lines() const { return broken_lines_; }

 private:
  /// Four bytes of length, big endian: what a tcp source with `framing: length` reads.
  static bool frame(const std::string& text) {
    const auto n = static_cast<std::uint32_t>(text.size());
    const std::array<char, 4> head{static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                                   static_cast<char>(n)};
    return std::fwrite(head.data(), 1, head.size(), stdout) == head.size() &&
           std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  }
  /// In JSON a line feed can only stand between its parts.
  void on_one_line(std::string& text) {
    if (text.find_first_of("\n\r") == text.npos) return;
    if (!json_.is_json(text)) {
      ++broken_lines_;
      return;
    }
    std::ranges::replace(text, '\n', ' ');
    std::ranges::replace(text, '\r', ' ');
  }

  const bool framed_, meta_, terminal_;
  LetterReader json_;
  std::uint64_t broken_lines_ = 0;
};

int export_all(JournalRecords& records, JournalFilter& filter, Exporter& exporter, bool live) {
  bool holes = false;
  for (;;) {
    const auto event = records.next();
    if (!event) return complain(event.error().message), failed;
    for (const auto& hole : records.take_holes()) {
      holes = holes || !hole.gone;
      complain(fmt::format("events {} to {} are not there: {}", hole.first, hole.first + hole.events - 1,
                           hole.gone ? "they were given up meanwhile" : "weir journal check says more"));
    }
    if (!*event) break;
    if (!filter.takes(**event)) continue;
    if (!exporter.write(**event)) return failed;
  }
  if (exporter.broken_lines())
    complain(
        fmt::format("{} events hold line feeds and are no JSON, so they stand on several lines: --with-meta or "
                    "--format framed keeps them apart",
                    exporter.broken_lines()));
  if (std::fflush(stdout) != 0) return failed;
  return holes && !live ? damaged : ok;
}

}  // namespace

int journal_export(const std::string& path, const JournalOptions& options) {
  auto filter = JournalFilter::make(options.where);
  if (!filter) return complain("--where: " + filter.error().message), bad_usage;
  const auto folder = open_journal(path, options.live ? Live::yes : Live::no);
  if (!folder) return failed;
  const auto found = look_into(*folder);
  if (!found) return failed;
  std::uint64_t from = options.from;
  if (!options.consumer.empty()) {
    const auto cursor = found->cursors.find(options.consumer);
    if (cursor == found->cursors.end()) {
      std::string names;
      for (const auto& [name, at] : found->cursors) names += (names.empty() ? "" : ", ") + name;
      return complain(fmt::format("{} has no consumer {}: it has {}", folder->path, options.consumer,
                                  names.empty() ? "none" : names)),
             bad_usage;
    }
    if (cursor->second) from = cursor->second->sequence;
  }
  JournalRecords records(folder->path, *found, from, options.to ? options.to : ~0ull);
  Exporter exporter(options);
  return export_all(records, *filter, exporter, options.live);
}

}  // namespace weir::app
