// One burst, four answers. A service with two threads (four under load) and a queue of 16 gets 400 requests at once;
// what becomes of those that do not fit is its choice, and every one of them is answered.
#include <weir/async/thread_pool.h>

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;
using WhenFull = async::ThreadPoolConfig::WhenFull;

constexpr int requests = 400;

/// About 100 us of work.
int handle(int request) {
  const auto end = std::chrono::steady_clock::now() + 100us;
  while (std::chrono::steady_clock::now() < end) {
  }
  return request * 2;
}

struct Outcome {
  int ran = 0, refused = 0, dropped = 0, wrong = 0;
};

Outcome burst(WhenFull when_full, const Context& context) {
  Outcome outcome;
  std::vector<std::pair<int, std::future<Admitted<int>>>> answers;
  async::ThreadPool pool({.core = 2, .max = 4, .keep_alive = 1s, .queue = {16, 1_MiB}, .when_full = when_full},
                         context);
  for (int request = 0; request < requests; ++request) {
    auto [task, answer] = async::promised([request] { return handle(request); });
    if (pool.try_submit(task))
      answers.emplace_back(request, std::move(answer));
    else
      ++outcome.refused;  // abort: the rejection says when to come back; the client gets a 503
  }
  if (!pool.drain_for(30s)) outcome.wrong = requests;  // somebody still works: no figure of this run is final
  for (auto& [request, answer] : answers) {
    const Admitted<int> result = answer.get();  // never waits for ever: a discarded task answers with its Reason
    if (!result)
      ++outcome.dropped;
    else
      ++(*result == request * 2 ? outcome.ran : outcome.wrong);
  }
  return outcome;
}

int main() {
  const Context context;
  bool right = true;
  auto show = [&](const char* name, WhenFull when_full, auto&& expected) {
    const Outcome o = burst(when_full, context);
    std::printf("%-15s ran %3d  refused %3d  dropped %3d\n", name, o.ran, o.refused, o.dropped);
    right = right && o.ran + o.refused + o.dropped == requests && o.wrong == 0 && expected(o);
  };
  show("caller_runs", WhenFull::caller_runs, [](const Outcome& o) { return o.ran == requests; });
  show("abort", WhenFull::abort, [](const Outcome& o) { return o.refused > 0 && o.dropped == 0; });
  show("discard", WhenFull::discard, [](const Outcome& o) { return o.dropped > 0 && o.refused == 0; });
  show("discard_oldest", WhenFull::discard_oldest, [](const Outcome& o) { return o.dropped > 0 && o.refused == 0; });
  std::puts(right ? "every request was run, refused or told that it was dropped" : "BROKEN: somebody got no answer");
  return right ? 0 : 1;
}
