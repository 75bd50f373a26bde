#pragma once
/// A terminal taken over for a while: alternate screen, keys without Enter, no cursor. Everything is given back when
/// the object goes, also after Ctrl-C, SIGTERM, and Ctrl-Z.
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

/// Colours are for terminals, and for people who did not say no (NO_COLOR).
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
  /// The next key, a change of size, or none after this time. Quit: Ctrl-C, SIGTERM, or nobody at the keyboard any
  /// more.
  Pressed wait(std::chrono::milliseconds most);

 private:
  Pressed next_key();
  termios before_{};
  std::string typed_;  // and not looked at yet
};

}  // namespace weir::app
