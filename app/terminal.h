#pragma once
/// A terminal in full-screen mode: alternate screen, keys without Enter, no cursor. Its state is restored when the
/// object is destroyed, also after Ctrl-C, SIGTERM, and Ctrl-Z.
///
/// Thread: one; it installs handlers for SIGWINCH, SIGINT and SIGTERM, so there is one at a time. Cost: none between
/// keys.
#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

namespace weir::app {

struct Size {
  int columns = 80, rows = 24;
};

/// Colours are used on terminals, unless NO_COLOR is set.
bool wants_color(int descriptor);

class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;
  /// One write for all of it: no flicker. Lines must not be wider than the screen.
  void draw(const std::vector<std::string>& lines);

  enum class Key : std::uint8_t { none, up, down, left, right, enter, escape, resized, quit, other };
  struct Pressed {
    Key key = Key::none;
    char letter = 0;  ///< with Key::other
  };
  /// The next key, a change of size, or none after this time. Quit: Ctrl-C, SIGTERM, or the end of the input.
  Pressed wait(std::chrono::milliseconds most);

 private:
  Pressed next_key();
  termios before_{};
  std::string typed_;  // and not looked at yet
};

}  // namespace weir::app
