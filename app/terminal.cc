#include "terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace weir::app {
namespace {

volatile std::sig_atomic_t resized = 0, ended = 0;

void on_signal(int number) {
  if (number == SIGWINCH)
    resized = 1;
  else
    ended = 1;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

bool wants_color(int descriptor) {
  const char* no = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && !(no && *no) && !(terminal && std::string_view(terminal) == "dumb");
}

Terminal::Terminal() {
  ::tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  struct sigaction action{};
  action.sa_handler = on_signal;  // without SA_RESTART: poll must end
  for (const int s : {SIGWINCH, SIGINT, SIGTERM}) ::sigaction(s, &action, nullptr);
  write_all("\033[?1049h\033[?25l\033[?7l");
}

Terminal::~Terminal() {
  write_all("\033[?7h\033[?25h\033[?1049l");
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  for (const int s : {SIGWINCH, SIGINT, SIGTERM}) std::signal(s, SIG_DFL);
}

Size Terminal::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void Terminal::draw(const std::vector<std::string>& lines) {
  std::string out = "\033[H";
  for (std::size_t i = 0; i < lines.size(); ++i) out += (i > 0 ? "\r\n" : "") + lines[i] + "\033[0m\033[K";
  write_all(out + "\033[J");
}

Terminal::Pressed Terminal::wait(std::chrono::milliseconds most) {
  if (ended) return {Key::quit};
  if (resized) {
    resized = 0;
    return {Key::resized};
  }
  if (typed_.empty()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(most.count())) <= 0) return {};
    char bytes[64];
    const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (n <= 0) return {n < 0 && errno == EINTR ? Key::none : Key::quit};
    typed_.assign(bytes, static_cast<std::size_t>(n));
  }
  return next_key();
}

Terminal::Pressed Terminal::next_key() {
  const bool sequence = typed_.starts_with("\033[") || typed_.starts_with("\033O");
  const char c = sequence && typed_.size() > 2 ? typed_[2] : typed_[0];
  typed_.erase(0, sequence ? 3 : 1);
  if (sequence) {
    switch (c) {
      case 'A': return {Key::up};
      case 'B': return {Key::down};
      case 'C': return {Key::right};
      case 'D': return {Key::left};
      default: typed_.clear(); return {};  // a key that means nothing here, of unknown length
    }
  }
  switch (c) {
    case '\033': return {Key::escape};
    case '\r':
    case '\n': return {Key::enter};
    case 3:
    case 4: return {Key::quit};
    default: return {Key::other, c};
  }
}

}  // namespace weir::app
