#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <weir/component/conformance/batches.h>
#include <weir/component/conformance/sink_check.h>

#include "net/gzip.h"
#include "net/peer_for_test.h"
#include "sink.h"
#include "sink_pacing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using conformance::batch_of;
using conformance::Delivered;
using net::ScriptedServer;
using Outcome = Delivery::Outcome;
using Request = ScriptedServer::Request;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& body) {
  std::vector<std::string> lines;
  for (std::size_t at = 0, end; (end = body.find('\n', at)) != body.npos; at = end + 1)
    lines.push_back(body.substr(at, end - at));
  return lines;
}

/// What a server took: the lines of the requests it answered with 2xx.
struct Taker {
  ScriptedServer::Reply take(const Request& request) {
    for (auto& line : lines_of(request.body)) taken.push_back(line);
    return ScriptedServer::answer(200);
  }
  std::vector<std::string> taken;
};

struct HttpSinkTest : testing::Test {
  Options options() const {
    Options o;
    o.set("url", "http://" + server->address + "/events?key=s3cret");
    o.set("method", std::string("POST"));
    o.set("format", format);
    o.set("compression", compression);
    o.set("headers", Options::Table{{"Authorization", "Bearer x"}});
    o.set("max_body", max_body);
    o.set("timeout", timeout);
    o.set("connect_timeout", Duration(2s));
    o.set("idle_timeout", Duration(30s));
    return o;
  }
  void serve(ScriptedServer::Script script) {
    server = std::make_unique<ScriptedServer>(std::move(script));
    given = options();
    sink = std::make_unique<HttpSink>(SinkSetup{"out", given, 0, context});
    ASSERT_TRUE(sink->open());
  }
  /// As a worker does it: the same group until it is done, or has to wait.
  Delivery deliver(std::span<const Batch> batches) {
    for (int i = 0; i < 1000; ++i)
      if (auto delivery = sink->deliver(batches); delivery.outcome != Outcome::more) return delivery;
    ADD_FAILURE() << "more, and no end";
    return {};
  }
  static std::vector<std::string> numbers(int n) {
    std::vector<std::string> events;
    for (int i = 0; i < n; ++i) events.push_back(std::to_string(i));
    return events;
  }
  std::string format = "ndjson", compression = "none";
  Bytes max_body = 1_MiB;
  Duration timeout{5s};
  Context context;
  Options given;
  std::unique_ptr<ScriptedServer> server;
  std::unique_ptr<HttpSink> sink;
};

TEST_F(HttpSinkTest, PostsAGroupAsLinesOverOneConnection) {
  serve([](const Request&) { return ScriptedServer::answer(202); });
  Delivered two(batch_of({"1", "2"}, 0));
  two.add(batch_of({"{\"a\":\n3}"}, 2, conformance::Layout::array));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deliver(two).outcome, Outcome::done);
  EXPECT_EQ(server->connections(), 1);
  const auto request = server->requests().at(0);
  EXPECT_EQ(request.body, "1\n2\n{\"a\":3}\n");
  EXPECT_TRUE(request.head.starts_with("POST /events?key=s3cret HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(request.head, HasSubstr("\r\nContent-Type: application/x-ndjson\r\nAuthorization: Bearer x\r\n"));
}

TEST_F(HttpSinkTest, PostsAnArrayAndCompresses) {
  format = "json_array";
  compression = "gzip";
  serve([](const Request&) { return ScriptedServer::answer(204); });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(deliver(Delivered(batch_of({"1", "{\n}"}, 0))).outcome, Outcome::done);
  for (const auto& request : server->requests()) {
    net::GzipReader gzip;
    gzip.feed(request.body);
    std::string_view piece;
    EXPECT_EQ(gzip.next(1000, piece), net::GzipReader::Status::piece);
    EXPECT_EQ(piece, "[1,{\n}]");
    EXPECT_THAT(request.head, HasSubstr("Content-Encoding: gzip\r\n"));
    EXPECT_THAT(request.head, HasSubstr("application/json"));
  }
}

TEST_F(HttpSinkTest, AnEventThatCannotBeALineIsRefusedAndItsNeighboursArrive) {
  Taker taker;
  serve([&](const Request& r) { return taker.take(r); });
  Delivered group(batch_of({"1", "text\nmore", "{\"a\":\"\n\"}", "2"}, 0, conformance::Layout::array));
  const auto delivery = deliver(group);
  EXPECT_EQ(delivery.refused.size(), 2u);
  EXPECT_EQ(delivery.refused.at(0).event, 1u);
  EXPECT_THAT(taker.taken, ElementsAre("1", "2"));
}

TEST_F(HttpSinkTest, E1ARefusalNamesItsTimeAndAFailureNone) {
  int status = 0;
  std::string fields;
  serve([&](const Request&) { return ScriptedServer::answer(status, "no\x1b[31m\nmore", fields); });
  const auto ask = [&](int s, const std::string& f) {
    status = s;
    fields = f;
    const auto delivery = deliver(Delivered(batch_of({"1"}, 0)));
    EXPECT_EQ(delivery.outcome, Outcome::again) << s;
    EXPECT_EQ(delivery.error.message.find('\x1b'), std::string::npos);
    EXPECT_EQ(delivery.error.message.find("s3cret"), std::string::npos);
    return delivery.error.retry_after;
  };
  EXPECT_EQ(ask(503, "Retry-After: 7\r\n"), 7s);
  EXPECT_EQ(ask(429, "Retry-After: 2\r\n"), 2s);
  EXPECT_EQ(ask(429, ""), 1s);
  EXPECT_EQ(ask(429, "RateLimit: \"a\";r=0;t=9\r\n"), 9s);
  EXPECT_EQ(ask(429, "Retry-After: 99999999999\r\n"), 1h);
  for (const int failure : {500, 502, 503, 504, 408, 302, 401, 404}) EXPECT_EQ(ask(failure, ""), 0s) << failure;
}

TEST_F(HttpSinkTest, SaysWhatToDoAboutARedirectAndAWrongCredential) {
  int status = 301;
  serve([&](const Request&) { return ScriptedServer::answer(status, "", "Location: http://b/\r\n"); });
  EXPECT_EQ(deliver(Delivered(batch_of({"1"}, 0))).error.message,
            "http://" + server->address +
                "/events answered 301; redirects are not followed: write the final address as `url`");
  status = 401;
  EXPECT_THAT(deliver(Delivered(batch_of({"1"}, 0))).error.message, HasSubstr("credentials"));
}

TEST_F(HttpSinkTest, FindsTheBadEventByHalvingAndDeliversTheOthersOnce) {
  Taker taker;
  serve([&](const Request& r) {
    for (const auto& line : lines_of(r.body))
      if (line == "13") return ScriptedServer::answer(400, "what is this?");
    return taker.take(r);
  });
  Delivered group(batch_of(numbers(64), 0));
  const auto delivery = deliver(group);
  ASSERT_EQ(delivery.refused.size(), 1u);
  EXPECT_EQ(delivery.refused[0].event, 13u);
  EXPECT_THAT(delivery.refused[0].why, HasSubstr("answered 400: \"what is this?\""));
  std::vector<std::string> expected = numbers(64);
  expected.erase(expected.begin() + 13);
  EXPECT_EQ(taker.taken, expected) << "each once, and in order";
  EXPECT_EQ(server->requests().size(), 13u) << "1 + 2 log2(64)";
}

TEST_F(HttpSinkTest, ARefusalInTheMiddleLosesNothingOfWhatWasDone) {
  Taker taker;
  serve([&](const Request& r) {
    if (r.number % 2) return ScriptedServer::answer(503, "", "Retry-After: 1\r\n");
    for (const auto& line : lines_of(r.body))
      if (line == "5") return ScriptedServer::answer(400);
    return taker.take(r);
  });
  Delivered group(batch_of(numbers(8), 0));
  Delivery delivery;
  for (int i = 0; i < 20; ++i)
    if ((delivery = deliver(group)).outcome == Outcome::done) break;
  EXPECT_EQ(delivery.refused.size(), 1u);
  EXPECT_THAT(taker.taken, ElementsAre("0", "1", "2", "3", "4", "6", "7"));
}

TEST_F(HttpSinkTest, SendsHalfAsMuchWhenToldItIsTooMuchAndRemembersIt) {
  Taker taker;
  serve([&](const Request& r) { return r.body.size() > 50 ? ScriptedServer::answer(413) : taker.take(r); });
  Delivered group(batch_of(numbers(64), 0));
  EXPECT_TRUE(deliver(group).refused.empty());
  EXPECT_EQ(taker.taken, numbers(64));
  const auto first = server->requests().size();
  EXPECT_TRUE(deliver(group).refused.empty());
  EXPECT_LT(server->requests().size() - first, first);
  EXPECT_EQ(taker.taken.size(), 128u);
}

TEST_F(HttpSinkTest, AnEventThatIsTooMuchAloneIsRefused) {
  max_body = Bytes(20);
  serve([](const Request& r) { return ScriptedServer::answer(r.body.size() > 10 ? 413 : 200); });
  Delivered group(batch_of({"1", std::string(12, '2'), std::string(30, '3'), "4"}, 0));
  const auto delivery = deliver(group);
  ASSERT_EQ(delivery.refused.size(), 2u);
  EXPECT_THAT(delivery.refused[0].why, HasSubstr("413"));
  EXPECT_THAT(delivery.refused[1].why, HasSubstr("max_body"));
}

TEST_F(HttpSinkTest, UnderstandsWhichLinesAnotherWeirDidNotTake) {
  Taker taker;
  serve([&](const Request& r) {
    if (r.number > 1) return taker.take(r);
    return ScriptedServer::answer(422, R"({"error":"malformed","status":422,"message":"line 2 is not JSON",)"
                                       R"("lines":[{"line":2,"why":"bad"},{"line":4,"why":"worse"},{"line":99}],)"
                                       R"("malformed":2,"stored":0})");
  });
  Delivered group(batch_of(numbers(5), 0));
  const auto delivery = deliver(group);
  ASSERT_EQ(delivery.refused.size(), 2u);
  EXPECT_EQ(delivery.refused[0].event, 1u);
  EXPECT_EQ(delivery.refused[1].event, 3u);
  EXPECT_EQ(delivery.refused[1].why, "the other side: \"worse\"");
  EXPECT_THAT(taker.taken, ElementsAre("0", "2", "4"));
  EXPECT_EQ(server->requests().size(), 2u);
}

TEST_F(HttpSinkTest, BelievesAnotherWeirThatAllOfThemFailed) {
  serve([](const Request&) { return ScriptedServer::answer(422, R"({"events":5,"fate":"failed","reason":"x"})"); });
  EXPECT_EQ(deliver(Delivered(batch_of(numbers(5), 0))).refused.size(), 5u);
  EXPECT_EQ(server->requests().size(), 1u);
}

TEST_F(HttpSinkTest, AsksForThePaceThatIsAdvertised) {
  serve([](const Request&) { return ScriptedServer::answer(200, "", "RateLimit: \"a\";r=50;t=10\r\n"); });
  EXPECT_EQ(deliver(Delivered(batch_of({"1"}, 0))).rest, 200ms);
}

TEST_F(HttpSinkTest, AStalledServerIsAFailureInTime) {
  timeout = 50ms;
  serve([](const Request&) { return ScriptedServer::Reply{}; });
  const auto delivery = deliver(Delivered(batch_of({"1"}, 0)));
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_EQ(delivery.error.retry_after, 0s) << "a failure: the breaker must see it";
}

TEST_F(HttpSinkTest, KeepsWhatEverySinkMustKeep) {
  std::map<std::string, Taker> takers;
  serve([&](const Request& r) { return takers[r.head.substr(0, r.head.find(" HTTP"))].take(r); });
  const SinkType type = sink_type();
  int n = 0;
  const conformance::SinkUnderTest under_test{
      .type = type,
      .fresh =
          [&] {
            Options o = options();
            o.set("url", "http://" + server->address + "/" + std::to_string(++n));
            return o;
          },
      .read_back =
          [&](const Options& o) { return takers["POST " + o.text("url").substr(o.text("url").rfind('/'))].taken; },
      .as_stored =
          [](std::string_view event) {
            std::string line(event.size() + simdjson::SIMDJSON_PADDING, ' ');
            std::size_t length = event.size();
            if (event.find('\n') == event.npos) return std::string(event);
            (void)simdjson::minify(event.data(), event.size(), line.data(), length);
            return line.substr(0, length);
          },
  };
  auto problems = conformance::check_sink(under_test);
  // The server keeps what it took in this same process, so what the process holds says nothing about the sink.
  std::erase_if(problems, [](const std::string& problem) { return problem.find("footprint") != problem.npos; });
  EXPECT_THAT(problems, ElementsAre());
}

TEST(HttpSinkOptions, SayWhatIsWrongWithAUrlOrAHeader) {
  const auto error = [](const std::string& url, Options::Table headers = {}) {
    Options o;
    o.set("url", url);
    o.set("method", std::string("POST"));
    o.set("format", std::string("ndjson"));
    o.set("compression", std::string("none"));
    o.set("headers", std::move(headers));
    o.set("max_body", Bytes(1000));
    for (const char* time : {"timeout", "connect_timeout", "idle_timeout"}) o.set(time, Duration(1s));
    const auto config = sink_config(o);
    return config ? "" : config.error().message;
  };
  EXPECT_EQ(error("http://localhost"), "");
  EXPECT_EQ(error("http://[::1]:80/a?b"), "");
  EXPECT_EQ(error("https://a/"), "");
  EXPECT_THAT(error("ftp://a/"), HasSubstr("http://"));
  EXPECT_THAT(error("http://a b/"), HasSubstr("percent"));
  EXPECT_THAT(error("http://u:p@a/"), HasSubstr("headers"));
  EXPECT_THAT(error("http://a:x/"), HasSubstr("port"));
  EXPECT_THAT(error("http:///x"), HasSubstr("host"));
  EXPECT_THAT(error("http://a/\x1b"), HasSubstr("\\u001b"));
  EXPECT_THAT(error("http://a/", {{"content-length", "1"}}), HasSubstr("set by this sink"));
  EXPECT_THAT(error("http://a/", {{"A B", "1"}}), HasSubstr("no name"));
  EXPECT_THAT(error("http://a/", {{"A", "s3cret\r\nB: 2"}}), HasSubstr("\"A\""));
  EXPECT_EQ(error("http://a/", {{"A", "s3cret\n"}}).find("s3cret"), std::string::npos);
}

struct LatencyTest : testing::Test {
  static net::HttpAnswer with(std::string fields) { return {.status = 200, .fields = std::move(fields)}; }
  Duration rest_of(const std::string& fields) const {
    const auto limit = advertised(with(fields), now);
    return limit ? rest(*limit) : Duration{0};
  }
  WallTime now{std::chrono::seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT
};

TEST_F(LatencyTest, ReadsRetryAfterAsSecondsAndAsADate) {
  EXPECT_EQ(retry_after(with("Retry-After: 120\r\n"), now), 120s);
  EXPECT_EQ(retry_after(with("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"), now), 30s);
  EXPECT_EQ(retry_after(with("Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n"), now), 0s);
  for (const std::string bad : {"soon", "-1", "nan", "1e9", "Sun, 06 Nov", ""})
    EXPECT_EQ(retry_after(with("Retry-After: " + bad + "\r\n"), now), std::nullopt) << bad;
}

TEST_F(LatencyTest, SpreadsWhatRemainsOverTheRestOfTheWindow) {
  EXPECT_EQ(rest_of("RateLimit: \"default\";r=50;t=30\r\n"), 600ms);
  EXPECT_EQ(rest_of("RateLimit: limit=100, remaining=50, reset=30\r\n"), 600ms);
  EXPECT_EQ(rest_of("RateLimit-Limit: 100\r\nRateLimit-Remaining: 50\r\nRateLimit-Reset: 30\r\n"), 600ms);
  EXPECT_EQ(rest_of("X-RateLimit-Remaining: 50\r\nX-RateLimit-Reset: 30\r\n"), 600ms);
  EXPECT_EQ(rest_of("X-RateLimit-Remaining: 50\r\nX-RateLimit-Reset: 784111807\r\n"), Duration(1h) / 50)
      << "below 2001 it is no date, and an hour is the most";
  EXPECT_EQ(rest_of("RateLimit: \"a\";r=0;t=5\r\n"), 5s);
  EXPECT_EQ(rest_of("RateLimit: \"a\";r=10;t=0\r\n"), 100ms) << "0 s is a rounded second";
  EXPECT_EQ(rest_of("RateLimit: \"a\";r=10\r\nRateLimit-Policy: \"a\";q=100;w=20\r\n"), 2s);
}

TEST_F(LatencyTest, KnowsADateFromAWait) {
  now = WallTime(std::chrono::seconds(1'700'000'000));
  EXPECT_EQ(rest_of("X-RateLimit-Remaining: 50\r\nX-RateLimit-Reset: 1700000030\r\n"), 600ms);
  EXPECT_EQ(rest_of("X-RateLimit-Remaining: 50\r\nX-RateLimit-Reset: 1700000030000\r\n"), 600ms);
}

TEST_F(LatencyTest, OfSeveralLimitsTheStrictestCounts) {
  EXPECT_EQ(rest_of("RateLimit: \"day\";r=1000;t=10, \"burst\";r=2;t=1\r\n"), 500ms);
}

TEST_F(LatencyTest, NonsenseIsNoLimit) {
  for (const std::string bad : {"", ";;;,,,", "\"a\";r=;t=", "r", "remaining=x", "\"a\";r=-5;t=3", "=;=,="})
    EXPECT_EQ(rest_of("RateLimit: " + bad + "\r\n"), 0s) << bad;
  EXPECT_EQ(rest_of("RateLimit-Remaining: 5\r\n"), 0s);
}

}  // namespace
}  // namespace weir::http
