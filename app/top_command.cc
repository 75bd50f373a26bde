#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <chrono>
#include <optional>
#include <thread>

#include "ask.h"
#include "commands.h"
#include "exit_codes.h"
#include "terminal.h"
#include "top_screen.h"

namespace weir::app {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The next answer with its rates; nothing when there is no answer, and then `error` has the reason.
std::optional<TopData> next(const AdminPeer& admin, const std::optional<TopData>& before, std::string& error) {
  Answer answer;
  const auto reply = admin.get("/api/graph", std::chrono::seconds(2));
  if (!reply || answer.parser.parse(*reply).get(answer.json)) {
    error = terminal_text(reply ? "no answer of weir's" : "no answer: " + reply.error().message);
    return std::nullopt;
  }
  error.clear();
  TopData data = top_data(answer.json);
  if (before) add_rates(data, *before);
  return data;
}

/// What a key does; false: leave.
bool react(const Terminal::Pressed& pressed, TopView& view, int rows) {
  using Key = Terminal::Key;
  const char c = pressed.letter;
  if (pressed.key == Key::quit || c == 'q') return false;
  if (pressed.key == Key::up || c == 'k') --view.selected;
  if (pressed.key == Key::down || c == 'j') ++view.selected;
  view.selected = std::clamp(view.selected, 0, std::max(0, rows - 1));
  if (c == 'h' || c == '?')
    view.help = !view.help;
  else if (view.help && (pressed.key == Key::escape || pressed.key == Key::enter))
    view.help = false;
  else if (pressed.key == Key::enter || (view.details && (pressed.key == Key::escape || pressed.key == Key::left)))
    view.details = !view.details;
  if (c == 'p' || c == ' ') view.paused = !view.paused;
  if (c == 's') view.sort = static_cast<TopView::Sort>((static_cast<int>(view.sort) + 1) % 3);
  return true;
}

int live(const AdminPeer& admin, const TopOptions& options, TopData first) {
  Terminal terminal;
  TopView view;
  view.color = wants_color(STDOUT_FILENO);
  view.interactive = true;
  view.admin = terminal_text(admin.address);
  std::optional<TopData> data = std::move(first);
  const auto interval = std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(options.interval));
  auto due = Clock::now() + interval;
  for (int drawn = 1;;) {
    const Size size = terminal.size();
    view.columns = size.columns, view.rows = size.rows;
    TopData shown = *data;
    sort_rows(shown, view.sort);
    terminal.draw(top_screen(shown, view));
    const auto left = std::chrono::duration_cast<milliseconds>(due - Clock::now());
    const auto pressed = terminal.wait(std::clamp(left, milliseconds(0), interval));
    if (pressed.key != Terminal::Key::none && !react(pressed, view, top_rows(shown))) return ok;
    if (Clock::now() < due) continue;
    due = Clock::now() + interval;
    if (options.times > 0 && drawn++ >= options.times) return ok;
    if (view.paused) continue;
    if (auto fresh = next(admin, data, view.error)) data = std::move(fresh);
  }
}

/// For pipes and files: a page an interval, without anything a terminal would need.
int pages(const AdminPeer& admin, const TopOptions& options, TopData data) {
  TopView view;
  view.columns = 160;
  view.admin = terminal_text(admin.address);
  const int times = options.once ? 1 : options.times;
  const auto interval = std::chrono::duration<double>(options.interval);
  for (int n = 0;;) {
    // Rates need two answers.
    std::this_thread::sleep_for(interval);
    auto fresh = next(admin, data, view.error);
    if (!fresh) {
      fmt::print(stderr, "weir: {} at {}\n", view.error, view.admin);
      return not_reachable;
    }
    data = std::move(*fresh);
    for (const std::string& line : top_screen(data, view)) fmt::print("{}\n", line);
    fmt::print("\n");
    if (std::fflush(stdout) != 0 || (times > 0 && ++n >= times)) return ok;
  }
}

}  // namespace

int top(const AdminPeer& admin, const TopOptions& options) {
  Answer answer;
  if (!ask(admin, "/api/graph", answer)) return not_reachable;
  TopData first = top_data(answer.json);
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1;
  return terminal && !options.once ? live(admin, options, std::move(first)) : pages(admin, options, std::move(first));
}

}  // namespace weir::app
