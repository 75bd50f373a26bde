#pragma once
/// For tests: an operator new that counts, so that the test of a stage that allocates for each event fails. Included by
/// one file of a test program, which it changes as a whole.
///
/// Thread: any. Cost: an atomic addition for each allocation.
#include <weir/component/expression/json_event.h>
#include <weir/component/expression/testing.h>
#include <weir/component/stage.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

namespace weir {

inline std::atomic<std::uint64_t> allocations_so_far = 0;

/// What 100 rounds over a few different events allocate once two rounds have given everything its size.
inline std::uint64_t steady_allocations(Stage& stage) {
  std::vector<PaddedText> events;
  for (const auto* status : {"paid", "open"})
    for (const auto* n : {"7", "-1.50", "1e300"})
      events.emplace_back(std::string(R"({"status":")") + status + R"(","level":"WARN","n":)" + n +
                          R"(,"msg":"a long text with an \n escape in it","inner":"{\"a\":1}"})");
  const BatchInfo info;
  JsonEvent json;
  std::string out;
  out.reserve(4096);
  std::uint64_t before = 0;
  for (int round = 0; round < 102; ++round) {
    if (round == 2) before = allocations_so_far;
    for (const auto& event : events) {
      out.clear();
      json.look_at(event.view());
      const auto now = std::chrono::hours(1) + std::chrono::milliseconds(round);
      stage.take({event.view(), info, TimePoint(now), WallTime(now), &json}, out);
    }
  }
  return allocations_so_far - before;
}

}  // namespace weir

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// They bring operators of their own, and tell of every allocation.
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t) {
  weir::allocations_so_far.fetch_add(1, std::memory_order_relaxed);
}
#else
void* operator new(std::size_t size) {
  weir::allocations_so_far.fetch_add(1, std::memory_order_relaxed);
  if (void* place = std::malloc(size ? size : 1)) return place;
  std::abort();
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
#endif
