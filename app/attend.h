#pragma once
/// Work that may take long, on a thread of its own, while this thread goes on taking signals.
///
/// Starting and stopping a flow open and close files, databases and connections. A hung disk or a recovery of an hour
/// must not make the process deaf: whoever attends decides how long it is waited for, and ends the process if that was
/// too short.
///
/// Thread: the caller's, and one more for the work. Cost: a look every 5 ms. On cancel: false, and the work runs on
/// with whatever it refers to: the only right thing to do then is std::_Exit.
#include <chrono>
#include <csignal>
#include <functional>

namespace weir::app {

/// SIGINT, SIGTERM and SIGHUP, blocked in every thread that begins from now on.
sigset_t block_signals();
/// The signal that came within `most`, or 0.
int wait_for_signal(const sigset_t& set, std::chrono::milliseconds most);
inline bool asks_to_stop(int signal) { return signal == SIGINT || signal == SIGTERM; }

/// True when the work is done. `still_waits` is asked all the time, with the signal that came or 0; its first false
/// ends the waiting.
bool attend(const sigset_t& signals, std::function<void()> work, const std::function<bool(int signal)>& still_waits);

}  // namespace weir::app
