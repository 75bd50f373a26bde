#pragma once
/// How a command ends. Stable: scripts and service managers rely on these.
#include <array>

namespace weir::app {

enum ExitCode : int {
  ok = 0,
  failed = 1,  ///< something outside went wrong (a port in use, ...), or `test`: a case failed, `load`: an --assert
               ///< does not hold
  bad_configuration = 2,  ///< the configuration has errors, all of them printed; `test`: it has no cases
  unsettled = 3,          ///< `run`: nothing is lost, but not all was delivered: it is on the disk, or its sender knows
  abandoned = 4,          ///< `run`: work is lost whose sender had been told that it was taken
  not_reachable = 5,      ///< `why`, `top`, `tap`: no running Weir answered at the admin address
  damaged = 6,            ///< `journal`: something is wrong with it, all of it printed
  not_all_replayed = 7,   ///< `replay`: some events were refused, each with its reason
  bad_usage = 64,         ///< the command line
};

/// The same for people: one line in `--help`, one row in the man page.
struct ExitCodeRow {
  ExitCode code;
  const char *brief, *meaning;
};
inline constexpr std::array exit_codes{
    ExitCodeRow{ok, "ok", "Success; run: stopped, and nothing was left."},
    ExitCodeRow{failed, "failed",
                "Something outside failed: a port in use, a path that cannot be written. test: a case failed. load: an "
                "--assert "
                "does not hold, or nobody answered."},
    ExitCodeRow{
        bad_configuration, "bad configuration",
        "The configuration has errors; all of them are printed with file, line and column. test: it has no cases."},
    ExitCodeRow{unsettled, "stopped unsettled but safe",
                "run: stopped with work undelivered but safe: a journal or spill has it, its sender was not told it "
                "was stored, "
                "or was told that it was refused for good. replay: interrupted."},
    ExitCodeRow{abandoned, "lost after being accepted",
                "run: work is lost whose sender had been told that it was taken: given up at the stop (acks: accepted, "
                "copies for optional sinks), or refused for good by a destination without a dead letter."},
    ExitCodeRow{
        not_reachable, "no running weir at the admin address",
        "why, top, tap: no running weir answers at the admin address. replay: nothing was taken for --patience."},
    ExitCodeRow{damaged, "damaged journal",
                "journal check: damage was found, each place on a line; repair: there is something to do (without "
                "--apply), or nothing can be done; export: events could not be read."},
    ExitCodeRow{
        not_all_replayed, "replayed, but not all",
        "replay: some events were refused or could not be read, each on a line with its reason, or were taken and "
        "died again: the last line counts them by fate."},
    ExitCodeRow{bad_usage, "bad usage", "The command line is wrong."},
};

}  // namespace weir::app
