#include "log/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <weir/base/context.h>
#include <weir/base/json_text.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "log/repeats.h"

namespace weir::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: break;
  }
  return spdlog::level::off;
}

std::atomic<bool> is_json{false};
std::mutex repeats_mutex;
Repeats repeats;

/// Complaints of a part repeat by themselves. What the process says of itself follows what somebody does: a signal, a
/// file that is read again.
RepeatLimits limits_of(Level level, Origin origin) {
  return level >= Level::warn && !origin.kind.empty() ? RepeatLimits{}
                                                      : RepeatLimits{.per_line = 10, .per_place = 1000};
}

std::uint64_t place_of(Origin origin, fmt::string_view format) {
  std::string place(origin.kind);
  place.append(1, '\0').append(origin.name).append(1, '\0').append(format.data(), format.size());
  return std::hash<std::string>{}(place);
}

std::string_view more_like_it(std::uint64_t left_out) {
  return left_out == 1 ? "more line like it was left out" : "more lines like it were left out";
}

std::string text_line(Origin origin, std::string_view message) {
  std::string line(origin.kind);
  if (!origin.name.empty()) line.append(" ").append(origin.name);
  if (!line.empty()) line += ": ";
  return line.append(message);
}

/// The members behind "time" and "level".
std::string json_line(Origin origin, std::string_view message, std::uint64_t left_out) {
  std::string line;
  if (!origin.kind.empty()) line = fmt::format("{}:{},", json_text(origin.kind), json_text(origin.name));
  line += "\"message\":" + json_text(message);
  if (left_out > 0) line += fmt::format(",\"left_out\":{}", left_out);
  return line;
}

void put(Level level, std::string_view line) {
  if (spdlog::logger* logger = spdlog::default_logger_raw())
    logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void start(Level lowest, Form form) {
  is_json = form.json;
  auto logger = spdlog::stderr_color_mt("weir");
  const std::string time = std::string("%Y-%m-%dT%H:%M:%S.%e") + (form.local_time ? "%z" : "Z");
  const auto zone = form.local_time ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc;
  logger->set_pattern(form.json ? R"({"time":")" + time + R"(","level":"%l",%v})" : time + " %^%-5l%$ %v", zone);
  logger->set_level(spdlog_level(lowest));
  spdlog::set_default_logger(logger);
}

void stop() {
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(repeats_mutex);
    left_out = repeats.take_left_out();
  }
  if (left_out > 0 && enabled(Level::warn)) {
    const std::string message = fmt::format("{} lines that repeated others were left out of this log", left_out);
    put(Level::warn, is_json ? json_line({}, message, 0) : message);
  }
  spdlog::shutdown();
}

void set_level(Level lowest) { spdlog::set_level(spdlog_level(lowest)); }

bool enabled(Level level) {
  const spdlog::logger* logger = spdlog::default_logger_raw();  // none after stop()
  return logger && logger->should_log(spdlog_level(level));
}

void write(Level level, Origin origin, fmt::string_view format, fmt::format_args args) {
  const std::string message = fmt::vformat(format, args), line = text_line(origin, message);
  std::optional<std::uint64_t> left_out;
  {
    const std::lock_guard lock(repeats_mutex);
    left_out =
        repeats.admit(key_of_line(line), place_of(origin, format), limits_of(level, origin), system_clock().now());
  }
  if (!left_out) return;
  if (is_json)
    put(level, json_line(origin, message, *left_out));
  else
    put(level, *left_out == 0 ? line : fmt::format("{} ({} {})", line, *left_out, more_like_it(*left_out)));
}

}  // namespace weir::log
