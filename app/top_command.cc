#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "ask.h"
#include "commands.h"
#include "exit_codes.h"

namespace weir::app {
namespace {

using Row = simdjson::dom::element;

std::string text(Row row, const char* key) {
  std::string_view value;
  return row[key].get(value) ? std::string{} : printable(value);
}
double number(Row row, const char* key) {
  double value = 0;
  return row[key].get(value) ? 0.0 : value;
}

std::string bar(double fill) {
  const int width = 16, full = static_cast<int>(fill * width + 0.5);
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? "█" : "·";
  return out;
}

/// Counters of the last screen, to show rates.
class Rates {
 public:
  double of(const std::string& key, double value, double interval) {
    const auto [at, fresh] = last_.try_emplace(key, value);
    const double rate = fresh || interval <= 0 ? 0 : (value - at->second) / interval;
    at->second = value;
    return rate < 0 ? 0 : rate;
  }

 private:
  std::map<std::string, double> last_;
};

std::string screen(Row json, Rates& rates, double interval) {
  std::string out;
  Row memory;
  if (!json["memory"].get(memory))
    out += fmt::format("up {:.0f} s   memory budget {:.1f} of {:.1f} MiB in use\n\n", number(json, "uptime_s"),
                       number(memory, "used") / 1048576, number(memory, "budget") / 1048576);
  out += fmt::format("{:<20} {:>12} {:>10} {:>10}  {}\n", "SOURCE", "EVENTS", "PER S", "REFUSED/S", "HELD UP BY");
  simdjson::dom::array rows;
  if (!json["sources"].get(rows))
    for (Row row : rows) {
      const auto name = text(row, "name");
      out += fmt::format("{:<20} {:>12.0f} {:>10.0f} {:>10.0f}  {}\n", name, number(row, "in"),
                         rates.of("in " + name, number(row, "in"), interval),
                         rates.of("refused " + name, number(row, "refused"), interval), text(row, "why"));
    }
  out += fmt::format("\n{:<20} {:>12} {:>10} {:>10}  {:<16} {:>5}  {:<9} {}\n", "SINK", "STORED", "PER S", "WAITING",
                     "QUEUE", "FILL", "BREAKER", "BUSY");
  if (!json["sinks"].get(rows))
    for (Row row : rows) {
      const auto name = text(row, "name");
      const double busy = rates.of("busy " + name, number(row, "busy_s"), interval);
      out += fmt::format("{:<20} {:>12.0f} {:>10.0f} {:>10.0f}  {} {:>4.0f}%  {:<9} {:>3.0f}%\n", name,
                         number(row, "stored"), rates.of("stored " + name, number(row, "stored"), interval),
                         number(row, "waiting"), bar(number(row, "fill")), number(row, "fill") * 100,
                         text(row, "breaker"), busy * 100);
    }
  return out;
}

}  // namespace

int top(const std::string& admin, double interval, int times) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  Rates rates;
  for (int n = 0; times == 0 || n < times; ++n) {
    Answer answer;
    if (!ask(admin, "/api/graph", answer)) return not_reachable;
    const std::string page = screen(answer.json, rates, n == 0 ? 0 : interval);
    // Home, the page with each line cleared to its end, then clear below: no flicker.
    if (terminal) {
      std::string drawn = "\033[H";
      for (const char c : page) drawn += c == '\n' ? std::string("\033[K\n") : std::string(1, c);
      fmt::print("{}\033[J", drawn);
    } else {
      fmt::print("{}\n", page);
    }
    std::fflush(stdout);
    if (times == 0 || n + 1 < times) std::this_thread::sleep_for(std::chrono::duration<double>(interval));
  }
  return ok;
}

}  // namespace weir::app
