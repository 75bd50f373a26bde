// The output of journal ls, check and repair; the work is done in engine/journal.
#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "commands.h"
#include "config/units_parse.h"
#include "exit_codes.h"
#include "journal/repair.h"
#include "journal_folder.h"
#include "json_tree.h"

namespace weir::app {
namespace {

using config::human;
using journal::Recovered;
using journal::Segment;

std::uint64_t events_of(const Segment& segment) {
  return segment.end > segment.first ? segment.end - segment.first : 0;
}

/// Events and bytes that lie between a place and the end.
Load behind(const Recovered& found, const journal::Position& from) {
  Load load{found.end.sequence - std::min(from.sequence, found.end.sequence), {}};
  for (const Segment& segment : found.segments) {
    if (segment.end <= from.sequence || events_of(segment) == 0) continue;
    const std::uint64_t begin = segment.number == from.segment ? from.offset : journal::segment_header_size;
    if (segment.limit > begin) load.bytes += Bytes(segment.limit - begin);
  }
  return load;
}

/// When the first event of a segment came in; nothing: it has none, or the first record cannot be read.
std::optional<Duration> age(const JournalFolder& folder, const Recovered& found, const Segment& segment, WallTime now) {
  auto scan = journal::scan_of(journal::system_disk(), folder.path, found.id, segment.number, {});
  if (!scan || events_of(segment) == 0) return std::nullopt;
  const auto record = scan->at(journal::segment_header_size, segment.limit);
  if (!record || !*record) return std::nullopt;
  return std::max(Duration{0}, now.time_since_epoch() - Duration((*record)->header.received_wall));
}

struct Overview {
  std::uint64_t first = 0, events = 0, bytes = 0, spare_bytes = 0;
};
Overview overview(const Recovered& found) {
  Overview all{.first = found.end.sequence};
  for (const Segment& segment : found.segments) {
    if (events_of(segment) > 0) all.first = std::min(all.first, segment.first);
    all.events += events_of(segment);
    all.bytes += segment.size;
  }
  for (const auto& spare : found.spares) all.spare_bytes += spare.size;
  return all;
}

void print_table(const JournalFolder& folder, const Recovered& found, WallTime now) {
  const Overview all = overview(found);
  fmt::print("{}: {} events, {} in {} segments", terminal_text(folder.path), all.events, human(Bytes(all.bytes)),
             found.segments.size());
  fmt::print("{}\n\n", found.spares.empty()
                           ? ""
                           : fmt::format(", {} in {} spare ones", human(Bytes(all.spare_bytes)), found.spares.size()));
  fmt::print("{:>8} {:>12} {:>12} {:>10} {:>10}  {}\n", "SEGMENT", "FIRST", "END", "EVENTS", "BYTES", "AGE");
  for (const Segment& segment : found.segments) {
    const auto old = age(folder, found, segment, now);
    fmt::print("{:>8} {:>12} {:>12} {:>10} {:>10}  {}\n", segment.number, segment.first,
               std::max(segment.first, segment.end), events_of(segment), human(Bytes(segment.size)),
               old ? human(*old) : "-");
  }
  fmt::print("\n{:<24} {:>12} {:>12} {:>10}\n", "CONSUMER", "POSITION", "LAG EVENTS", "LAG BYTES");
  for (const auto& [name, cursor] : found.cursors) {
    const auto at = cursor.value_or(journal::Position{all.first, 0, 0});
    const Load lag = behind(found, at);
    fmt::print("{:<24} {:>12} {:>12} {:>10}\n", terminal_text(name), at.sequence, std::min(lag.events, all.events),
               human(lag.bytes));
  }
  if (found.cursors.empty()) fmt::print("nobody reads it\n");
  for (const auto& note : found.notes) fmt::print("note: {}\n", terminal_text(note));
}

void print_json(const JournalFolder& folder, const Recovered& found, WallTime now) {
  const Overview all = overview(found);
  std::vector<std::string> segments, consumers;
  for (const Segment& segment : found.segments) {
    const auto old = age(folder, found, segment, now);
    JsonObject row;
    row.add("number", std::to_string(segment.number)).add("first", std::to_string(segment.first));
    row.add("end", std::to_string(std::max(segment.first, segment.end)));
    row.add("events", std::to_string(events_of(segment))).add("bytes", std::to_string(segment.size));
    row.add("age_s", old ? fmt::format("{:.3f}", seconds(*old)) : "null");
    segments.push_back(row.json());
  }
  for (const auto& [name, cursor] : found.cursors) {
    const auto at = cursor.value_or(journal::Position{all.first, 0, 0});
    const Load lag = behind(found, at);
    JsonObject row;
    row.text("name", name).add("position", std::to_string(at.sequence)).add("readable", cursor ? "true" : "false");
    row.add("lag_events", std::to_string(std::min(lag.events, all.events)));
    row.add("lag_bytes", std::to_string(lag.bytes.count()));
    consumers.push_back(row.json());
  }
  JsonObject json;
  json.text("path", folder.path).add("first", std::to_string(all.first)).add("end", std::to_string(found.end.sequence));
  json.add("events", std::to_string(all.events)).add("bytes", std::to_string(all.bytes));
  json.add("spare_bytes", std::to_string(all.spare_bytes)).add("segments", json_array(segments));
  json.add("consumers", json_array(consumers)).add("notes", json_texts(found.notes));
  fmt::print("{}", indented(json.json()));
}

std::string json_of(const journal::Checked& checked) {
  std::vector<std::string> findings;
  for (const auto& finding : checked.findings) {
    JsonObject row;
    row.text("code", finding.code).add("damage", finding.damage ? "true" : "false").text("file", finding.file);
    row.text("what", finding.what).add("lost_events", std::to_string(finding.events));
    findings.push_back(row.json());
  }
  JsonObject json;
  json.add("damaged", checked.damaged() ? "true" : "false").add("first", std::to_string(checked.first));
  json.add("end", std::to_string(checked.end)).add("segments", std::to_string(checked.segments));
  json.add("records", std::to_string(checked.records)).add("events", std::to_string(checked.events));
  json.add("bytes", std::to_string(checked.bytes)).add("lost_events", std::to_string(checked.lost));
  return indented(json.add("findings", json_array(findings)).json());
}

void carry_out(const journal::RepairStep& step, bool done) {
  fmt::print("{}: {}{}\n", terminal_text(step.file), done ? "done: " : "", terminal_text(step.what));
}

/// Says which events no repair can bring back.
int tell_what_stays(const JournalFolder& folder) {
  const auto checked = journal::check(journal::system_disk(), folder.path);
  if (!checked) return complain(checked.error().message), failed;
  for (const auto& finding : checked->findings)
    if (finding.damage)
      fmt::print("stays: {}{}{}\n", terminal_text(finding.file), finding.file.empty() ? "" : ": ",
                 terminal_text(finding.what));
  if (checked->lost > 0)
    fmt::print("lost events stay lost: readers step over them and count them; everything else can be read\n");
  return ok;
}

}  // namespace

int journal_ls(const std::string& path, const JournalOptions& options) {
  const auto folder = open_journal(path, options.live ? Live::yes : Live::no);
  if (!folder) return failed;
  const auto found = look_into(*folder);
  if (!found) return failed;
  const auto now = system_clock().wall();
  options.json ? print_json(*folder, *found, now) : print_table(*folder, *found, now);
  return std::fflush(stdout) == 0 ? ok : failed;
}

int journal_check(const std::string& path, const JournalOptions& options) {
  const auto folder = open_journal(path, Live::not_offered);
  if (!folder) return failed;
  const auto checked = journal::check(journal::system_disk(), folder->path);
  if (!checked) return complain(checked.error().message), failed;
  if (options.json) {
    fmt::print("{}", json_of(*checked));
  } else {
    for (const auto& finding : checked->findings)
      fmt::print("{}: {}{}{}\n", finding.damage ? finding.code : finding.code + " (no damage)",
                 terminal_text(finding.file), finding.file.empty() ? "" : ": ", terminal_text(finding.what));
    fmt::print("{}: {} segments, {} records, {} events, {} are whole; {}\n", terminal_text(folder->path),
               checked->segments, checked->records, checked->events, human(Bytes(checked->bytes)),
               checked->lost > 0    ? fmt::format("{} events are lost", checked->lost)
               : checked->damaged() ? "damage was found"
                                    : "no damage");
  }
  if (std::fflush(stdout) != 0) return failed;
  return checked->damaged() ? damaged : ok;
}

int journal_forget(const std::string& path, const JournalOptions& options) {
  const auto folder = open_journal(path, Live::not_offered);
  if (!folder) return failed;
  const auto found = look_into(*folder);
  if (!found) return failed;
  const auto cursor = found->cursors.find(options.consumer);
  if (cursor == found->cursors.end())
    return complain(fmt::format("{} has no consumer {}: `weir journal ls {}` shows them", folder->path,
                                options.consumer, folder->path)),
           bad_usage;
  const Load lag = behind(*found, cursor->second.value_or(journal::Position{overview(*found).first, 0, 0}));
  const auto forgotten = journal::CursorFile::forget(journal::system_disk(), folder->path, options.consumer);
  if (!forgotten) return complain(forgotten.error().message), failed;
  fmt::print("{}: consumer {} is forgotten; {} events that it had not read are no longer kept for it\n",
             terminal_text(folder->path), terminal_text(options.consumer), lag.events);
  return ok;
}

int journal_repair(const std::string& path, const JournalOptions& options) {
  const auto folder = open_journal(path, Live::not_offered);
  if (!folder) return failed;
  const auto plan = journal::plan_repair(journal::system_disk(), folder->path);
  if (!plan) return complain(plan.error().message), failed;
  if (!plan->refused.empty()) return complain(folder->path + ": " + plan->refused), damaged;
  for (const auto& step : plan->steps) {
    if (options.apply)
      if (const auto done = journal::apply(journal::system_disk(), folder->path, step); !done)
        return complain(fmt::format("{}: {}; what was done before stays done, and the next repair goes on", step.file,
                                    done.error().message)),
               failed;
    carry_out(step, options.apply);
  }
  if (plan->steps.empty()) fmt::print("{}: nothing to repair\n", terminal_text(folder->path));
  if (options.apply || plan->steps.empty()) return tell_what_stays(*folder);
  fmt::print("nothing has been changed: --apply does it\n");
  return damaged;
}

}  // namespace weir::app
