#include "lines.h"

#include <algorithm>

namespace weir::file {
namespace {

bool line_feed_in_text(std::string_view event) {
  bool in_text = false;
  for (std::size_t i = 0; i < event.size(); ++i) {
    if (event[i] == '"')
      in_text = !in_text;
    else if (in_text && event[i] == '\\')
      ++i;
    else if (in_text && event[i] == '\n')
      return true;
  }
  return in_text;
}

bool may_be_joined(std::string_view event) {
  const auto first = event.find_first_not_of(" \t\r\n");
  return first != event.npos && (event[first] == '{' || event[first] == '[') && !line_feed_in_text(event);
}

void append_joined(LogFile& log, std::string_view event) {
  for (auto end = event.find('\n'); end != event.npos; end = event.find('\n')) {
    log.append(event.substr(0, end));
    log.append(" ");
    event.remove_prefix(end + 1);
  }
  log.append(event);
}

}  // namespace

void append_lines(LogFile& log, const Batch& batch, std::uint32_t number, std::vector<Delivery::Refused>& refused) {
  const auto lines = batch.lines();
  if (!lines.empty() &&
      (batch.info().one_line_each || static_cast<std::uint32_t>(std::ranges::count(lines, '\n')) == batch.size()))
    return log.append(lines);
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const auto event = batch[i];
    if (event.find('\n') == event.npos) {
      log.append(event);
    } else if (may_be_joined(event)) {
      append_joined(log, event);
    } else {
      refused.push_back({number, i, "it holds a line feed and is not JSON, so it cannot be one line"});
      continue;
    }
    log.append("\n");
  }
}

}  // namespace weir::file
