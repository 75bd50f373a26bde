// The sections `gateways` and `upstreams`: what can be written, what cannot, and what `check` says about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/diff.h"
#include "config/loaded_for_test.h"
#include "config/report.h"

namespace weir::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

std::string file(const std::string& upstream = "endpoints: ['127.0.0.1:9001']",
                 const std::string& route = "{ match: { path: /** }, to: shop }", const std::string& gateway = {}) {
  return "memory: 512MiB\nupstreams:\n  shop: { " + upstream +
         " }\ngateways:\n  edge: { listen: '127.0.0.1:8000', routes: [ " + route + " ]" +
         (gateway.empty() ? "" : ", " + gateway) + " }\n";
}
std::string with_upstream(const std::string& more) { return file("endpoints: ['127.0.0.1:9001'], " + more); }

std::string only_problem(const std::string& yaml) {
  const auto all = problems(yaml);
  return all.size() == 1 ? all[0] : "so many: " + std::to_string(all.size());
}

TEST(Gateways, AloneAreAWholeConfiguration) {
  const Config config = config_of(file());
  ASSERT_EQ(config.gateways.size(), 1u);
  ASSERT_EQ(config.upstreams.size(), 1u);
  EXPECT_EQ(config.gateways[0].listen, "127.0.0.1:8000");
  EXPECT_EQ(config.gateways[0].routes[0].deadline, 30s);
  EXPECT_FALSE(config.upstreams[0].concurrency) << "adaptive";
  EXPECT_EQ(config.upstreams[0].max_wait, 100ms);
  EXPECT_EQ(config.upstreams[0].attempts, 1) << "nothing is retried that nobody asked for";
}

TEST(Gateways, EveryKeyIsReadAndPrintedSoThatItLoadsAgain) {
  const std::string yaml = file(
      "endpoints: ['127.0.0.1:9001', 'h:2'], concurrency: 8, max_connections: 9, connect_timeout: 2s, queue: { "
      "max_wait: "
      "20ms, max_requests: 7 }, retry: { attempts: 3, budget: 10% }, breaker: { consecutive_failures: 2, open: 3s }",
      "{ match: { path: /a/**, host: Shop.Example, methods: [GET, POST] }, to: shop, deadline: 1s, priority: { from: "
      "'header:X-P', default: low }, client_key: 'header:X-Client', guards: { rate: 5/s, fairness: { key: "
      "'header:X-Api-Key', tenants: 9, weights: { gold: 4 } } } }",
      "max_connections: 5, half_close: serve");
  const Config config = config_of(yaml);
  ASSERT_EQ(config.upstreams.size(), 1u);
  const auto& u = config.upstreams[0];
  EXPECT_EQ(u.concurrency, 8u);
  EXPECT_EQ(u.max_waiting, 7u);
  EXPECT_EQ(u.attempts, 3);
  EXPECT_EQ(u.destination.breaker.open, 3s);
  const auto& route = config.gateways[0].routes[0];
  EXPECT_EQ(route.host, "shop.example");
  EXPECT_THAT(route.methods, ElementsAre("GET", "POST"));
  EXPECT_EQ(route.priority, Priority::low);
  EXPECT_TRUE(config.gateways[0].serve_half_closed);
  EXPECT_EQ(route.guards.rates.size(), 1u);
  EXPECT_FALSE(route.guards.concurrency) << "fairness alone is about the room of the upstream";
  EXPECT_EQ(route.fairness->tenants, 9u);
  EXPECT_EQ(route.fairness->weights.at(0).second, 4u);
  EXPECT_EQ(route.client_key.header, "X-Client");
  EXPECT_EQ(u.tenants, 9u);
  const std::string printed = to_yaml(config, fake_catalog());
  EXPECT_EQ(to_yaml(config_of(printed), fake_catalog()), printed);
}

TEST(Gateways, WhatIsChangedOnTheWayIsReadAndPrintedSoThatItLoadsAgain) {
  const std::string yaml = file(
      "endpoints: ['h:2'], tls: true, tls_ca: ca.pem, tls_certificate: c.pem, tls_key: k.pem, tls_server_name: "
      "s.example, "
      "health: { path: /healthz, every: 2s, timeout: 300ms, unhealthy: 2, healthy: 4 }",
      "{ match: { path: /a/**, headers: { X-Kind: gold, X-Any: '*' } }, to: shop, deadline_from: grpc-timeout, "
      "rewrite: "
      "/v2/**, host: 'inner:80', request: { set: { X-A: b }, add: { X-C: 'd, e' }, remove: [X-F] }, answer: { remove: "
      "Server }, upgrades: { allow: [WebSocket], max: 7, idle: 30s }, degraded: { status: 203, content_type: "
      "text/plain, "
      "body: 'a: \"b\"' }, cache: { max_bytes: 1MiB, stale_if_error: 60s, stale_while_open: 10m, max_waiting: 3 } }, { "
      "match: { path: '/a/{id}/b' }, to: shop }",
      "tls_certificate: gc.pem, tls_key: gk.pem, tls_client_ca: ga.pem, tls_client_names: [n], trusted_peers: "
      "[10.0.0.0/8, '::1'], forwarded: both, access_log: { path: /tmp/a.log, sample: 10% }");
  const Config config = config_of(yaml);
  ASSERT_EQ(config.gateways.size(), 1u);
  const auto& g = config.gateways[0];
  EXPECT_THAT(g.trusted_peers, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(g.forwarded, Forwarded::both);
  EXPECT_EQ(g.access_log->sample, 0.1);
  EXPECT_EQ(g.tls_client_names.size(), 1u);
  const auto& r = g.routes[0];
  EXPECT_EQ(r.request_edits.add[0].second, "d, e");
  EXPECT_EQ(r.answer_edits.remove[0], "Server");
  EXPECT_THAT(r.upgrades.allow, ElementsAre("websocket"));
  EXPECT_EQ(r.degraded->body, "a: \"b\"");
  EXPECT_EQ(r.headers.size(), 2u);
  EXPECT_EQ(r.cache->max_body, 256_KiB) << "a quarter of all";
  EXPECT_EQ(r.cache->stale_while_open, 10min);
  EXPECT_GE(footprint(g).fixed, 1_MiB) << "it counts in the memory table";
  EXPECT_EQ(config.upstreams[0].tls->server_name, "s.example");
  EXPECT_EQ(config.upstreams[0].health->healthy, 4);
  const std::string printed = to_yaml(config, fake_catalog());
  EXPECT_EQ(to_yaml(config_of(printed), fake_catalog()), printed);
  EXPECT_THAT(printed, HasSubstr("request: { set: { X-A: b }, add: { X-C: "));
}

TEST(Gateways, AMistakeInAChangeHasItsPlaceAndAdvice) {
  const auto route = [](const std::string& more) {
    return only_problem(file("endpoints: ['h:1']", "{ match: { path: /a }, to: shop, " + more + " }"));
  };
  EXPECT_THAT(route("request: { set: { Content-Length: '5' } }"), HasSubstr("written by the gateway itself"));
  EXPECT_THAT(route("request: { add: { Host: x } }"), HasSubstr("write host: of the route"));
  EXPECT_THAT(route("request: { set: { 'X A': b } }"), HasSubstr("no name of a header field"));
  EXPECT_THAT(route("answer: { set: { X-A: \"b\\r\\nX-B: c\" } }"), HasSubstr("control characters"));
  EXPECT_THAT(route("rewrite: /v2/**"), HasSubstr("end match.path with /**"));
  EXPECT_THAT(route("rewrite: v2"), HasSubstr("is no path"));
  EXPECT_THAT(route("host: 'a/b'"), HasSubstr("is no host"));
  EXPECT_THAT(route("upgrades: { allow: h2c }"), HasSubstr("cannot be passed through"));
  EXPECT_THAT(route("upgrades: { allow: [] }"), HasSubstr("names no protocol"));
  EXPECT_THAT(route("degraded: { status: 100 }"), HasSubstr("degraded.status"));
  EXPECT_THAT(route("degraded: { bdy: x }"), HasSubstr("did you mean body?"));
  EXPECT_THAT(route("cache: { max_bytes: 1KiB }"), HasSubstr("cache.max_bytes"));
  EXPECT_THAT(route("cache: { max_bytes: 64KiB, max_body: 1MiB }"), HasSubstr("larger than max_bytes"));
  EXPECT_THAT(route("cache: { stale_if_error: 9000h }"), HasSubstr("at most 30d"));
  EXPECT_THAT(route("deadline_from: 'a b'"), HasSubstr("names no header field"));
  EXPECT_THAT(route("guards: { rate: { limit: 5/s, key: tls_subject } }"),
              HasSubstr("rate.key: tls_subject is nobody"));
  EXPECT_THAT(route("guards: { rate: { limit: 5/s, key: [path, .tenant] } }"),
              HasSubstr("rate.key: a field of the body is nobody's here: a route decides before the body comes"));
  EXPECT_THAT(route("client_key: .tenant"), HasSubstr("client_key: a field of the body is nobody's here"));
  EXPECT_THAT(route("guards: { fairness: { key: .tenant } }"),
              HasSubstr("fairness.key: a field of the body is nobody"));
  EXPECT_THAT(route("guards: { fairness: { key: [path, tls_subject] } }"),
              HasSubstr("fairness.key: tls_subject is nobody"));
  const auto gateway = [](const std::string& more) {
    return only_problem(file("endpoints: ['h:1']", "{ match: { path: /a }, to: shop }", more));
  };
  EXPECT_THAT(gateway("trusted_peers: [10.0.0.0/33]"), HasSubstr("is no network"));
  EXPECT_THAT(gateway("trusted_peers: [shop]"), HasSubstr("is no network"));
  EXPECT_THAT(gateway("access_log: { sample: 50% }"), HasSubstr("access_log.path"));
  EXPECT_THAT(gateway("access_log: { path: a, sample: 200% }"), HasSubstr("access_log.sample"));
  EXPECT_THAT(gateway("tls_certificate: c.pem"), HasSubstr("belong together"));
  EXPECT_THAT(gateway("forwarded: yes"), HasSubstr("x_forwarded"));
  EXPECT_THAT(only_problem(with_upstream("tls_ca: a.pem")), HasSubstr("add tls: true"));
  EXPECT_THAT(only_problem(with_upstream("tls: true, tls_key: a.pem")), HasSubstr("give both, or none"));
  EXPECT_THAT(only_problem(with_upstream("health: { every: 1s }")), HasSubstr("health.path"));
  for (const char* path : {"/a/{}", "/a/{b}c", "/a/{b", "/{a}{b}"})
    EXPECT_THAT(only_problem(file("endpoints: ['h:1']", "{ match: { path: '" + std::string(path) + "' }, to: shop }")),
                HasSubstr("braces"))
        << path;
}

TEST(Gateways, HedgingIsReadAndPrintedSoThatItLoadsAgain) {
  const auto with = [](const std::string& retry) {
    return config_of(file("endpoints: ['h:1', 'h:2'], retry: { " + retry + " }"));
  };
  EXPECT_FALSE(with("attempts: 2").upstreams[0].hedging) << "nobody asked for it";
  EXPECT_EQ(with("hedge_after: 30ms").upstreams[0].hedging->after, 30ms);
  ASSERT_TRUE(with("hedge_after: p95").upstreams[0].hedging);
  EXPECT_FALSE(with("hedge_after: p95").upstreams[0].hedging->after);
  for (const char* after : {"30ms", "p95"}) {
    const Config config = with(std::string("hedge_after: ") + after);
    const std::string printed = to_yaml(config, fake_catalog());
    EXPECT_THAT(printed, HasSubstr(std::string("hedge_after: ") + after));
    EXPECT_EQ(to_yaml(config_of(printed), fake_catalog()), printed);
    EXPECT_THAT(to_text(make_report(config, fake_catalog()), false), HasSubstr("is sent to a second endpoint after"));
  }
}

TEST(Gateways, HedgingThatCannotHappenIsAMistake) {
  const auto retry = [](const std::string& endpoints, const std::string& more, const std::string& deadline = "1s") {
    return only_problem(file("endpoints: [" + endpoints + "], retry: { " + more + " }",
                             "{ match: { path: / }, to: shop, deadline: " + deadline + " }"));
  };
  EXPECT_THAT(retry("'h:1'", "hedge_after: 30ms"), HasSubstr("there is no second endpoint"));
  EXPECT_THAT(retry("'h:1', 'h:2'", "hedge_after: 30ms, budget: 0%"), HasSubstr("write budget: 20%"));
  EXPECT_THAT(retry("'h:1', 'h:2'", "hedge_after: 0s"), HasSubstr("write 1ms to 1m, or p95"));
  EXPECT_THAT(retry("'h:1', 'h:2'", "hedge_after: 2m"), HasSubstr("write 1ms to 1m, or p95"));
  EXPECT_THAT(retry("'h:1', 'h:2'", "hedge_after: p99"), HasSubstr("or p95"));
  const auto loaded = load(
      file("endpoints: ['h:1', 'h:2'], retry: { hedge_after: 2s }", "{ match: { path: / }, to: shop, deadline: 1s }"));
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0].text(), HasSubstr("warning: 1s is over before shop hedges a request after 2s"));
}

TEST(Gateways, AMistakeHasItsPlaceAndAdvice) {
  EXPECT_THAT(only_problem(file("endpoints: ['127.0.0.1:9001']", "{ match: { path: /** }, to: shp }")),
              HasSubstr("gateways.edge.routes[0].to: there is no upstream 'shp'; did you mean shop?"));
  EXPECT_THAT(problems(with_upstream("concurency: 5")), Contains(HasSubstr("did you mean concurrency?")));
  EXPECT_THAT(only_problem(with_upstream("concurrency: many")), HasSubstr("or adaptive"));
  EXPECT_THAT(only_problem(with_upstream("concurrency: 500")), HasSubstr("raise max_connections"));
  EXPECT_THAT(only_problem(with_upstream("queue: { max_wait: 2m }")), HasSubstr("at most 60s"));
  EXPECT_THAT(only_problem(file("concurrency: 5")), HasSubstr("add endpoints:"));
  EXPECT_THAT(only_problem(file("endpoints: [nowhere]")), HasSubstr("has no port"));
  EXPECT_THAT(only_problem(file("endpoints: ['h:1', 'h:1']")), HasSubstr("named twice"));
  for (const char* path : {"orders", "/a*", "/a//b", "/a?b", "/**/x"})
    EXPECT_THAT(only_problem(file("endpoints: ['h:1']", "{ match: { path: '" + std::string(path) + "' }, to: shop }")),
                HasSubstr("write /orders for one path"))
        << path;
  EXPECT_THAT(only_problem(file("endpoints: ['h:1']", "{ match: { path: /, methods: [get] }, to: shop }")),
              HasSubstr("'get' is no method"));
  EXPECT_THAT(only_problem(file("endpoints: ['h:1']", "{ match: { path: /, host: 'h:1' }, to: shop }")),
              HasSubstr("without a port"));
}

TEST(Gateways, AnUpstreamThatNoRouteLeadsToIsAWarning) {
  EXPECT_THAT(
      only_problem(file() + "  other: { listen: '127.0.0.1:1', routes: [ { match: { path: / }, to: shop } ] }\n"),
      HasSubstr("so many: 0"));
  const auto loaded = load(
      "memory: 512MiB\nupstreams:\n  a: { endpoints: ['h:1'] }\n  b: { endpoints: ['h:1'] }\ngateways:\n"
      "  g: { listen: '127.0.0.1:1', routes: [ { match: { path: / }, to: a } ] }\n");
  ASSERT_TRUE(loaded.config.has_value());
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0].text(), HasSubstr("upstreams.b: warning: no route leads to it"));
}

TEST(Gateways, TheReportHasTheirRoutesAnswersAndMemory) {
  const auto text = to_text(make_report(config_of(file()), fake_catalog()), false);
  EXPECT_THAT(text, HasSubstr("Routes"));
  EXPECT_THAT(text, HasSubstr("upstreams.shop"));
  EXPECT_THAT(text, HasSubstr("gateway edge: connections"));
  EXPECT_THAT(text, Not(HasSubstr("Promises"))) << "there is no path of events";
  const auto json = to_json(make_report(config_of(file()), fake_catalog()));
  EXPECT_THAT(json, HasSubstr(R"("routes":[{"gateway":"edge","match":"/**","upstream":"shop","deadline":30}])"));
}

TEST(Gateways, AChangeOfThemNeedsANewProcess) {
  const auto was = config_of(file()), is = config_of(with_upstream("breaker: { open: 3s }"));
  EXPECT_TRUE(changes(was, was, fake_catalog()).empty());
  const auto found = changes(was, is, fake_catalog());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "upstreams.shop.breaker.open");
  EXPECT_FALSE(found[0].in_place);
}

TEST(Gateways, TheirConnectionsCountInMemory) {
  const auto memory = [](const std::string& yaml) { return config_of(yaml).memory.footprints; };
  EXPECT_GT(memory(with_upstream("max_connections: 300")), memory(with_upstream("max_connections: 100")));
  EXPECT_GT(memory(file("endpoints: ['h:1']", "{ match: { path: / }, to: shop }", "max_connections: 600")),
            memory(file("endpoints: ['h:1']", "{ match: { path: / }, to: shop }", "max_connections: 200")));
}

}  // namespace
}  // namespace weir::config
