#include "observe/alert_rules.h"

namespace weir::observe {
namespace {

using std::chrono::seconds;

constexpr std::array<AlertRuleInfo, alert_rule_count> rules{{
    {AlertRule::queue_full_soon, "queue_full_soon", true, seconds(1), "sink",
     "its queue is full, or will be within 60 s at its present growth",
     "find out what holds the sink up (`weir why`), or give it more workers; what comes meanwhile waits or is refused"},
    {AlertRule::queue_depth, "queue_depth", false, seconds(1), "sink",
     "more than 5 times as many events wait as usual, and the queue is filled to a tenth at least",
     "compare what comes in with what goes out: more comes than usual, or the sink has become slower"},
    {AlertRule::errors, "errors", true, seconds(1), "sink, gateway",
     "more than 5 % of the attempts (of a gateway: of its answers) failed in the last 5 s, and at least 3",
     "look at the destination: its own words are in `weir why`"},
    {AlertRule::utilisation, "utilisation", false, seconds(1), "sink",
     "its workers were busy for more than 80 % of the last 5 s",
     "work waits longer and longer beyond this: give it more workers if the destination can take more"},
    {AlertRule::latency, "latency", true, seconds(1), "sink",
     "p99 of the last half minute is 3 times the usual one, or nothing ends any more",
     "if p50 is as usual a part is stuck, otherwise all of it is slow"},
    {AlertRule::lag, "lag", true, seconds(1), "source, journal",
     "the oldest event that waits to be read is older than 5 minutes",
     "the consumer does not keep up: `weir why` says what holds it"},
    {AlertRule::lag_growth, "lag_growth", true, seconds(0), "source, journal",
     "what waits to be read grew in each of the last three times 10 s, by 1 000 events at least",
     "more comes than is read: more workers, more partitions and instances, or less work for each event"},
    {AlertRule::memory, "memory", true, seconds(1), "flow", "more than 80 % of the memory budget is reserved",
     "events wait somewhere: look at the fullest queue; raise memory only if that is what you want to keep waiting"},
    {AlertRule::pool, "pool", false, seconds(1), "upstream",
     "more than 80 % of the requests that may be under way to it are",
     "it is close to its limit: from there on requests wait and are refused"},
    {AlertRule::breaker_open, "breaker_open", true, seconds(0), "sink, upstream",
     "its breaker is open: nothing is sent to it until a probe succeeds",
     "look at the destination; the breaker closes by itself when it answers again"},
    {AlertRule::ledger, "ledger", true, seconds(10), "flow", "events or requests are not accounted for, for 10 s",
     "this is a defect of Weir: please report it with the output of /api/ledger"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (static_cast<std::size_t>(rules[i].rule) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const AlertRuleInfo, alert_rule_count> alert_rules() { return rules; }

}  // namespace weir::observe
