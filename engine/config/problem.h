#pragma once
/// A problem of a configuration, worded so that a person can fix it without the manual: where it stands, which key,
/// what is wrong, what to write instead. One line each.
///
///   weir.yaml:12:5: sinks.warehouse.queue.max_event: unknown key; did you mean max_events?
///
/// Thread: values. Cost: start only.
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace weir::config {

struct Problem {
  SourceLocation location;
  std::string path;        ///< "sinks.warehouse.queue.max_event"; empty: the file as a whole
  std::string message;     ///< what is wrong
  std::string suggestion;  ///< what to write instead; may be empty
  bool warning = false;    ///< the configuration can be run all the same
  std::string text() const;
};

/// "weir.yaml:12:5"; only the file when the line is not known.
std::string to_text(const SourceLocation& location);

/// The text in quotes, made printable and cut at 60 bytes: for messages that quote the configuration.
std::string quote(std::string_view text);

/// "did you mean max_events?" when a known word is near (optimal string alignment distance of at most a third of its
/// length), else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// "a, b and c"
std::string join(const std::vector<std::string>& words, std::string_view last = " and ");

}  // namespace weir::config
