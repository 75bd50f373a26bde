#pragma once
/// For tests: waits for what another thread, the kernel or a server does. Its bound is there to end a test that fails,
/// and no promise: on a busy machine a number of tries, or a second, is luck.
///
/// Thread: any. Cost: a call of `step` for each look.
#include <chrono>
#include <thread>
#include <utility>

namespace weir {

/// Does `step` until `done`; false: it was not for a minute.
template <typename Done, typename Step>
[[nodiscard]] bool until(Done done, Step step) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    step();
  }
  return true;
}

/// Looks each millisecond.
template <typename Done>
[[nodiscard]] bool until(Done done) {
  return until(std::move(done), [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
}

}  // namespace weir
