#include "schema_keys.h"

#include <fmt/format.h>
#include <weir/component/auth_options.h>
#include <weir/component/mode_option.h>
#include <weir/component/tls_options.h>

#include "config/config.h"
#include "config/units_parse.h"

namespace weir::app {
namespace {

using enum OptionKind;
using Form = Key::Form;

// Views, so that no call makes strings: the compiler makes one function of all the lists of calls below.
using View = std::string_view;

Key key(View name, OptionKind kind, std::optional<View> fallback, View help) {
  Key made;
  made.option = {std::string(name), kind, std::nullopt, false, std::string(help)};
  if (fallback) made.option.fallback = std::string(*fallback);
  return made;
}
Key one_of(View name, std::vector<std::string> choices, std::optional<View> fallback, View help) {
  Key made = key(name, choice, fallback, help);
  made.option.choices = std::move(choices);
  return made;
}
Key named(View name, Form form, View help) {
  Key made = key(name, text, std::nullopt, help);
  made.form = form;
  return made;
}
/// A section for which one value may stand.
Key section_or(View name, View below, OptionKind kind, std::optional<View> fallback, View help) {
  Key made = key(name, kind, fallback, help);
  made.form = Form::section;
  made.below = below;
  made.or_scalar = true;
  return made;
}
Key section(View name, View help) {
  Key made = section_or(name, name, text, std::nullopt, help);
  made.or_scalar = false;
  return made;
}
Key or_word(Key key, std::string word) {
  key.word = std::move(word);
  return key;
}
Key required(Key key) {
  key.option.required = true;
  return key;
}

const std::vector<std::string> priorities{"batch", "low", "normal", "high", "critical"};

KeySection process() {
  return {
      "process",
      "A flow: sources bring events in, stages look at each, journals keep them, sinks write them out.",
      {or_word(key("memory", size, "auto", "What the process may use at most; auto: 60 % of the cgroup or machine."),
               "auto"),
       or_word(key("reactors", count, "auto", "Threads for sources and stages, 1 to 64; auto: half of the cores."),
               "auto"),
       key("drain_deadline", duration, "30s", "How long a stop waits until everything has left."),
       key("batch_bytes", size, "256KiB", "The buffer of an open batch, 4KiB to 1MiB.")}};
}

KeySection source() {
  return {"source",
          "Brings events in.",
          {one_of("acks", {"accepted", "processed", "stored"}, std::nullopt,
                  "When the sender is answered: taken over, delivered, or stored by every required sink. By default "
                  "the strongest level that its type and its paths carry; `weir check` shows it."),
           one_of("when_full", {"reject", "block"}, std::nullopt,
                  "What its sender sees when there is no room; reject is the default where the type can refuse."),
           section("priority", "Where an event's priority is read from; without it every event is normal."),
           one_of("on_malformed", {"reject", "dead_letter"}, "reject", "What becomes of input that is no event."),
           section("guards", "What may start: limits on what comes in."),
           named("dead_letter", Form::part, "The sink or journal that gets what cannot enter the flow.")}};
}

KeySection guards() {
  Key rate =
      section_or("rate", "rate_limit", text, std::nullopt,
                 "How much in which time, as 100/s or 10MiB/s; or a map; or a list of these, which must all agree.");
  rate.or_list = true;
  return {
      "guards",
      "Limits on what may start, asked in order; what one gave before another refuses is given back.",
      {rate,
       section_or("pressure", "pressure", boolean, std::nullopt,
                  "Refuses the lowest priorities while the machine is short of memory, CPU or descriptors; or a map."),
       section_or(
           "concurrency", "concurrency", text, std::nullopt,
           "How many may be under way at once, at a source that answers and at a sink: adaptive, or a number; or a "
           "map."),
       section("fairness", "Whose turn it is among those that wait for a place, at a source that answers.")}};
}

KeySection rate_limit() {
  return {
      "rate_limit",
      "So much may start in such a time.",
      {required(key("limit", text, std::nullopt, "How much in which time: 100/s, 1000/min, 10MiB/s.")),
       key("burst", text, std::nullopt,
           "How much may start at once, of the two buckets. By default the limit where clients are refused, and what "
           "is 100 ms of it where events wait."),
       one_of("algorithm", {"token_bucket", "leaky_bucket", "fixed_window", "sliding_counter", "sliding_log"},
              "token_bucket", "How it is counted."),
       one_of("per", {"requests", "events", "batches", "bytes"}, std::nullopt,
              "What is counted: requests at a source that answers, events elsewhere and with a key that is a field; "
              "batches "
              "are deliveries of a sink."),
       key("key", texts, "none",
           "Who has a limit of its own. At a source that answers and at a route: header:NAME, peer, peer/24, path, "
           "tls_subject or none; at every source a field of the events: .tenant. Or several of them, joined."),
       key("keys", count, "10000", "So many keys are told apart; those beyond share one limit."),
       one_of("mode", {"enforce", "observe"}, "enforce", "observe: decides and counts, and lets everything through."),
       key("name", text, "rate", "What it is called in header fields and metrics.")}};
}

KeySection concurrency() {
  return {
      "concurrency",
      "How many requests may be between their admission and their answer; of a sink, how many deliveries.",
      {one_of("algorithm", {"adaptive", "fixed", "aimd", "vegas", "gradient2"}, std::nullopt,
              "How the limit is found; fixed where only `limit` is written, else adaptive."),
       key("limit", count, std::nullopt, "The limit where it is fixed; elsewhere where it begins."),
       key("min", count, std::nullopt, "It never goes below: 2 where it is adaptive, else 1."),
       key("max", count, std::nullopt,
           "It never goes above: 4096 where it is adaptive, else 1000; at a sink its workers."),
       key("too_slow", duration, "5s", "Of aimd: answers that take longer lower the limit."),
       key("max_wait", duration, std::nullopt,
           "How long a request may wait for its turn; without it, it is refused at once (100ms with fairness). Not at "
           "a sink."),
       key("max_waiting", count, "1000", "So many may wait at once. Not at a sink."),
       one_of("mode", {"enforce", "observe"}, "enforce",
              "observe: counts what it would refuse, and lets it through.")}};
}

KeySection pressure() {
  return {"pressure",
          "Thresholds above which the lowest priorities are refused; 0: it is not looked at.",
          {key("memory", ratio, "92%", "Of the cgroup or the machine, without what caches can give back."),
           key("cpu", ratio, "95%", "Part of the last 10 s in which something waited for a CPU (PSI)."),
           key("run_queue", count, "16", "Tasks that run or want to, for each CPU."),
           key("descriptors", ratio, "90%", "Of those that this process may have open."),
           key("reactor_lag", duration, "250ms", "How late the event loop that answers is, mean of about a second."),
           one_of("mode", {"enforce", "observe"}, "enforce",
                  "observe: counts what it would refuse, and lets it through.")}};
}

KeySection fairness() {
  return {"fairness",
          "Shares of the places for tenants: what one does not use goes to the others.",
          {required(key("key", texts, std::nullopt,
                        "Who is who: header:NAME, peer, peer/24, path, tls_subject; or "
                        "several, joined.")),
           key("tenants", count, "64", "So many have a share of their own, those that send most."),
           key("weights", table, std::nullopt, "By the text of the key: 1 to 1000 where others have 1.")}};
}

KeySection priority_rule() {
  return {"priority",
          "Reads the priority of an event from a header or a field.",
          {required(key("from", text, std::nullopt, "A field, as .severity, or a header, as header:X-Priority.")),
           key("map", table, std::nullopt, "Which value means which priority; by default the priorities' own names."),
           one_of("default", priorities, "normal", "The priority of every other value.")}};
}

KeySection stage() {
  return {"stage",
          "Looks at one event at a time.",
          {required(named("from", Form::parts,
                          "The sources, stages and journals it reads from; STAGE.OUTPUT for one output.")),
           named("dead_letter", Form::part, "The sink or journal that gets copies of what this stage drops.")}};
}

KeySection journal() {
  return {"journal",
          "Keeps events on the disk for whoever reads from it, each at its own latency.",
          {named("from", Form::parts, "The sources and stages it reads from; STAGE.OUTPUT for one output."),
           section("queue", "What waits for the next commit; when_full is said of the journal.")}};
}

KeySection consumer() {
  return {"consumer",
          "The place of a sink in the journals it reads from.",
          {key("name", text, std::nullopt, "Of its cursor: a sink that is renamed keeps its place. The sink's own."),
           one_of("when_behind", {"hold", "skip"}, "hold",
                  "skip: what it has not read may be given up when the journal needs the room; only without required."),
           one_of("start", {"oldest", "newest"}, "oldest", "Where it begins when it has no place yet.")}};
}

KeySection sink() {
  return {
      "sink",
      "Writes events out.",
      {named("from", Form::parts, "The sources, stages and journals it reads from; STAGE.OUTPUT for one output."),
       key("required", boolean, "true", "Whether senders wait for it; false: it may miss events, and nobody waits."),
       section_or("consumer", "consumer", text, std::nullopt, "Its place in the journals it reads from."),
       section_or("workers", "workers", count, "1", "Deliveries at the same time; more than 1 do not keep the order."),
       section("queue", "The only place where events wait, and what happens when it is full."),
       section("batch", "How much one delivery takes."),
       section("guards", "What may go out: limits on what its destination gets."),
       section("breaker", "When a failing destination is left alone, and for how long."),
       section("retry", "When a failed delivery is tried again."),
       one_of("on_failure", {"fail", "drop"}, "fail",
              "What becomes of events that are refused for good: their senders are told, or they are dropped."),
       named("dead_letter", Form::part, "The sink or journal that gets what is refused for good.")}};
}

KeySection workers() {
  return {"workers",
          "A fixed number of workers, written as a range.",
          {key("min", count, "1", "At least so many."), key("max", count, "1", "At most so many.")}};
}

KeySection queue() {
  return {
      "queue",
      "The bounded queue in front of a sink.",
      {key("max_events", count, "10000", "Its bound in events."),
       key("max_bytes", size, "32MiB", "Its bound in bytes."),
       key("max_wait", duration, std::nullopt, "Sizes the bound by time: at most so long at the measured rate."),
       key("pause_at", ratio, "80%", "Readers pause at this share of the bound."),
       key("resume_at", ratio, "20%", "Readers resume at this share of the bound."),
       one_of("when_full", {"block", "reject", "drop_newest", "drop_oldest", "drop_lowest", "drop_random", "spill"},
              "block",
              "What happens at the bound: senders wait or are refused, events are dropped and counted, or they wait on "
              "the disk."),
       section("spill", "Where they wait on the disk, with when_full: spill."),
       one_of("order", {"fifo", "adaptive_lifo"}, "fifo",
              "Which event of a priority is next; adaptive_lifo: the newest from pause_at until resume_at."),
       key("age_boost", duration, "5s", "Events that waited longer may be served before their priority's turn."),
       section_or("codel", "codel", boolean, "false", "Drops some events while all of them wait too long."),
       key("expire_after", duration, std::nullopt, "Events that waited longer are dropped."),
       key("reserved_for_high", ratio, std::nullopt,
           fmt::format("The part of the bound kept for the priorities high and critical. By default {} where a source "
                       "gives priorities, and {} elsewhere.",
                       config::to_text_ratio(config::usual_reserve(true)),
                       config::to_text_ratio(config::usual_reserve(false)))),
       key("dead_letter_shed", ratio, "0%", "Of what is dropped here, the share copied to dead_letter.")}};
}

KeySection spill() {
  return {
      "spill",
      "The folder of a queue that spills. What lies there is promised to nobody: senders wait for its end.",
      {key("path", path, std::nullopt, "The folder; nothing else should live there. data/spill/ and the sink's name."),
       key("max_bytes", size, "1GiB", "What it may take of the disk; when it is full, senders wait."),
       {.option = mode_option("Who may read and write the files it makes; those that are there keep theirs.")}}};
}

KeySection codel() {
  return {"codel",
          "Controlled delay: drops at a rising rate while the wait stands above the target.",
          {key("target", duration, "5ms", "The wait that is accepted."),
           key("interval", duration, "100ms", "How long the wait may stand above it.")}};
}

KeySection batch() {
  return {"batch",
          "How much one delivery takes.",
          {key("max_events", count, "10000", "At most so many events."),
           key("max_bytes", size, "1MiB", "At most so many bytes."),
           key("linger", duration, "0s", "Waits so long for more before it delivers, at most 60s.")}};
}

KeySection breaker() {
  return {"breaker",
          "Leaves a failing destination alone for a while, then probes.",
          {key("consecutive_failures", count, "5", "Opens after so many failures in a row; 0: never."),
           one_of("window", {"none", "count", "time"}, "none", "Opens also by the share of failures over a window."),
           key("window_calls", count, "100", "Window count: the last so many calls."),
           key("window_time", duration, "20s", "Window time: the calls of so long."),
           key("minimum_calls", count, "10", "No share is judged on fewer calls."),
           key("failure_rate", ratio, "50%", "Opens at this share of failures."),
           key("slow_rate", ratio, "100%", "Opens at this share of slow calls."),
           key("slow_call", duration, "1m", "A call that took longer is slow."),
           key("open", duration, "10s", "Time to the next probe."),
           key("half_open_calls", count, "1", "Probes at the same time."),
           key("half_open_wait", duration, "1m", "Probes that never report count as failed after this.")}};
}

KeySection retry() {
  return {"retry",
          "Exponential backoff with jitter.",
          {key("base", duration, "100ms", "The first wait, doubled after each failure."),
           key("cap", duration, "30s", "The longest wait."),
           one_of("jitter", {"full", "equal", "decorrelated", "additive"}, "full", "How the wait is spread by chance."),
           key("additive_most", duration, "100ms", "Jitter additive: at most so much is added."),
           section_or("budget", "budget", ratio, "20%", "Retries may be at most this share of first attempts.")}};
}

KeySection budget() {
  return {"budget",
          "Bounds the load that retries add to what is failing.",
          {key("ratio", ratio, "20%", "Retries in a window, as a share of first attempts."),
           key("minimum", rate, "10/s", "Retries that are always allowed."),
           key("window", duration, "10s", "What it is counted over.")}};
}

KeySection admin() {
  const auto tls = tls_options();
  return {"admin",
          "The listener for /metrics, /health, /ready and `weir top`, `why` and `tap`.",
          {key("listen", address, "127.0.0.1:9600", "Where to listen, as HOST:PORT; empty: nowhere."),
           key("hosts", texts, std::nullopt, "Host names it answers to besides addresses and localhost."),
           key("insecure", boolean, "false",
               "Whether it may listen where other machines reach it, though nobody is asked who he is."),
           {.option = auth_options()[0]},
           {.option = auth_options()[1]},
           {.option = tls[0]},
           {.option = tls[1]},
           {.option = tls[2]},
           {.option = tls[3]}}};
}

KeySection log() {
  return {"log",
          "What the process says on standard error.",
          {one_of("level", {"debug", "info", "warn", "error"}, "info", "What is less than this is not said."),
           one_of("format", {"text", "json"}, "text", "json: one object a line, for machines."),
           one_of("time", {"utc", "local"}, "utc", "The zone of time stamps; each says which.")}};
}

}  // namespace

std::vector<KeySection> config_keys() {
  return {process(),  source(),  priority_rule(), stage(),  journal(), sink(),       consumer(),    workers(),
          queue(),    spill(),   codel(),         batch(),  guards(),  rate_limit(), concurrency(), fairness(),
          pressure(), breaker(), retry(),         budget(), admin(),   log()};
}

}  // namespace weir::app
