#pragma once
/// Which files were replaced since they were read: those of certificates and passwords (every path option that begins
/// with tls_, and password_file), by the part that reads them, and those that hold secrets (`file:PATH`).
///
/// Each is compared by its stamp (config/file_stamp.h), which is taken before the file is read: whatever changes while
/// it is being read is seen by the next look. A change is told once, whether or not it could be taken over; half of a
/// pair that was written first is told, and so is the other half.
///
/// Thread: one owner; the files are looked at on a thread of its own, since a hung disk must not make the process deaf.
/// For the same reason a change is told only once that thread has read the file to its end: whoever reads it then does
/// not hang. `reading` says for which file it waits. Cost: a system call for each file and look, and a reading of what
/// has changed. On cancel: a look that hangs is left behind.
#include <weir/base/units.h>

#include <functional>
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

  /// Reads a file to its end, so that it is in memory whatever becomes of its disk; a pipe is left alone.
  static void read_through(const std::string& path);
  using Read = std::function<void(const std::string&)>;

  /// Before the flow opens its parts. `files`: of the configuration.
  Renewal(const config::Config& config, const Catalog& catalog, std::vector<std::string> files = {},
          Read read = read_through);
  ~Renewal();
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;

  /// Has them looked at soon; nothing more while the last look is not over.
  void look();
  /// Has all of them read, those of the configuration too, before everything is read again for another reason. Waits
  /// for at most so long; when it takes longer, it is told by a later `take`.
  void read_all(Duration most);
  struct Changed {
    std::vector<std::string> parts;  ///< whose certificates or password
    bool secrets = false;
    bool all_read = false;  ///< as `read_all` has asked for
  };
  /// What was found since the last call.
  Changed take();
  /// The file that is being looked at or read just now; empty: none.
  std::string reading() const;
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
