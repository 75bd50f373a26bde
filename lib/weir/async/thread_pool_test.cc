// A pool grows as java.util.concurrent's does, ends every task in exactly one way, and leaves nobody waiting.
#include <weir/async/coroutines_for_test.h>
#include <weir/async/thread_pool.h>

#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <stdexcept>

namespace weir::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using WhenFull = ThreadPoolConfig::WhenFull;

struct ThreadPoolTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  std::latch open{1};  // tasks made by `blocked` end when it is
  std::mutex mutex;
  std::vector<int> ran;
  std::vector<std::pair<int, Reason>> ended;

  Task task(int number) {
    return {[this, number] { note(number); }, [this, number](Reason reason) { ended.emplace_back(number, reason); }};
  }
  Task blocked(int number) {
    Task t = task(number);
    t.run = [this, number] {
      open.wait();
      note(number);
    };
    return t;
  }
  void note(int number) {
    const std::lock_guard lock(mutex);
    ran.push_back(number);
  }
  static Admitted<void> submit(ThreadPool& pool, Task task) { return pool.try_submit(task); }
  template <typename Done>
  static void wait_until(Done&& done) {
    while (!done()) std::this_thread::yield();
  }
};

/// One thread, busy; a queue of two, full.
struct FullPool : ThreadPoolTest {
  static ThreadPoolConfig with(WhenFull policy) {
    return {.core = 1, .max = 1, .queue = {2, 1_MiB}, .when_full = policy};
  }
  void fill(ThreadPool& pool) {
    ASSERT_TRUE(submit(pool, blocked(1)));
    wait_until([&] { return pool.stats().running == 1; });
    ASSERT_TRUE(submit(pool, task(2)));
    ASSERT_TRUE(submit(pool, task(3)));
  }
  void finish(ThreadPool& pool) {
    open.count_down();
    EXPECT_TRUE(pool.drain_for(30s));
  }
};

TEST_F(ThreadPoolTest, GrowsToCoreThenQueuesThenGrowsToMaxThenIsFull) {
  ThreadPool pool({.core = 2, .max = 3, .queue = {2, 1_MiB}}, context);
  std::vector<std::pair<std::size_t, std::uint64_t>> seen;  // threads, queued
  for (int n = 1; n <= 5; ++n) {
    ASSERT_TRUE(submit(pool, blocked(n)));
    seen.emplace_back(pool.stats().threads, pool.stats().queue.pending.events);
  }
  EXPECT_THAT(seen, ElementsAre(std::pair(1, 0), std::pair(2, 0), std::pair(2, 1), std::pair(2, 2), std::pair(3, 2)));
  EXPECT_EQ(submit(pool, blocked(6)).error().reason, Reason::flow_full);
  open.count_down();
  EXPECT_TRUE(pool.drain_for(30s));
  EXPECT_THAT(ran, testing::UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(pool.stats().done, 5u);
}

TEST_F(ThreadPoolTest, StartsAThreadBelowCoreEvenIfAnotherOneIsIdle) {
  ThreadPool pool({.core = 2, .max = 2}, context);
  ASSERT_TRUE(submit(pool, task(1)));
  wait_until([&] { return pool.stats().idle == 1; });
  ASSERT_TRUE(submit(pool, task(2)));
  EXPECT_EQ(pool.stats().threads, 2u);
}

TEST_F(ThreadPoolTest, WithoutCoreThreadsStartsOneForTheFirstTask) {
  ThreadPool pool({.core = 0, .max = 4}, context);
  for (int n = 1; n <= 3; ++n) ASSERT_TRUE(submit(pool, blocked(n)));
  EXPECT_EQ(pool.stats().threads, 1u);
  open.count_down();
  EXPECT_TRUE(pool.drain_for(30s));
  EXPECT_EQ(ran.size(), 3u);
}

TEST_F(ThreadPoolTest, EndsThreadsAboveCoreThatHaveHadNoWorkForKeepAlive) {
  ThreadPool pool({.core = 1, .max = 3, .keep_alive = 1ms, .queue = {1, 1_MiB}}, context);
  for (int n = 1; n <= 4; ++n) ASSERT_TRUE(submit(pool, blocked(n)));
  EXPECT_EQ(pool.stats().threads, 3u);
  open.count_down();
  wait_until([&] { return pool.stats().idle == 3; });
  for (int look = 0; look < 1000; ++look) ASSERT_EQ(pool.stats().threads, 3u) << "its clock stands still";
  clock.advance(1ms);
  wait_until([&] { return pool.stats().threads == 1; });
  clock.advance(1h);
  for (int look = 0; look < 1000; ++look) ASSERT_EQ(pool.stats().threads, 1u) << "core threads stay";
  EXPECT_EQ(pool.stats().most_threads, 3u);
  EXPECT_TRUE(submit(pool, task(5)));
  EXPECT_TRUE(pool.drain_for(30s));
}

TEST_F(ThreadPoolTest, CoreThreadsSleepWhateverKeepAliveIs) {
  struct AskedClock final : Clock {
    TimePoint now() const override {
      ++asked;
      return TimePoint(1s);
    }
    WallTime wall() const override { return {}; }
    mutable std::atomic<int> asked = 0;
  } asked_clock;
  const Context asked(asked_clock);
  ThreadPool pool({.core = 1, .max = 1, .keep_alive = 0s}, asked);
  ASSERT_TRUE(submit(pool, task(1)));
  wait_until([&] { return pool.stats().idle == 1; });
  const int before = asked_clock.asked;
  for (int turn = 0; turn < 10'000; ++turn) std::this_thread::yield();
  EXPECT_LE(asked_clock.asked, before + 1) << "it polls instead of sleeping";
}

TEST_F(FullPool, CallerRunsInTheCallersThread) {
  ThreadPool pool(with(WhenFull::caller_runs), context);
  fill(pool);
  std::thread::id where;
  ASSERT_TRUE(submit(pool, {[&] { where = std::this_thread::get_id(); }}));
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_EQ(pool.stats().run_by_callers, 1u);
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST_F(FullPool, AbortGivesTheTaskBackWithTheTimeToComeBack) {
  ThreadPool pool(with(WhenFull::abort), context);
  Task first = {[this] { clock.advance(100ms); }};
  ASSERT_TRUE(pool.try_submit(first));
  wait_until([&] { return pool.stats().idle == 1; });
  fill(pool);

  Task refused = task(4);
  const auto answer = pool.try_submit(refused);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::flow_full);
  EXPECT_GT(answer.error().retry_after, 100ms);  // two wait, the low watermark is below one, one takes 0.1 s
  EXPECT_TRUE(refused.run);
  EXPECT_TRUE(ended.empty());
  finish(pool);
}

TEST_F(FullPool, DiscardEndsTheArrival) {
  ThreadPool pool(with(WhenFull::discard), context);
  fill(pool);
  EXPECT_TRUE(submit(pool, task(4)));
  EXPECT_THAT(ended, ElementsAre(std::pair(4, Reason::drop_newest)));
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST_F(FullPool, DiscardOldestEndsWhatWaitedLongest) {
  ThreadPool pool(with(WhenFull::discard_oldest), context);
  fill(pool);
  EXPECT_TRUE(submit(pool, task(4)));
  EXPECT_THAT(ended, ElementsAre(std::pair(2, Reason::drop_oldest)));
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1, 3, 4));
  EXPECT_EQ(pool.stats().queue.dropped[static_cast<std::size_t>(Reason::drop_oldest)], 1u);
}

TEST_F(FullPool, ADiscardedPromiseIsAnsweredWithItsReason) {
  ThreadPool pool(with(WhenFull::discard_oldest), context);
  ASSERT_TRUE(submit(pool, blocked(1)));
  auto [oldest, answer] = promised([] { return 42; });
  ASSERT_TRUE(pool.try_submit(oldest));
  ASSERT_TRUE(submit(pool, task(2)));
  ASSERT_TRUE(submit(pool, task(3)));
  EXPECT_EQ(answer.get().error().reason, Reason::drop_oldest);
  finish(pool);
}

TEST_F(FullPool, SubmitWaitsForRoomInsteadOfItsPolicy) {
  ThreadPool pool(with(WhenFull::discard), context);
  fill(pool);
  std::atomic<bool> taken = false;
  std::thread submitter([&] {
    Task late = task(4);
    taken = pool.submit_for(late, 30s).has_value();
  });
  open.count_down();
  submitter.join();
  EXPECT_TRUE(taken);
  EXPECT_TRUE(pool.drain_for(30s));
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(ended.empty());
}

TEST_F(FullPool, SubmitEndsAtItsDeadlineAndWhenThePoolCloses) {
  ThreadPool pool(with(WhenFull::caller_runs), context);
  fill(pool);
  Task late = task(4);
  EXPECT_EQ(pool.submit_for(late, 0ms).error().reason, Reason::deadline_exceeded);
  boost::asio::io_context io;
  std::optional<Admitted<void>> answer;
  const auto submits = [&]() -> boost::asio::awaitable<void> { answer = co_await pool.submit(late, never); };
  spawn(io, submits());
  run_ready(io);
  EXPECT_FALSE(answer);
  pool.close();
  run_ready(io);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().reason, Reason::shutting_down);
  EXPECT_EQ(pool.try_submit(late).error().reason, Reason::shutting_down);
  EXPECT_TRUE(late.run);
  finish(pool);
}

TEST_F(FullPool, BoundsWhatWaitsInBytesToo) {
  ThreadPool pool({.core = 1, .max = 1, .queue = {100, 10_KiB}}, context);
  ASSERT_TRUE(submit(pool, blocked(1)));
  Task large = task(2), small = task(3);
  large.bytes = 8_KiB;
  small.bytes = 3_KiB;
  EXPECT_TRUE(pool.try_submit(large));
  EXPECT_EQ(pool.try_submit(small).error().reason, Reason::flow_full);
  finish(pool);
}

TEST_F(FullPool, ExpiresWhatWaitedTooLong) {
  ThreadPool pool({.core = 1, .max = 1, .queue = {9, 1_MiB}, .expire_after = 1s}, context);
  ASSERT_TRUE(submit(pool, blocked(1)));
  ASSERT_TRUE(submit(pool, task(2)));
  clock.advance(2s);
  ASSERT_TRUE(submit(pool, task(3)));
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1, 3));
  EXPECT_THAT(ended, ElementsAre(std::pair(2, Reason::expired)));
}

TEST_F(FullPool, CancelEndsWhatIsQueuedAndWaitsForWhatRuns) {
  ThreadPool pool(with(WhenFull::abort), context);
  fill(pool);
  pool.cancel();
  EXPECT_THAT(ended, ElementsAre(std::pair(2, Reason::shutdown), std::pair(3, Reason::shutdown)));
  EXPECT_FALSE(pool.drain_for(0ms));
  finish(pool);
  EXPECT_THAT(ran, ElementsAre(1));
}

TEST_F(ThreadPoolTest, CatchesAndCountsWhatTasksThrow) {
  ThreadPool pool({.core = 1, .max = 1}, context);
  ASSERT_TRUE(submit(pool, {[] { throw std::runtime_error("no"); }}));
  auto [thrower, answer] = promised([]() -> int { throw std::out_of_range("far"); });
  ASSERT_TRUE(pool.try_submit(thrower));
  ASSERT_TRUE(submit(pool, task(3)));
  EXPECT_THROW((void)answer.get(), std::out_of_range);
  EXPECT_TRUE(pool.drain_for(30s));
  EXPECT_EQ(pool.stats().threw, 2u);
  EXPECT_EQ(pool.stats().started_threads, 1u);
  EXPECT_THAT(ran, ElementsAre(3));
}

TEST_F(ThreadPoolTest, ServesHigherPrioritiesFirst) {
  ThreadPool pool({.core = 1, .max = 1}, context);
  ASSERT_TRUE(submit(pool, blocked(1)));
  Task low = task(2), high = task(3);
  low.of = Priority::low;
  high.of = Priority::high;
  ASSERT_TRUE(pool.try_submit(low));
  ASSERT_TRUE(pool.try_submit(high));
  open.count_down();
  EXPECT_TRUE(pool.drain_for(30s));
  EXPECT_THAT(ran, ElementsAre(1, 3, 2));
}

TEST_F(ThreadPoolTest, RefusesSizesThatContradictEachOther) {
  EXPECT_THROW(ThreadPool({.core = 3, .max = 2}, context), std::invalid_argument);
  EXPECT_THROW(ThreadPool({.core = 0, .max = 0}, context), std::invalid_argument);
}

TEST_F(ThreadPoolTest, RefusesDurationsThatAreNone) {
  for (const Duration wrong : {Duration{-1}, Duration::min(), Duration::max()}) {
    EXPECT_EQ(check(ThreadPoolConfig{.keep_alive = wrong})->field, "keep_alive");
    EXPECT_THROW(ThreadPool({.keep_alive = wrong}, context), std::invalid_argument);
  }
  for (const Duration wrong : {Duration{0}, Duration{-1}, Duration::max()}) {
    EXPECT_EQ(check(ThreadPoolConfig{.max_wait = wrong})->field, "max_wait");
    EXPECT_EQ(check(ThreadPoolConfig{.expire_after = wrong})->field, "expire_after");
    EXPECT_THROW(ThreadPool({.max_wait = wrong}, context), std::invalid_argument);
    EXPECT_THROW(ThreadPool({.expire_after = wrong}, context), std::invalid_argument);
  }
}

struct ManySubmitters : ThreadPoolTest, testing::WithParamInterface<WhenFull> {};

TEST_P(ManySubmitters, EndEveryTaskInExactlyOneWay) {
  constexpr int each = 3'000;
  const Context real;
  std::atomic<int> run = 0, not_run = 0, refused = 0;
  {
    ThreadPool pool({.core = 1, .max = 3, .keep_alive = 50us, .queue = {8, 1_MiB}, .when_full = GetParam()}, real);
    auto submitter = [&](bool waits) {
      for (int n = 0; n < each; ++n) {
        Task t{[&] { ++run; }, [&](Reason) { ++not_run; }};
        if (!(waits ? pool.submit_for(t, 30s) : pool.try_submit(t))) ++refused;
      }
    };
    std::thread waiting([&] { submitter(true); });
    std::thread other([&] { submitter(false); });
    submitter(false);
    waiting.join();
    other.join();
    if (GetParam() != WhenFull::discard) {
      EXPECT_TRUE(pool.drain_for(30s));
    }
    EXPECT_LE(pool.stats().most_threads, 3u);
    EXPECT_LE(pool.stats().queue.max_waiting.events, 8u);
  }
  EXPECT_EQ(run + not_run + refused, 3 * each);
}

std::string name_of(const testing::TestParamInfo<WhenFull>& policy) {
  constexpr std::array names{"CallerRuns", "Abort", "Discard", "DiscardOldest"};
  return names[static_cast<std::size_t>(policy.param)];
}
INSTANTIATE_TEST_SUITE_P(Policies, ManySubmitters,
                         testing::Values(WhenFull::caller_runs, WhenFull::abort, WhenFull::discard,
                                         WhenFull::discard_oldest),
                         name_of);

}  // namespace
}  // namespace weir::async
