#pragma once
/// Ctrl-C for a command that has something to say when it ends early: the first one is told to it, the second ends the
/// process.
///
/// Thread: `watch_for_interruption` once, before the work; `interrupted` any. Cost: a load.
namespace weir::app {

/// SIGINT and SIGTERM from now on; writing to a connection that is closed is an error, no signal.
void watch_for_interruption();
bool interrupted();

}  // namespace weir::app
