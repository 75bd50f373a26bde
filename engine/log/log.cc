#include "log/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>

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

}  // namespace

void start(Level lowest) {
  auto logger = spdlog::stderr_color_mt("weir");
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  logger->set_level(spdlog_level(lowest));
  spdlog::set_default_logger(logger);
}

void stop() { spdlog::shutdown(); }

void set_level(Level lowest) { spdlog::set_level(spdlog_level(lowest)); }

bool enabled(Level level) {
  const spdlog::logger* logger = spdlog::default_logger_raw();  // none after stop()
  return logger && logger->should_log(spdlog_level(level));
}

void write(Level level, Origin origin, fmt::string_view format, fmt::format_args args) {
  fmt::memory_buffer line;
  if (!origin.kind.empty()) line.append(origin.kind);
  if (!origin.name.empty()) fmt::format_to(std::back_inserter(line), " {}", origin.name);
  if (!origin.kind.empty()) line.append(std::string_view(": "));
  fmt::vformat_to(std::back_inserter(line), format, args);
  if (spdlog::logger* logger = spdlog::default_logger_raw())
    logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace weir::log
