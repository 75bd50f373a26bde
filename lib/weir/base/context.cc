#include <weir/base/context.h>

#include <sys/random.h>
#include <weir/base/result.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

namespace weir {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::steady_clock::now().time_since_epoch()); }
  WallTime wall() const override { return WallTime(std::chrono::system_clock::now().time_since_epoch()); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  ssize_t got = 0;
  do got = ::getrandom(&seed, sizeof seed, 0);
  while (got < 0 && errno == EINTR);
  WEIR_CHECK(got == static_cast<ssize_t>(sizeof seed));  // so few bytes come whole, since Linux 3.17
  return seed;
}

#ifdef WEIR_SEAMS
namespace {

struct Target {
  std::string name;
  std::atomic<long> visits_left;
  explicit Target(const char* spec) : visits_left(0) {
    if (!spec) return;
    std::string_view text(spec);
    const auto colon = text.rfind(':');
    name = text.substr(0, colon);
    visits_left = colon == text.npos ? 1 : std::atol(spec + colon + 1);
  }
};

}  // namespace

void crash_point(std::string_view name) {
  static Target target(std::getenv("WEIR_CRASH_AT"));
  if (target.name == name && target.visits_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}
#endif

}  // namespace weir
