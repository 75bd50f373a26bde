#pragma once
/// Cases of `tests:` that are about gateways: requests, what their upstream does with them, and what their client and
/// the upstream have to read.
///
///   tests:
///     - name: an order is answered from the cache while the shop is away
///       requests:                     # in order; `advance` moves the given time
///         - request: { path: /orders/7 }
///           upstream: { status: 200, headers: { Cache-Control: max-age=10 }, body: '[7]', after: 20ms }
///           expect: { status: 200, route: /orders/**, sent: { path: /v2/orders/7 } }
///         - { advance: 11s }
///         - request: { path: /orders/7 }
///           upstream: refuse          # or reset: it breaks off without an answer; hang: it never answers
///           expect: { status: 200, cached: true, body: '[7]' }
///
/// `endpoints: { 'HOST:PORT': ... }` says what single endpoints do instead.
///
/// Thread: values. Cost: start only. Bound: 1000 requests in a case; time moves at most a day.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/gateways.h"
#include "config/load.h"

namespace weir::config {

class Reader;
class YamlToJson;
struct Yaml;

/// A text that is compared byte for byte, or a JSON value of which the other has at least the members.
struct ExpectedBody {
  bool exact = false;
  std::string text;
};

/// What an endpoint does with a request.
struct UpstreamScript {
  enum class Does : std::uint8_t { answer, refuse, reset, hang } does = Does::answer;
  int status = 200;
  FieldEdits::Pairs headers{};
  std::string body{};
  Duration after{0};
};

/// Of fields: each has to be there with this value, or "*": with any; and those that must not be there.
struct ExpectedFields {
  FieldEdits::Pairs with;
  std::vector<std::string> without;
};

struct ExpectedRequest {
  std::optional<int> status;  ///< what the client reads
  ExpectedFields headers;
  std::optional<ExpectedBody> body;
  std::optional<std::string> route, endpoint, reason;
  std::optional<bool> cached;
  std::optional<int> attempts;
  /// What the upstream has been sent, of the last attempt.
  std::optional<std::string> sent_method, sent_path;
  ExpectedFields sent_headers;
  std::optional<ExpectedBody> sent_body;
  bool says_what_is_sent = false;
};

/// A request, or time that passes.
struct RequestStep {
  SourceLocation location;
  std::optional<Duration> advance;
  std::string gateway, method = "GET", path, body;
  FieldEdits::Pairs headers;
  UpstreamScript upstream;
  std::vector<std::pair<std::string, UpstreamScript>> endpoints;
  ExpectedRequest expect;
};

/// The list `requests` of a case, with every problem reported.
std::vector<RequestStep> read_request_steps(Reader& reader, YamlToJson& json, const Config& config, const Yaml& node,
                                            const std::string& path);

}  // namespace weir::config
