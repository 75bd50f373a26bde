#include "load_plan.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>

#include "config/units_parse.h"
#include "http_url.h"
#include "net/field_lines.h"

namespace weir::app {
namespace {

constexpr std::size_t most_body = 16 << 20;
constexpr double most_rate = 1e6;
constexpr std::size_t event_bytes = 200;
constexpr std::uint32_t most_events_a_request = 10'000;

/// "@FILE": what is in it.
Result<std::string> body_of(const std::string& text) {
  if (!text.starts_with('@')) return text;
  std::ifstream in(text.substr(1), std::ios::binary);
  std::ostringstream all;
  if (!in || !(all << in.rdbuf()))
    return failure(fmt::format("the body: {} cannot be read, or is empty", text.substr(1)));
  return std::move(all).str();
}

/// {"id":"load1-000000000042","text":"....."}, newline included.
std::string event_line(std::uint64_t seed) {
  std::string line = fmt::format(R"({{"id":"load{}-{:0{}}","text":")", seed, 0, load::Ids::digits);
  line.resize(std::max(line.size(), event_bytes - 3), 'x');
  return line + "\"}\n";
}

/// A body of events, and where their ids are in it.
std::string events_body(std::uint32_t events, std::uint64_t seed, load::Ids& ids) {
  const std::string line = event_line(seed);
  ids = {.count = events, .first = line.find('-') + 1, .step = line.size()};
  std::string body;
  for (std::uint32_t i = 0; i < events; ++i) body += line;
  return body;
}

Result<std::string> header_line(std::string_view text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  const auto value = colon == text.npos ? std::string_view{} : net::trimmed(text.substr(colon + 1));
  if (colon == text.npos || !net::is_token(name) || !net::is_field_value(value))
    return failure(fmt::format("\"{}\" is no header: write 'Name: value'", text));
  for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Expect"})
    if (net::same_word(name, own)) return failure(fmt::format("the header {} is written by weir load itself", own));
  return fmt::format("{}: {}\r\n", name, value);
}

bool has_header(const std::vector<std::string>& headers, std::string_view name) {
  return std::ranges::any_of(headers,
                             [&](std::string_view h) { return net::same_word(h.substr(0, h.find(':')), name); });
}

Result<std::size_t> find_target(const HttpUrl& url, bool target_is_mine, LoadPlan& plan) {
  const auto known = std::ranges::find(plan.addresses, url.address);
  if (known != plan.addresses.end()) return static_cast<std::size_t>(known - plan.addresses.begin());
  const auto all = net::resolve_all(url.address);
  if (!all) return std::unexpected(all.error());
  const bool here = std::ranges::all_of(*all, [](const net::Endpoint& e) { return e.address().is_loopback(); });
  if (!here && !target_is_mine)
    return failure(
        fmt::format("{} is not this machine's loopback, and a load can take a service down: say "
                    "--target-is-mine if you may do that",
                    url.address));
  plan.addresses.push_back(url.address);
  plan.targets.push_back(all->front());
  return plan.targets.size() - 1;
}

Result<Duration> time_of(std::string_view option, const std::string& text, Duration most) {
  const auto time = config::parse_duration(text);
  if (!time) return failure(fmt::format("--{}: {}", option, time.error()));
  if (*time <= Duration{0}) return failure(fmt::format("--{}: must be more than 0", option));
  if (*time > most) return failure(fmt::format("--{}: at most {}", option, config::to_text(most)));
  return *time;
}

Result<std::vector<load::Arrivals::Phase>> phases_of(const LoadOptions& o) {
  if (o.rate.empty() == o.profile.empty())
    return failure("write either --rate 800/s, or --profile 0:640,8:880 (second:rate)");
  auto phases = o.profile.empty() ? steady(o.rate) : load::Arrivals::parse(o.profile);
  if (!phases) return failure((o.profile.empty() ? "--rate: " : "--profile: ") + phases.error().message);
  return phases;
}

Result<void> check_size(const LoadPlan& plan, std::uint64_t most) {
  double calls = 0;
  for (const auto& stream : plan.streams) calls += load::expected_arrivals(stream.phases, plan.length);
  if (calls < 0.5) return failure("this load sends nothing: its rate is 0, or begins after its end");
  // Chance may bring some more.
  if (calls + 4 * std::sqrt(calls) > static_cast<double>(most) && calls > 0.99 * static_cast<double>(most))
    return failure(
        fmt::format("this load would be about {:.0f} calls, and --count allows {}: raise it, or make the load "
                    "shorter",
                    calls, most));
  return {};
}

}  // namespace

Result<load::Variant> make_variant(const LoadRequest& request, const LoadOptions& options, LoadPlan& plan) {
  const auto url = parse_http_url("the target", request.url, "/");
  if (!url) return std::unexpected(url.error());
  if (url->tls) return failure(fmt::format("{}: weir load speaks no TLS: name the plain listener", request.url));
  if (request.events > 0 && !request.body.empty()) return failure("events are a body: leave the other one out");
  if (request.events > most_events_a_request)
    return failure(fmt::format("at most {} events in a request", most_events_a_request));
  load::Ids ids;
  const Result<std::string> body =
      request.events > 0 ? Result<std::string>(events_body(request.events, options.seed, ids)) : body_of(request.body);
  if (!body) return std::unexpected(body.error());
  if (body->size() > most_body) return failure("the body is larger than 16MiB");
  const std::string method = !request.method.empty() ? request.method : body->empty() ? "GET" : "POST";
  if (!net::is_token(method) || method == "CONNECT") return failure(fmt::format("{} is no method", method));
  const auto target = find_target(*url, options.target_is_mine, plan);
  if (!target) return std::unexpected(target.error());
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", method, url->target);
  if (!has_header(request.headers, "Host")) head += fmt::format("Host: {}\r\n", url->address);
  if (!has_header(request.headers, "User-Agent")) head += "User-Agent: weir load\r\n";
  if (request.events > 0 && !has_header(request.headers, "Content-Type"))
    head += "Content-Type: application/x-ndjson\r\n";
  for (const auto& header : request.headers) {
    const auto line = header_line(header);
    if (!line) return std::unexpected(line.error());
    head += *line;
  }
  if (!body->empty() || method == "POST" || method == "PUT" || method == "PATCH")
    head += fmt::format("Content-Length: {}\r\n", body->size());
  head += "\r\n";
  ids.first += head.size();
  return load::Variant{.weight = request.weight,
                       .label = request.label.empty() ? url->target : request.label,
                       .request = head + *body,
                       .target = *target,
                       .ids = ids};
}

Result<std::vector<load::Arrivals::Phase>> steady(std::string_view text) {
  const auto rate = config::parse_rate(text);
  if (!rate) return failure(rate.error());
  if (rate->value > most_rate) return failure("at most 1000000/s");
  return std::vector<load::Arrivals::Phase>{{.from = Duration{0}, .rate = rate->value}};
}

Result<load::Stream> clients_of(const LoadOptions& o) {
  load::Stream stream;
  const auto arrivals = load::Arrivals::parse_kind(o.arrivals);
  if (!arrivals) return failure("--arrivals: " + arrivals.error().message);
  stream.arrivals = *arrivals;
  const auto clients = load::Persistence::parse(o.clients);
  if (!clients) return failure("--clients: " + clients.error().message);
  stream.persistence.kind = *clients;
  if (o.tries < 1 || o.tries > 100) return failure("--tries: write 1 to 100");
  stream.persistence.tries = static_cast<int>(o.tries);
  const auto deadline = time_of("deadline", o.deadline, std::chrono::hours(1));
  if (!deadline) return std::unexpected(deadline.error());
  stream.deadline = *deadline;
  return stream;
}

Result<void> complete_plan(const LoadOptions& o, LoadPlan& plan) {
  if (plan.length == Duration{0}) {
    const auto length = time_of("for", o.for_time, longest_load);
    if (!length) return std::unexpected(length.error());
    plan.length = *length;
  }
  plan.title = o.title;
  for (const auto& text : o.marks) {
    const auto equals = text.find('=');
    const auto at = config::parse_duration(std::string_view(text).substr(0, equals));
    if (equals == text.npos || !at || *at > plan.length)
      return failure(
          fmt::format("--mark: \"{}\" is no time of this load with a text: write '8s=the database stops'", text));
    plan.marks.push_back({*at, text.substr(equals + 1)});
  }
  if (o.connections < 1 || o.connections > 50'000) return failure("--connections: write 1 to 50000");
  if (o.count < 1) return failure("--count: must be more than 0");
  if (const auto fits = check_size(plan, o.count); !fits) return fits;
  for (const auto& text : o.assertions) {
    auto assertion = load::Assertion::parse(text);
    if (!assertion) return failure("--assert: " + assertion.error().message);
    plan.assertions.push_back(std::move(*assertion));
  }
  return {};
}

Result<LoadPlan> plan_load(const LoadOptions& o) {
  LoadPlan plan;
  auto stream = clients_of(o);
  if (!stream) return std::unexpected(stream.error());
  auto phases = phases_of(o);
  if (!phases) return std::unexpected(phases.error());
  stream->phases = std::move(*phases);
  auto variant = make_variant(
      {.url = o.target, .method = o.method, .body = o.body, .headers = o.headers, .events = o.events}, o, plan);
  if (!variant) return std::unexpected(variant.error());
  stream->variants.push_back(std::move(*variant));
  plan.streams.push_back(std::move(*stream));
  if (const auto complete = complete_plan(o, plan); !complete) return std::unexpected(complete.error());
  plan.what =
      fmt::format("{}, {} {} for {}, deadline {}, clients: {}", o.target, o.profile.empty() ? o.rate : o.profile,
                  o.arrivals, config::human(plan.length), o.deadline, o.clients);
  return plan;
}

}  // namespace weir::app
