#pragma once
/// How a command ends. Stable: scripts and service managers rely on these.

namespace weir::app {

enum ExitCode : int {
  ok = 0,
  failed = 1,             ///< something outside went wrong: a port in use, a path that cannot be written
  bad_configuration = 2,  ///< `check` and `run`: the configuration has errors, all of them printed
  unsettled = 3,          ///< `run`: stopped with work unsettled, but safe: its sender was not told it was stored
  abandoned = 4,          ///< `run`: stopped with work abandoned that had been accepted (acks: accepted)
  not_reachable = 5,      ///< `why`, `top`: no running Weir answered at the admin address
  bad_usage = 64,         ///< the command line
};

}  // namespace weir::app
