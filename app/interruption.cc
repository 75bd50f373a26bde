#include "interruption.h"

#include <csignal>

namespace weir::app {
namespace {

volatile std::sig_atomic_t told_to_end = 0;

}  // namespace

void watch_for_interruption() {
  struct sigaction action{};
  action.sa_handler = [](int) { told_to_end = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int s : {SIGINT, SIGTERM}) ::sigaction(s, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return told_to_end != 0; }

}  // namespace weir::app
