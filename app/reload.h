#pragma once
/// SIGHUP: files are opened and read again, and the configuration is taken over as far as a running process can
/// (semantics H2). Says in the log what became of every key that differs; one that needs a new process refuses all of
/// them, so that what runs is always one of two files and never half of each.
///
/// `renew` does the part of it that needs nobody to say so: certificates and secrets that were replaced on the disk are
/// read again. The configuration's other keys wait for a SIGHUP.
///
/// A disk that hangs must not make the process deaf to its signals: the files are read by a thread of Renewal first.
/// One that hangs is named in a warning, what runs goes on as it is, and everything is read when that ends.
///
/// Thread: the flow's owner. Cost: a load of the configuration, and opening the sinks whose secrets have changed. On
/// cancel: it is waited for.
#include <string>
#include <vector>

#include "gateway/gateways.h"
#include "observe/admin.h"
#include "pipeline/graph/flow.h"
#include "renewal.h"

namespace weir::app {

/// What runs, and where it was read from.
struct Running {
  pipeline::Flow& flow;
  config::Config& config;  ///< becomes what was read if that was taken over
  observe::Admin* admin;
  const std::vector<std::string>& files;
  const Catalog& catalog;
  const gateway::Gateways* gateways = nullptr;
};

class Reload {
 public:
  Reload(const Running& running, Renewal& renewal) : running_(running), renewal_(renewal) {}
  /// SIGHUP: done by the next `go_on`, or by a later one when a disk is slow.
  void ask() {
    asked_ = true;
    renewal_.read_all(std::chrono::seconds(1));
  }
  /// Whether a SIGHUP has not been done yet.
  bool asked() const { return asked_; }
  /// What has been found since the last call, or the last SIGHUP.
  void go_on(TimePoint now);

 private:
  void watch_disk(TimePoint now);

  const Running& running_;
  Renewal& renewal_;
  std::string reading_;  // a file that takes long, since then
  TimePoint since_{};
  bool warned_ = false;
  bool asked_ = false;
};

}  // namespace weir::app
