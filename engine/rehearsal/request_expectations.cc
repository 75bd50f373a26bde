// What a case about gateways expected of its requests, compared with what came.
#include <fmt/format.h>

#include "net/field_lines.h"
#include "net/http.h"
#include "rehearsal/request_rehearsal.h"

namespace weir::pipeline {
namespace {

/// Lines of one request: what differs, and what came besides.
class RequestDiff {
 public:
  void compare(const std::string& what, const std::string& wanted, const std::string& got) {
    if (wanted == got) return same_.push_back(fmt::format("{}: {}", what, got));
    differs(fmt::format("{}: {}", what, wanted), fmt::format("{}: {}", what, got.empty() ? "none" : got));
  }
  template <typename T>
  void compare_if(const std::string& what, const std::optional<T>& wanted, const T& got) {
    if (wanted) compare(what, fmt::format("{}", *wanted), fmt::format("{}", got));
  }
  void compare_body(const std::string& what, const std::optional<config::ExpectedBody>& wanted,
                    const std::string& got) {
    if (!wanted) return;
    if (wanted->exact ? wanted->text == got : json_covers(got, wanted->text)) return;
    differs(fmt::format("{}: {}", what, wanted->exact ? wanted->text : canonical_json(wanted->text)),
            fmt::format("{}: {}", what, wanted->exact ? got : canonical_json(got)));
  }
  void compare_fields(const std::string& what, const config::ExpectedFields& wanted, const std::string& fields) {
    const net::Head head{.fields = fields};
    for (const auto& [name, value] : wanted.with) {
      const std::string got(head.header(name));
      if (value == "*" ? got.empty() : got != value)
        differs(fmt::format("{} {}: {}", what, name, value == "*" ? "any" : value),
                fmt::format("{} {}: {}", what, name, got.empty() ? "none" : got));
    }
    for (const auto& name : wanted.without)
      if (const std::string got(head.header(name)); !got.empty())
        differs(fmt::format("{} {}: none", what, name), fmt::format("{} {}: {}", what, name, got));
  }
  void add_to(std::vector<DiffLine>& out, std::string title) const {
    if (lines_.empty()) return;
    out.push_back({DiffLine::Kind::title, std::move(title)});
    for (const std::string& line : same_) out.push_back({DiffLine::Kind::same, line});
    out.insert(out.end(), lines_.begin(), lines_.end());
  }

 private:
  void differs(std::string wanted, std::string got) {
    lines_.push_back({DiffLine::Kind::expected, std::move(wanted)});
    lines_.push_back({DiffLine::Kind::got, std::move(got)});
  }
  std::vector<std::string> same_;
  std::vector<DiffLine> lines_;
};

void compare_request(const config::ExpectedRequest& wanted, const RehearsedRequest& got, RequestDiff& diff) {
  if (wanted.status)
    diff.compare("status", std::to_string(*wanted.status), got.status ? std::to_string(got.status) : "no whole answer");
  diff.compare_if("reason", wanted.reason, got.reason);
  diff.compare_if("route", wanted.route, got.route);
  diff.compare_if("endpoint", wanted.endpoint, got.endpoint);
  diff.compare_if("attempts", wanted.attempts, got.attempts);
  diff.compare_if("cached", wanted.cached, got.end == "cached");
  diff.compare_fields("header", wanted.headers, got.fields);
  diff.compare_body("body", wanted.body, got.body);
  if (!wanted.says_what_is_sent) return;
  const SentRequest sent = got.sent.value_or(SentRequest{});
  diff.compare_if("sent method", wanted.sent_method, sent.method);
  diff.compare_if("sent path", wanted.sent_path, sent.path);
  diff.compare_fields("sent header", wanted.sent_headers, sent.fields);
  diff.compare_body("sent body", wanted.sent_body, sent.body);
  if (!got.sent) diff.compare("sent", "a request", "");
}

}  // namespace

std::vector<DiffLine> differences(const config::TestCase& test, const std::vector<RehearsedRequest>& requests) {
  std::vector<DiffLine> out;
  std::size_t at = 0;
  for (const auto& step : test.requests) {
    if (step.advance || at == requests.size()) continue;
    RequestDiff diff;
    compare_request(step.expect, requests[at], diff);
    ++at;
    diff.add_to(out, fmt::format("request {}: {} {}", at, step.method, step.path));
  }
  return out;
}

}  // namespace weir::pipeline
