#pragma once
/// What the process tells the person who runs it. One line for each thing that happened, through one face, so that
/// levels, the form of a line and limits on what repeats are decided in one place and not at the callers.
///
/// Who speaks is given apart from what is said: `warn({"sink", name_}, "{}; trying again", why)` is printed as
/// "sink archive: ...; trying again". Lines that repeat are left out and counted (repeats.h): by their
/// text, and by the pair and the format text together.
///
///   text   2026-11-30T07:05:02.123Z warn  sink archive: ...; trying again
///   json   {"time":"2026-11-30T07:05:02.123Z","level":"warn","sink":"archive","message":"...; trying again"}
///
/// Thread: any. Cost: one load where the level is off; else a lock, one formatted line and a write.
#include <fmt/core.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace weir::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };

/// The node that speaks: its kind ("source", "sink", "journal") and its name; the name may be empty.
struct Origin {
  std::string_view kind, name;
};

struct Form {
  bool json = false;        ///< one object a line
  bool local_time = false;  ///< time stamps with the offset of this machine's zone; else UTC
};
/// From now on lines go to stderr, with a time stamp and their level, coloured on a terminal.
void start(Level lowest, Form form = {});
/// Before the process ends: everything said is written, and how much was left out.
void stop();
/// Lines below it are left out; `off` leaves out all. Tests and rehearsals use it alone, without start().
void set_level(Level lowest);
bool enabled(Level level);

/// The general form; the text of `format` is the same for every call of one place.
void write(Level level, Origin origin, fmt::string_view format, fmt::format_args args);

template <class... Args>
void say(Level level, Origin origin, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, origin, format, fmt::make_format_args(args...));
}
template <class... Args>
void info(Origin origin, fmt::format_string<Args...> format, Args&&... args) {
  say(Level::info, origin, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(Origin origin, fmt::format_string<Args...> format, Args&&... args) {
  say(Level::warn, origin, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(Origin origin, fmt::format_string<Args...> format, Args&&... args) {
  say(Level::error, origin, format, std::forward<Args>(args)...);
}

// What concerns the whole process.
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  info(Origin{}, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  warn(Origin{}, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  error(Origin{}, format, std::forward<Args>(args)...);
}

}  // namespace weir::log
