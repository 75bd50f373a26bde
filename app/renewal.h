#pragma once
/// Which files were replaced since they were read: those of certificates and passwords (every path option that begins
/// with tls_, and password_file), by the part that reads them, and those that hold secrets (`file:PATH`).
///
/// Each is compared by its stamp (config/file_stamp.h), which is taken before the file is read: whatever changes while
/// it is being read is seen by the next look. A change is told once, whether or not it could be taken over; half of a
/// pair that was written first is told, and so is the other half.
///
/// Thread: one owner; the files are looked at on a thread of its own, since a hung disk must not make the process deaf.
/// Cost: a system call for each file and look. On cancel: a look that hangs is left behind.
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/config.h"

namespace weir::app {

class Renewal {
 public:
  /// What the part is called that is no part of the flow: names have no blanks.
  static constexpr std::string_view admin_part = "the admin listener";

  /// Before the flow opens its parts.
  Renewal(const config::Config& config, const Catalog& catalog);
  ~Renewal();
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;

  /// Has them looked at soon; nothing more while the last look is not over.
  void look();
  struct Changed {
    std::vector<std::string> parts;  ///< whose certificates or password
    bool secrets = false;
  };
  /// What was found since the last call.
  Changed take();
  /// Everything is about to be read, whether or not it has changed.
  void note();
  /// After the configuration was read again; a change that was told and not taken over is not told again.
  void follow_secrets(const std::vector<config::SecretFile>& files);

 private:
  struct State;
  static void keep_looking(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace weir::app
