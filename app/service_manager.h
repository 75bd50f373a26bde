#pragma once
/// Tells the service manager that started this process how it is: ready, reading its configuration again, stopping; and
/// that it is alive, when it has asked for that (systemd's `Type=notify`, `WatchdogSec=`).
///
/// The protocol is a datagram of lines to a Unix socket that the environment names; without it nothing is said. What
/// cannot be sent is left out: a service manager that does not listen must not hold up anything.
///
/// Thread: one owner. Cost: a system call for each thing that is said. Ref: sd_notify(3), sd_watchdog_enabled(3).
#include <weir/base/units.h>

#include <string>
#include <string_view>

namespace weir::app {

class ServiceManager {
 public:
  /// `socket`: a path, or a name of the abstract space after '@'; empty: nobody listens. `watchdog`: the longest time
  /// that may pass between two signs of life; 0: it asks for none.
  explicit ServiceManager(std::string socket = {}, Duration watchdog = Duration{0});
  /// As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say; they are taken out of the environment.
  static ServiceManager from_environment();
  ~ServiceManager();
  ServiceManager(ServiceManager&& o) noexcept;
  ServiceManager& operator=(ServiceManager&&) = delete;

  void ready(std::string_view status);
  /// Until the next `ready`.
  void reloading(TimePoint now);
  void stopping();
  /// Call it often: it sends a sign of life each third of the time that it has.
  void alive(TimePoint now);

 private:
  void send(const std::string& lines) const;

  std::string address_;
  int socket_ = -1;
  Duration every_;
  TimePoint next_ = TimePoint::min();
};

}  // namespace weir::app
