#include "gateway/routes.h"

#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

net::Head head(std::string_view method, std::string_view path, std::string_view authority = "shop.example") {
  net::Head head;
  head.method = method;
  head.target = path;
  head.authority = authority;
  return head;
}

Routes routes() {
  std::vector<config::GatewayRoute> all(4);
  all[0].path = "/orders/**";
  all[0].methods = {"GET", "POST"};
  all[1].path = "/health";
  all[2].path = "/admin/**";
  all[2].host = "admin.example";
  all[3].path = "/a/**";
  return Routes(all);
}

TEST(Routes, TheFirstThatMatchesIsTaken) {
  const auto all = routes();
  EXPECT_EQ(all.find(head("GET", "/orders")).value(), 0u);
  EXPECT_EQ(all.find(head("POST", "/orders/7/lines")).value(), 0u);
  EXPECT_EQ(all.find(head("GET", "/health")).value(), 1u);
  EXPECT_EQ(all.find(head("GET", "/health/x")).error().reason, Reason::not_found);
  EXPECT_EQ(all.find(head("GET", "/ordersx")).error().reason, Reason::not_found);
  EXPECT_EQ(all.find(head("GET", "/ORDERS")).error().reason, Reason::not_found);
  EXPECT_EQ(all.find(head("DELETE", "/orders/7")).error().reason, Reason::method_not_allowed);
  EXPECT_EQ(all.find(head("OPTIONS", "*")).error().reason, Reason::not_found);
}

TEST(Routes, ATemplateStandsForOnePartOfAnyText) {
  std::vector<config::GatewayRoute> all(2);
  all[0].path = "/orders/{id}/lines";
  all[1].path = "/{any}";
  const Routes routes(all);
  EXPECT_EQ(routes.find(head("GET", "/orders/7/lines")).value(), 0u);
  EXPECT_EQ(routes.find(head("GET", "/orders")).value(), 1u);
  for (const char* path : {"/orders/7", "/orders/7/8/lines", "/orders/7/lines/", "/orders/7/lines/x", "/", "/a/"})
    EXPECT_EQ(routes.find(head("GET", path)).error().reason, Reason::not_found) << path;
}

TEST(Routes, AHeaderFieldHasToBeThere) {
  std::vector<config::GatewayRoute> all(2);
  all[0].path = all[1].path = "/**";
  all[0].headers = {{"X-Kind", "gold"}, {"X-Any", "*"}};
  const Routes routes(all);
  const auto found = [&](std::string_view fields) {
    net::Head asked = head("GET", "/");
    asked.fields = fields;
    return routes.find(asked).value();
  };
  EXPECT_EQ(found("x-kind: gold\r\nX-Any: 1\r\n"), 0u);
  EXPECT_EQ(found("x-kind: gold\r\n"), 1u);
  EXPECT_EQ(found("x-kind: golden\r\nX-Any: 1\r\n"), 1u);
}

TEST(Routes, AHostIsTheSameHoweverItIsWritten) {
  const auto all = routes();
  for (const char* host :
       {"admin.example", "ADMIN.example", "admin.example.", "admin.example:8000", "Admin.Example.:80"})
    EXPECT_EQ(all.find(head("GET", "/admin/x", host)).value(), 2u) << host;
  for (const char* host : {"other.example", "xadmin.example", "admin.example.evil", "[::1]:80", ""})
    EXPECT_EQ(all.find(head("GET", "/admin/x", host)).error().reason, Reason::not_found) << host;
}

TEST(Routes, APathThatCanBeReadInTwoWaysIsRefused) {
  const auto all = routes();
  for (const char* path :
       {"/a/../admin", "/a/%2e%2e/admin", "/a%2f..%2fadmin", "//admin", "/a//b", "/a/./b", "/a/%2E./b", "/a/.%2e",
        "/a\\..\\admin", "/a/%5c..", "/a#b", "/a/%00", "/a/..", "/a\xff", "/\xc3\xa4", "relative", ""})
    EXPECT_EQ(all.find(head("GET", path)).error().reason, Reason::bad_request) << path;
  for (const char* path : {"/a/..b", "/a/b..", "/a/...", "/a/%2ehidden", "/a/", "/a/b%20c", "/a/%41"})
    EXPECT_EQ(all.find(head("GET", path)).value(), 3u) << path;
}

}  // namespace
}  // namespace weir::gateway
