#pragma once
/// Numbers in a few characters, for a screen.
///
/// Thread: pure. Cost: a short string.
#include <string>

namespace weir::app {

/// "1234", "12.3k", "4.56M": at most 6 characters.
std::string short_count(double value);
std::string short_bytes(double value);
std::string short_time(double seconds);

}  // namespace weir::app
