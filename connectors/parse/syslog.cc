// Syslog: RFC 5424, and the older form that RFC 3164 describes.
#include <algorithm>
#include <array>
#include <charconv>

#include "format.h"

namespace weir::parse {
namespace {

constexpr std::array<std::string_view, 8> severities{"emergency", "alert",  "critical",      "error",
                                                     "warning",   "notice", "informational", "debug"};
constexpr std::array<std::string_view, 24> facilities{"kern",   "user",     "mail",   "daemon", "auth",     "syslog",
                                                      "lpr",    "news",     "uucp",   "cron",   "authpriv", "ftp",
                                                      "ntp",    "logaudit", "alert",  "clock",  "local0",   "local1",
                                                      "local2", "local3",   "local4", "local5", "local6",   "local7"};
constexpr std::string_view nothing = "-";

/// Up to the next space, which goes too. Nothing: there is none.
std::optional<std::string_view> take_word(std::string_view& line) {
  const auto end = line.find(' ');
  if (end == line.npos) return std::nullopt;
  const auto word = line.substr(0, end);
  line.remove_prefix(end + 1);
  return word;
}

/// `<165>`
std::optional<unsigned> take_priority(std::string_view& line) {
  const auto end = line.substr(0, 5).find('>');
  if (!line.starts_with('<') || end == line.npos || end < 2) return std::nullopt;
  unsigned priority = 0;
  const auto [stop, error] = std::from_chars(line.data() + 1, line.data() + end, priority);
  if (error != std::errc{} || stop != line.data() + end || priority > 191) return std::nullopt;
  line.remove_prefix(end + 1);
  return priority;
}

class Syslog final : public Format {
 public:
  Trouble parse(std::string_view line, Members& out) override {
    const auto priority = take_priority(line);
    if (!priority) return "it does not begin with a priority from <0> to <191>";
    out.add("facility", facilities[*priority / 8]);
    out.add("severity", severities[*priority % 8]);
    if (!line.starts_with("1 ")) return parse_old(line, out);
    line.remove_prefix(2);
    return parse_new(line, out);
  }

 private:
  static Trouble parse_new(std::string_view line, Members& out) {
    for (const std::string_view name : {"timestamp", "host", "app", "pid", "msgid"}) {
      const auto word = take_word(line);
      if (!word || word->empty()) return "its header has too few fields";
      if (*word != nothing) out.add(name, *word);
    }
    if (auto wrong = take_data(line, out)) return wrong;
    if (!line.empty() && line.front() != ' ') return "something follows its structured data at once";
    if (!line.empty()) line.remove_prefix(1);
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";  // section 6.4: it says UTF-8, and is no text
    if (line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
    return out.add("message", line) ? Trouble{} : Trouble{too_many_members};
  }

  static Trouble take_data(std::string_view& line, Members& out) {
    constexpr std::string_view wrong = "its structured data is not complete";
    if (line.starts_with(nothing)) {
      line.remove_prefix(1);
      return std::nullopt;
    }
    if (!line.starts_with('[')) return wrong;
    while (line.starts_with('[')) {
      line.remove_prefix(1);
      const auto id = line.substr(0, line.find_first_of(" ]=\""));
      if (id.empty() || id.size() == line.size()) return wrong;
      if (out.has_group(id)) return "its structured data has one element twice";
      line.remove_prefix(id.size());
      if (!out.add_group(id)) return too_many_members;
      while (line.starts_with(' ')) {
        line.remove_prefix(1);
        if (auto trouble = take_parameter(id, line, out)) return trouble;
      }
      if (!line.starts_with(']')) return wrong;
      line.remove_prefix(1);
    }
    return std::nullopt;
  }

  /// name="value", in which \" \\ and \] stand for themselves
  static Trouble take_parameter(std::string_view id, std::string_view& line, Members& out) {
    constexpr std::string_view wrong = "a parameter of its structured data is not complete";
    const auto name = line.substr(0, line.find_first_of(" ]=\""));
    line.remove_prefix(name.size());
    if (name.empty() || !line.starts_with("=\"")) return wrong;
    line.remove_prefix(2);
    std::size_t end = 0;
    bool escapes = false;
    for (; end < line.size() && line[end] != '"'; ++end) {
      if (line[end] == ']') return wrong;
      if (line[end] != '\\') continue;
      escapes = true;
      ++end;
    }
    if (end >= line.size()) return wrong;
    const auto inside = line.substr(0, end);
    line.remove_prefix(end + 1);
    const auto stands_for_itself = [](char c) { return c == '"' || c == '\\' || c == ']'; };
    const auto value = escapes ? out.without_backslashes(inside, stands_for_itself) : inside;
    return out.add_to(id, name, value) ? Trouble{} : Trouble{too_many_members};
  }

  /// `Oct 11 22:14:15 host app[pid]: text`. Senders leave out or change much of it: what is not there is left out.
  static Trouble parse_old(std::string_view line, Members& out) {
    if (has_old_time(line)) {
      out.add("timestamp", line.substr(0, 15));
      line.remove_prefix(16);
      if (const auto host = take_word(line)) out.add("host", *host);
    }
    take_tag(line, out);
    return out.add("message", line) ? Trouble{} : Trouble{too_many_members};
  }

  static bool has_old_time(std::string_view line) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    constexpr std::string_view shape = "Mmm dd 00:00:00 ";
    const auto month = months.find(line.substr(0, 3));
    if (line.size() < shape.size() || month == months.npos || month % 3 != 0) return false;
    for (std::size_t i = 3; i < shape.size(); ++i) {
      const bool digit = line[i] >= '0' && line[i] <= '9';
      if (shape[i] == '0' ? !digit : shape[i] == 'd' ? !digit && line[i] != ' ' : line[i] != shape[i]) return false;
    }
    return true;
  }

  static void take_tag(std::string_view& line, Members& out) {
    const auto end = std::ranges::find_if(line, [](char c) { return c == ' ' || c == ':' || c == '['; }) - line.begin();
    const auto app = line.substr(0, static_cast<std::size_t>(end));
    auto rest = line.substr(app.size());
    std::string_view pid;
    if (rest.starts_with('[')) {
      const auto close = rest.find(']');
      if (close == rest.npos) return;
      pid = rest.substr(1, close - 1);
      rest.remove_prefix(close + 1);
    }
    if (app.empty() || !rest.starts_with(':')) return;
    out.add("app", app);
    if (!pid.empty()) out.add("pid", pid);
    rest.remove_prefix(rest.starts_with(": ") ? 2 : 1);
    line = rest;
  }
};

}  // namespace

std::unique_ptr<Format> syslog_format() { return std::make_unique<Syslog>(); }

}  // namespace weir::parse
