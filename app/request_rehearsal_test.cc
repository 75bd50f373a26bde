// `tests:` about gateways from the file to the diff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"
#include "config/tests.h"
#include "rehearsal/request_rehearsal.h"

namespace weir::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What is wrong with a case of these requests, through a gateway with the routes that people write.
std::vector<std::string> wrong(const std::string& requests) {
  Catalog catalog;
  add_all_connectors(catalog);
  const std::string yaml =
      "memory: 512MiB\n"
      "gateways:\n  edge:\n    listen: 127.0.0.1:8000\n    routes:\n"
      "      - { match: { path: /orders/** }, to: shop, deadline: 1s, rewrite: /v2/**, request: { set: { X-From: edge "
      "} "
      "},\n          cache: { stale_if_error: 60s } }\n"
      "      - { match: { path: /limited }, to: shop, guards: { rate: 1/s } }\n"
      "      - { match: { path: /page }, to: shop, degraded: { status: 203, body: '{\"items\":[]}' } }\n"
      "      - { match: { path: /plain }, to: shop }\n"
      "upstreams:\n  shop: { endpoints: ['shop-a:9001', 'shop-b:9001'], retry: { attempts: 2 }, breaker: { "
      "consecutive_failures: 3, open: 10s } }\n"
      "tests:\n  - name: case\n    requests:\n" +
      requests;
  const auto all = config::load_with_tests({"weir.yaml"}, catalog, config::fake_options({{"weir.yaml", yaml}}));
  std::vector<std::string> out;
  for (const auto& problem : all.loaded.problems)
    if (!problem.warning) out.push_back(problem.text());
  if (!all.loaded.config) return out;
  for (const auto& each : all.cases) {
    const auto played = pipeline::rehearse_requests(*all.loaded.config, each);
    if (!played) return {played.error().message};
    for (const auto& line : pipeline::differences(each, *played)) out.push_back(line.text);
  }
  return out;
}

TEST(RequestRehearsal, PassesARequestOnAsTheRouteSaysAndItsAnswerBack) {
  EXPECT_THAT(
      wrong("      - request: { path: '/orders/7?x=1', method: POST, headers: { X-Request-Id: r1 }, body: { a: 1 } }\n"
            "        upstream: { status: 201, headers: { X-Own: z }, body: { order: 7, lines: [] }, after: 900ms }\n"
            "        expect: { status: 201, headers: { X-Own: z, Via: 1.1 weir }, without: [X-From], body: { order: 7 "
            "},\n"
            "                  route: /orders/**, cached: false, attempts: 1,\n"
            "                  sent: { method: POST, path: '/v2/7?x=1', body: '{\"a\":1}', without: [Connection],\n"
            "                          headers: { X-From: edge, X-Request-Id: r1, X-Forwarded-For: '*' } } }\n"),
      IsEmpty());
}

TEST(RequestRehearsal, SaysWhatWasExpectedAndWhatCame) {
  EXPECT_THAT(wrong("      - request: { path: /plain }\n        upstream: { status: 500, body: { a: 1, b: 2 } }\n"
                    "        expect: { status: 200, route: /plain, headers: { X: y }, body: { a: 2 } }\n"),
              ElementsAre("request 1: GET /plain", "route: /plain", "status: 200", "status: 500", "header X: y",
                          "header X: none", R"(body: {"a":2})", R"(body: {"a":1,"b":2})"));
}

TEST(RequestRehearsal, KeepsWhatMayBeKeptAndLetsItStandIn) {
  EXPECT_THAT(
      wrong("      - request: { path: /orders/7 }\n"
            "        upstream: { headers: { Cache-Control: max-age=10 }, body: kept }\n"
            "        expect: { status: 200, cached: false }\n"
            "      - { advance: 9s }\n"
            "      - { request: { path: /orders/7 }, upstream: refuse, expect: { cached: true, attempts: 0, body: kept "
            "} }\n"
            "      - { advance: 2s }\n"
            "      - request: { path: /orders/7 }\n        upstream: refuse\n"
            "        expect: { status: 200, cached: true, headers: { Cache-Status: weir; hit; detail=stale } }\n"
            "      - { advance: 60s }\n"
            "      - { request: { path: /orders/7 }, upstream: { status: 404 }, expect: { status: 404 } }\n"),
      IsEmpty());
}

TEST(RequestRehearsal, AnUpstreamThatIsSlowerThanTheDeadlineIsGivenUpInGivenTime) {
  EXPECT_THAT(wrong("      - { request: { path: /orders/7 }, upstream: { after: 999ms }, expect: { status: 200 } }\n"
                    "      - { request: { path: /orders/8 }, upstream: { after: 1s }, expect: { status: 504, reason: "
                    "deadline_exceeded } }\n"
                    "      - { request: { path: /plain }, upstream: hang, expect: { status: 504, reason: "
                    "deadline_exceeded } }\n"),
              IsEmpty());
}

TEST(RequestRehearsal, WhatFailsIsRetriedElsewhereWhereThatIsSafe) {
  EXPECT_THAT(wrong("      - request: { path: /plain }\n        upstream: { body: b }\n        endpoints: { "
                    "'shop-a:9001': refuse }\n"
                    "        expect: { status: 200, endpoint: 'shop-b:9001', attempts: 2 }\n"
                    "      - request: { path: /plain, method: POST, body: x }\n        upstream: reset\n"
                    "        expect: { status: 502, reason: upstream_failed, attempts: 1, sent: { body: x } }\n"),
              IsEmpty());
}

TEST(RequestRehearsal, ABreakerOpensAndIsClosedAgainInGivenTime) {
  EXPECT_THAT(
      wrong("      - { request: { path: /plain }, upstream: { status: 500 }, expect: { status: 500 } }\n"
            "      - { request: { path: /plain }, upstream: { status: 500 }, expect: { status: 500 } }\n"
            "      - { request: { path: /plain }, upstream: { status: 500 }, expect: { status: 500 } }\n"
            "      - { request: { path: /plain }, expect: { status: 503, reason: breaker_open, attempts: 0 } }\n"
            "      - { request: { path: /page }, expect: { status: 203, reason: breaker_open, body: { items: [] } } }\n"
            "      - { advance: 11s }\n"
            "      - { request: { path: /plain }, expect: { status: 200 } }\n"),
      IsEmpty());
}

TEST(RequestRehearsal, ARateIsPaidInGivenTime) {
  EXPECT_THAT(wrong("      - { request: { path: /limited }, expect: { status: 200 } }\n"
                    "      - { request: { path: /limited }, expect: { status: 429, reason: rate_limited, headers: { "
                    "Retry-After: '1' } } }\n"
                    "      - { advance: 1s }\n"
                    "      - { request: { path: /limited, method: HEAD }, upstream: { body: abc }, expect: { status: "
                    "200, body: '', headers: { Content-Length: '3' } } }\n"),
              IsEmpty());
}

TEST(RequestRehearsal, WhatNoRouteTakesReachesNobody) {
  EXPECT_THAT(
      wrong("      - { request: { path: /nowhere }, expect: { status: 404, reason: not_found, attempts: 0 } }\n"
            "      - { request: { path: /orders/../plain }, expect: { status: 400, reason: bad_request } }\n"
            "      - { request: { path: /nowhere }, expect: { sent: { path: / } } }\n"),
      ElementsAre("request 3: GET /nowhere", "sent path: /", "sent path: none", "sent: a request", "sent: none"));
}

TEST(RequestRehearsal, AMistakeInACaseHasItsPlaceAndAdvice) {
  EXPECT_THAT(wrong("      - { request: { path: plain }, expect: { status: 200 } }\n"),
              ElementsAre(HasSubstr("write path: /orders/7")));
  EXPECT_THAT(wrong("      - { request: { path: / } }\n"), ElementsAre(HasSubstr("expects nothing")));
  EXPECT_THAT(wrong("      - { expect: { status: 200 } }\n"), ElementsAre(HasSubstr("sends nothing")));
  EXPECT_THAT(wrong("      - { request: { path: / }, upstream: refused, expect: { status: 200 } }\n"),
              ElementsAre(HasSubstr("did you mean refuse?")));
  EXPECT_THAT(wrong("      - { request: { path: / }, endpoints: { 'shop-c:9001': hang }, expect: { status: 200 } }\n"),
              ElementsAre(HasSubstr("endpoints.shop-c:9001")));
  EXPECT_THAT(wrong("      - { request: { path: / }, expect: { reason: because } }\n"),
              ElementsAre(HasSubstr("is no reason")));
  EXPECT_THAT(wrong("      - { request: { path: /, headers: { Content-Length: '1' } }, expect: { status: 200 } }\n"),
              ElementsAre(HasSubstr("Content-Length is written by whoever sends it")));
  EXPECT_THAT(wrong("      - { request: { path: /, gateway: egde }, expect: { status: 200 } }\n"),
              ElementsAre(HasSubstr("did you mean edge?")));
}

}  // namespace
}  // namespace weir::app
