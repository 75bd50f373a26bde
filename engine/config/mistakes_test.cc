// Every mistake has its exact line: what a person reads is part of the contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace weir::config {
namespace {

std::vector<std::string> lines(std::string_view yaml) {
  std::vector<std::string> out;
  for (const Problem& problem : load_text(yaml, "weir.yaml", fake_catalog(), fake_options()).problems)
    out.push_back(problem.text());
  return out;
}

/// A right configuration with `line` put below one of its parts.
constexpr std::string_view top = "memory: 256MiB\n";
std::string with(std::string_view source, std::string_view stage, std::string_view sink, std::string_view rest = {}) {
  const auto below = [](std::string_view text) {
    return text.empty() ? std::string() : "    " + std::string(text) + "\n";
  };
  std::string out(top);
  out += "sources:\n  orders:\n    type: http\n    listen: 127.0.0.1:8080\n" + below(source);          // from line 6
  out += "stages:\n  paid:\n    type: filter\n    from: orders\n    where: .a == 1\n" + below(stage);  // from line 11
  out += "sinks:\n  warehouse:\n    type: store\n    from: [paid]\n    path: data\n" + below(sink);    // from line 16
  out += rest;
  return out;
}

struct Mistake {
  const char* name;
  std::string yaml;
  std::vector<std::string> lines;
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreAnsweredWithTheirLine) {
  EXPECT_THAT(lines(GetParam().yaml), ::testing::ElementsAreArray(GetParam().lines));
}

std::string name_of(const ::testing::TestParamInfo<Mistake>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Keys, Mistakes,
    ::testing::ValuesIn(std::vector<Mistake>{
        {"None", with("", "", ""), {}},
        {"UnknownTop", with("", "", "", "sinc: 1\n"), {"weir.yaml:16:1: sinc: unknown key; did you mean sinks?"}},
        {"SectionOfAnotherVersion",
         with("", "", "", "operators: {}\n"),
         {"weir.yaml:16:1: operators: unknown key: known here: memory, reactors, drain_deadline, batch_bytes, "
          "sources, stages, journals, sinks, upstreams, gateways, admin, alerts, log, tests and scenarios"}},
        {"UnknownDeep",
         with("", "", "queue: { max_event: 5 }"),
         {"weir.yaml:16:14: sinks.warehouse.queue.max_event: unknown key; did you mean max_events?"}},
        {"UnknownOption",
         with("max_bodi: 1MiB", "", ""),
         {"weir.yaml:6:5: sources.orders.max_bodi: unknown key; did you mean max_body?"}},
        {"Duplicate",
         with("", "", "path: other"),
         {"weir.yaml:16:5: the key 'path' is already set at weir.yaml:15:5: keep one of the two"}},
        {"UnknownType",
         with("", "", "", "  more: { type: stor, from: paid }\n"),
         {"weir.yaml:16:17: sinks.more.type: 'stor' is no type of sink; did you mean store?"}},
        {"NoType",
         with("", "", "", "  more: { from: paid }\n"),
         {"weir.yaml:16:3: sinks.more: has no type: write type: and one of the sink types"}},
        {"EmptyPart",
         with("", "", "", "  more:\n"),
         {"weir.yaml:16:3: sinks.more: has no type: write type: below it",
          "weir.yaml:16:3: sinks.more: nothing leads here: add from: and a source or stage, or name it as a "
          "dead_letter"}},
        {"MissingOption",
         with("", "", "", "  more: { type: post, from: paid }\n  third: { type: store, from: paid }\n"),
         {"weir.yaml:17:3: sinks.third.path: is missing: the file it writes"}},
        {"NoMap",
         with("", "", "breaker: 5"),
         {"weir.yaml:16:14: sinks.warehouse.breaker: is no map: write key: value pairs below it"}},
        {"NoScalar",
         with("", "", "required: [a]"),
         {"weir.yaml:16:15: sinks.warehouse.required: is a list, but one value is expected"}},
        {"EmptySections", with("", "", "queue:\n    breaker:\n    retry: {}"), {}},
        {"NoValue",
         with("", "", "mode:"),
         {"weir.yaml:16:5: sinks.warehouse.mode: has no value: give it one, or leave the key out"}},
        {"BadName",
         with("", "", "", "  Big-One: { type: print, from: paid }\n"),
         {"weir.yaml:16:3: sinks: 'Big-One' is no name: write a to z, then a to z, 0 to 9 and _, at most 64"}},
        {"NameTwice",
         with("", "", "", "  paid: { type: print, from: paid }\n"),
         {"weir.yaml:16:3: sinks.paid: the name is already used at weir.yaml:7:3: choose another"}},
    }),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Values, Mistakes,
    ::testing::ValuesIn(std::vector<Mistake>{
        {"SizeWithoutUnit",
         "memory: 512\n" + with("", "", "").substr(top.size()),
         {"weir.yaml:1:9: memory: '512' has no unit: write 512MiB or 512KB"}},
        {"DurationWithoutUnit",
         with("", "", "queue: { max_wait: 200 }"),
         {"weir.yaml:16:24: sinks.warehouse.queue.max_wait: '200' has no unit: write 200s or 200ms"}},
        {"RatioAboveOne",
         with("", "", "queue: { pause_at: 80 }"),
         {"weir.yaml:16:24: sinks.warehouse.queue.pause_at: '80' is above 1: write 80%"}},
        {"Marks",
         with("", "", "queue: { pause_at: 20%, resume_at: 80% }"),
         {"weir.yaml:16:40: sinks.warehouse.queue.resume_at: resume_at (80%) has to be below pause_at (20%)"}},
        {"Spill",
         with("", "", "queue: { when_full: block, spill: { max_bytes: 1GiB } }"),
         {"weir.yaml:16:39: sinks.warehouse.queue.spill: says where to spill, but when_full does not say spill: write "
          "when_full: spill"}},
        {"Policy",
         with("", "", "queue: { when_full: drop_older }"),
         {"weir.yaml:16:25: sinks.warehouse.queue.when_full: 'drop_older' is unknown; did you mean drop_oldest?"}},
        {"Boolean",
         with("", "", "required: yes"),
         {"weir.yaml:16:15: sinks.warehouse.required: 'yes' is neither true nor false"}},
        {"Count",
         with("", "", "batch: { max_events: 1k }"),
         {"weir.yaml:16:26: sinks.warehouse.batch.max_events: '1k' is not a whole number: write digits only, as in "
          "512"}},
        {"CountRange",
         with("", "", "queue: { max_events: 0 }"),
         {"weir.yaml:16:26: sinks.warehouse.queue.max_events: '0' is out of range: write 1 to 100000000"}},
        {"TooSmall",
         with("", "", "queue: { max_bytes: 12B }"),
         {
             "weir.yaml:16:25: sinks.warehouse.queue.max_bytes: '12B' is too little: at least 1KiB",
         }},
        {"Address",
         with("", "", "", "admin: { listen: localhost }\n"),
         {"weir.yaml:16:18: admin.listen: 'localhost' has no port: write HOST:PORT, as in 127.0.0.1:8080"}},
        {"AddressWithAPassword",
         with("", "", "", "admin: { listen: 'ops:hunter2@127.0.0.1:9600' }\n"),
         {"weir.yaml:16:18: admin.listen: names a user: write HOST:PORT alone, as in 127.0.0.1:8080"}},
        {"OpenAdmin",
         with("", "", "", "admin: { listen: '0.0.0.0:9600' }\n"),
         {"weir.yaml:16:18: admin.listen: whoever reaches 0.0.0.0:9600 reads metrics and events without a password: "
          "listen on 127.0.0.1, ask for tokens with `auth_bearer`, or say `insecure: true`"}},
        {"AdminToken",
         with("", "", "", "admin: { listen: '0.0.0.0:9600', auth_bearer: [ 'hunter 2' ] }\n"),
         {"weir.yaml:16:47: admin.auth_bearer: token 1 holds a blank, a line feed or another character that no client "
          "sends"}},
        {"AdminEmptyToken",
         with("", "", "", "admin: { auth_bearer: '${EMPTY}' }\n"),
         {"weir.yaml:16:23: admin.auth_bearer: token 1 is empty: everybody would know it"}},
        {"AdminKeyWithoutCertificate",
         with("", "", "", "admin: { tls_key: k.pem }\n"),
         {"weir.yaml:16:19: admin.tls_key: tls_certificate and tls_key belong together: give both, or none for no "
          "TLS"}},
        {"AdminClientsWithoutTls",
         with("", "", "", "admin: { tls_client_ca: c.pem }\n"),
         {"weir.yaml:16:25: admin.tls_client_ca: without TLS nobody shows a certificate: give tls_certificate and "
          "tls_key "
          "too"}},
        {"OpenAdminWithTls",
         with("", "", "", "admin: { listen: '0.0.0.0:9600', tls_certificate: c.pem, tls_key: k.pem }\n"),
         {"weir.yaml:16:18: admin.listen: whoever reaches 0.0.0.0:9600 reads metrics and events without a password: "
          "listen on 127.0.0.1, ask for tokens with `auth_bearer`, or say `insecure: true`"}},
        {"Choice",
         with("", "", "mode: sfae"),
         {"weir.yaml:16:11: sinks.warehouse.mode: 'sfae' is unknown; did you mean safe?"}},
        {"Expression",
         with("", "", "", "").replace(with("", "", "").find(".a == 1"), 7, "nothing"),
         {"weir.yaml:10:12: stages.paid.where: expected a comparison"}},
        {"Workers",
         with("", "", "workers: 4"),
         {"weir.yaml:16:14: sinks.warehouse.workers: 4 workers, but a sink of type store can have 1: write "
          "workers: 1"}},
        {"ScalingWorkers",
         with("", "", "workers: { min: 1, max: 16 }"),
         {"weir.yaml:16:14: sinks.warehouse.workers: the number of workers is fixed in this version, but 1 to 16 "
          "is asked for: write workers: 16",
          "weir.yaml:16:14: sinks.warehouse.workers: 16 workers, but a sink of type store can have 1: write "
          "workers: 1"}},
        {"RetryCap",
         with("", "", "retry: { base: 1m, cap: 1s }"),
         {"weir.yaml:16:20: sinks.warehouse.retry.base: 1m is longer than the cap of 1s: raise cap, or lower "
          "base"}},
        {"Variable",
         with("", "", "password: ${NOPE}"),
         {"weir.yaml:16:15: sinks.warehouse.password: the variable NOPE is not set: set it, or write "
          "${NOPE:-default}"}},
        {"Dollar",
         with("", "", "password: a$b"),
         {"weir.yaml:16:15: sinks.warehouse.password: a '$' that starts no variable: write $$ for a dollar sign, "
          "${VAR} for a variable"}},
        {"OpenVariable",
         with("", "", "password: ${A"),
         {"weir.yaml:16:15: sinks.warehouse.password: '${A' is no variable: write ${VAR} or ${VAR:-default}"}},
        {"SecretFile",
         with("", "", "password: file:/nope"),
         {"weir.yaml:16:15: sinks.warehouse.password: cannot read /nope: No such file or directory"}},
        {"SecretOfTheWrongKind",
         with("", "", "ratio: file:/secret"),
         {"weir.yaml:16:12: sinks.warehouse.ratio: what the file holds is not what is expected here"}},
        {"SecretWhereItMakesNoSense",
         with("", "", "required: file:/secret"),
         {"weir.yaml:16:15: sinks.warehouse.required: only options of sources, stages and sinks can be read from a "
          "file: write the value itself"}},
        {"PriorityFrom",
         with("priority: { from: severity }", "", ""),
         {"weir.yaml:6:23: sources.orders.priority.from: 'severity' is neither a field nor a header: write .severity "
          "or header:X-Priority"}},
        {"PriorityMap",
         with("priority: { from: .s, map: { error: urgent } }", "", ""),
         {"weir.yaml:6:41: sources.orders.priority.map.error: 'urgent' is none of batch, low, normal, high or "
          "critical"}},
        {"SeveralAtOnce",
         with("max_body: 5", "", "required: 1"),
         {"weir.yaml:6:15: sources.orders.max_body: '5' has no unit: write 5MiB or 5KB",
          "weir.yaml:17:15: sinks.warehouse.required: '1' is neither true nor false"}},
    }),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Graph, Mistakes,
    ::testing::ValuesIn(std::vector<Mistake>{
        {"Dangling",
         with("", "", "", "  more: { type: print, from: pay }\n"),
         {"weir.yaml:16:30: sinks.more.from: there is no source, stage or journal pay; did you mean paid?"}},
        {"FromASink",
         with("", "", "", "  more: { type: print, from: warehouse }\n"),
         {"weir.yaml:16:30: sinks.more.from: warehouse is a sink, and nothing comes out of a sink: name a source, a "
          "stage or a journal"}},
        {"EmptyFrom",
         with("", "", "", "  more: { type: print, from: [] }\n"),
         {"weir.yaml:16:30: sinks.more.from: is an empty list: name at least one part"}},
        {"TwiceInFrom",
         with("", "", "", "  more: { type: print, from: [paid, paid] }\n"),
         {"weir.yaml:16:37: sinks.more.from: 'paid' is named twice"}},
        {"Unreached",
         with("", "", "", "  more: { type: print }\n"),
         {"weir.yaml:16:3: sinks.more: nothing leads here: add from: and a source or stage, or name it as a "
          "dead_letter"}},
        {"Cycle",
         "sources: { s: { type: ticker } }\nstages:\n  a: { type: filter, where: x == 1, from: [s, c] }\n  b: { type: "
         "filter, where: x == 1, from: a }\n  c: { type: filter, where: x == 1, from: b }\nsinks: { k: { type: print, "
         "from: c } }\n",
         {"weir.yaml:3:43: stages.a.from: events would go round for ever: b -> c -> a -> b: cut one of these"}},
        {"StageThatLeadsNowhere",
         "sources: { s: { type: ticker } }\nstages: { f: { type: filter, from: s, where: a == 1 } }\nsinks: { k: { "
         "type: print, from: s } }\n",
         {"weir.yaml:2:11: stages.f: warning: leads nowhere: nothing reads from it: name it in a sink's from"}},
        {"SourceThatLeadsNowhere",
         "sources: { s: { type: ticker }, t: { type: ticker } }\nsinks: { k: { type: print, from: s } }\n",
         {"weir.yaml:1:33: sources.t: warning: leads nowhere: nothing reads from it: name it in a sink's from"}},
        {"NoSources",
         "sinks: {}\n",
         {"weir.yaml:1:1: there are no sources, so nothing would ever happen: add sources: or gateways:"}},
        {"Nothing",
         "",
         {"weir.yaml:1:1: there are no sources, so nothing would ever happen: add sources: or gateways:"}},
        {"DeadLetterUnknown",
         with("", "", "dead_letter: ded", "  dead: { type: print, from: paid }\n"),
         {"weir.yaml:16:18: sinks.warehouse.dead_letter: there is no sink ded; did you mean dead?"}},
        {"DeadLetterIsAStage",
         with("", "", "dead_letter: paid"),
         {"weir.yaml:16:18: sinks.warehouse.dead_letter: paid is no sink: name a sink"}},
        {"DeadLetterItself",
         with("", "", "dead_letter: warehouse"),
         {"weir.yaml:16:18: sinks.warehouse.dead_letter: a sink cannot be its own dead letter: name another sink, or "
          "leave it out"}},
        {"DeadLetterChain",
         with("", "", "dead_letter: dead",
              "  dead: { type: store, path: d, dead_letter: more }\n  more: { type: store, path: m }\n"),
         {"weir.yaml:16:18: sinks.warehouse.dead_letter: dead has a dead_letter of its own, so letters could go round: "
          "remove sinks.dead.dead_letter"}},
        {"DeadLetterOptional",
         with("", "", "dead_letter: dead",
              "  dead: { type: store, path: d, required: false, queue: { when_full: drop_oldest } }\n"),
         {"weir.yaml:16:18: sinks.warehouse.dead_letter: dead is optional (required: false), so dead letters could be "
          "lost there: make it required, or name another sink"}},
        {"MalformedWithoutTarget",
         with("on_malformed: dead_letter", "", ""),
         {"weir.yaml:6:19: sources.orders.on_malformed: says dead_letter, but no dead_letter is named: add "
          "dead_letter: and the name of a sink"}},
    }),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Levels, Mistakes,
    ::testing::ValuesIn(std::vector<Mistake>{
        {"StoredBehindADrop",
         with("acks: stored", "", "queue: { when_full: drop_oldest }"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.warehouse.queue drops (when_full: "
          "drop_oldest): use block, or acks: processed"}},
        {"StoredBehindCodel",
         with("acks: stored", "", "queue: { codel: true }"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.warehouse.queue drops what waits too "
          "long (codel): remove codel, or acks: processed"}},
        {"StoredBehindExpiry",
         with("acks: stored", "", "queue: { expire_after: 5s }"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.warehouse.queue drops what waits "
          "longer than 5s (expire_after): remove expire_after, or acks: processed"}},
        {"StoredBehindReject",
         with("acks: stored", "", "queue: { when_full: reject }"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.warehouse.queue refuses what is "
          "already read (when_full: reject): use block, or acks: processed"}},
        {"StoredBySending",
         with("acks: stored", "", "mode: fast"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.warehouse only sends and never learns "
          "what became of it (type store): use a sink that confirms, or acks: processed"}},
        {"StoredThroughADeadLetter",
         with("acks: stored", "", "dead_letter: dead", "  dead: { type: print }\n"),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but sinks.dead only sends and never learns what "
          "became of it (type print): use a sink that confirms, or acks: processed"}},
        {"StoredByAnOptionalSinkOnly",
         with("acks: stored", "", "required: false", ""),
         {"weir.yaml:6:11: sources.orders: asks for acks: stored, but it leads to no required sink: use acks: "
          "accepted",
          "weir.yaml:13:3: sinks.warehouse.queue.when_full: sinks.warehouse is optional (required: false) and may "
          "hold nobody up, but its queue is block: say what may be lost (drop_oldest, drop_newest, drop_lowest or "
          "drop_random), or make it required"}},
        {"MoreThanTheType",
         "sources: { s: { type: ticker, acks: processed } }\nsinks: { k: { type: store, path: p, from: s } }\n",
         {"weir.yaml:1:37: sources.s: asks for acks: processed, but a source of type ticker can give accepted at "
          "most: use acks: accepted"}},
        {"RejectWithoutRefusal",
         "sources: { s: { type: ticker } }\nsinks: { k: { type: store, path: p, from: s, queue: { when_full: "
         "reject } } }\n",
         {"weir.yaml:2:66: sinks.k.queue.when_full: reject needs sources that can refuse, and sources.s (ticker) "
          "cannot: use block or a drop_* policy"}},
        {"RejectAfterTheAnswer",
         with("acks: accepted", "", "queue: { when_full: reject }"),
         {"weir.yaml:17:25: sinks.warehouse.queue.when_full: reject needs a sender that still waits, and "
          "sources.orders answers at once (acks: accepted): use block, or acks: processed"}},
        {"BlockWithoutPause",
         "sources: { s: { type: knock } }\nsinks: { k: { type: store, path: p, from: s } }\n",
         {"weir.yaml:2:10: sinks.k.queue.when_full: block needs sources that can pause, and sources.s (knock) "
          "cannot: use a drop_* policy"}},
        {"DoorThatCannotRefuse",
         "sources: { s: { type: ticker, when_full: reject } }\nsinks: { k: { type: store, path: p, from: s } }\n",
         {"weir.yaml:1:42: sources.s.when_full: a source of type ticker cannot refuse: write block"}},
        {"ReplayForEver",
         "sources: { s: { type: tail, path: x, acks: stored } }\nsinks: { k: { type: store, path: p, from: s } }\n",
         {"weir.yaml:2:10: sinks.k: s reads again what is not stored, so an event this sink refuses for good would "
          "come back for ever: add dead_letter: or on_failure: drop"}},
        {"EventLargerThanTheQueue",
         with("", "", "queue: { max_bytes: 64KiB }"),
         {"weir.yaml:16:25: sinks.warehouse.queue.max_bytes: an event of sources.orders may have 256KiB, which "
          "never fits into 64KiB: raise max_bytes, or lower max_event"}},
        {"DropAndDeadLetter",
         with("", "", "on_failure: drop\n    dead_letter: dead", "  dead: { type: store, path: d }\n"),
         {"weir.yaml:16:17: sinks.warehouse.on_failure: drop contradicts dead_letter: keep one of the two"}},
        {"TooLittleMemory",
         "memory: 16MiB\n" + with("", "", "").substr(top.size()),
         {"weir.yaml:1:9: memory: 16MiB is too small: parts declare 26MiB (largest: process: code, stacks, logging "
          "12MiB) and one request may need 4MiB: at least 30MiB is needed"}},
    }),
    name_of);

TEST(OwnOutput, IsRefusedWhereItsFlowReadsItAgain) {
  const auto flow = [](const std::string& read, const std::string& written, const std::string& between = {}) {
    return lines("memory: 256MiB\nsources:\n  log: { type: tail, path: \"" + read + "\" }\n" + between +
                 "sinks:\n  out: { type: store, from: [log], path: \"" + written + "\", on_failure: drop }\n");
  };
  const auto again =
      ::testing::Contains(::testing::HasSubstr("which sources.log reads: its own events would come back"));
  EXPECT_THAT(flow("l/*.log", "l/out.log"), again);
  EXPECT_THAT(flow("l/a.log", "./l//a.log"), again);
  EXPECT_THAT(flow("l/*.log", "l/out.ndjson"), ::testing::Not(again));
  EXPECT_THAT(flow("l/*.log", "other/out.log"), ::testing::Not(again));
}

TEST(OwnOutput, OfDeadLettersIsRefusedToo) {
  EXPECT_THAT(
      lines("memory: 256MiB\nsources:\n  log: { type: tail, path: \"l/*.log\" }\nsinks:\n"
            "  out: { type: store, from: [log], path: o, dead_letter: bad }\n"
            "  bad: { type: store, path: l/bad.log, on_failure: drop }\n"),
      ::testing::Contains(::testing::HasSubstr("sinks.bad: writes to l/bad.log, which sources.log reads: its")));
}

TEST(OwnOutput, IsReadByNoOtherSourceOfTheProcess) {
  EXPECT_THAT(lines("memory: 256MiB\nsources:\n  a: { type: tail, path: a }\n  b: { type: tail, path: between }\n"
                    "sinks:\n  one: { type: store, from: [a], path: between, on_failure: drop }\n"
                    "  two: { type: store, from: [b], path: end, on_failure: drop }\n"),
              ::testing::ElementsAre(::testing::HasSubstr("sinks.one: writes to between, which sources.b reads: a "
                                                          "process does not read the files it writes: pass the")));
}

TEST(OwnOutput, SentToItsOwnDoorIsRefused) {
  const auto flow = [](const std::string& listen, const std::string& url) {
    return lines("memory: 256MiB\nsources:\n  in: { type: http, listen: \"" + listen +
                 "\" }\nsinks:\n  out: { type: post, from: [in], url: \"" + url + "\" }\n");
  };
  const auto again = ::testing::Contains(::testing::HasSubstr("which sources.in reads: its own events would come"));
  EXPECT_THAT(flow("127.0.0.1:8080", "http://localhost:8080/events"), again);
  EXPECT_THAT(flow("0.0.0.0:8080", "http://127.0.0.1:8080/"), again);
  EXPECT_THAT(flow("127.0.0.1:8080", "http://127.0.0.1:8081/"), ::testing::Not(again));
}

TEST(OwnOutput, SentRoundByWayOfAnotherSourceIsRefused) {
  const auto flow = [](const std::string& back) {
    return lines(
        "memory: 256MiB\nsources:\n  a: { type: http, listen: 127.0.0.1:8080 }\n"
        "  b: { type: http, listen: 127.0.0.1:8081 }\nsinks:\n"
        "  there: { type: post, from: [a], url: \"http://127.0.0.1:8081/\" }\n"
        "  back: { type: post, from: [b], url: \"http://127.0.0.1:" +
        back + "/\" }\n");
  };
  EXPECT_THAT(flow("8080"),
              ::testing::Contains(::testing::HasSubstr("which sources.a reads: its own events would come back")));
  EXPECT_THAT(flow("8082"), ::testing::Not(::testing::Contains(::testing::HasSubstr("would come back"))));
}

}  // namespace
}  // namespace weir::config
