// The answers that a client gets.
#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>

#include "intake.h"
#include "net/problem.h"

namespace weir::http {

net::Response HttpIntake::refuse(const Rejection& rejection, std::string_view sentence) const {
  net::Response response;
  response.status = info(rejection.reason).http_status;
  response.body = net::problem_body(rejection, sentence);
  if (rejection.retry_after > Duration{0}) response.retry_after = rejection.retry_after;
  return response;
}

/// Nothing of it has entered the flow. With the time for which its sink has stalled, as at the door.
net::Response HttpIntake::refuse_stalled() const {
  const auto stall = output_.stalled();
  const Duration told = stall ? stall->retry_after : Duration{0};
  return refuse({Reason::destination_stalled, std::max(Duration(std::chrono::seconds(1)), told)},
                output_.why(Reason::destination_stalled));
}

net::Response HttpIntake::refuse_at_door(const Rejection& rejection) {
  constexpr Duration fresh = std::chrono::milliseconds(100);
  const TimePoint now = output_.context().now();
  const auto whole = net::whole_seconds(rejection.retry_after);
  Prepared& prepared = prepared_[whole % prepared_.size()];
  const bool same =
      prepared.rejection.reason == rejection.reason && net::whole_seconds(prepared.rejection.retry_after) == whole;
  if (!same || prepared.body.empty() || now - prepared.made >= fresh)
    prepared = {rejection, now, net::problem_body(rejection, output_.why(rejection.reason))};
  net::Response response;
  response.status = info(rejection.reason).http_status;
  response.body = prepared.body;
  if (rejection.retry_after > Duration{0}) response.retry_after = rejection.retry_after;
  return response;
}

std::string HttpIntake::fields_of(const std::vector<async::Quota>& quotas) {
  constexpr Duration fresh = std::chrono::milliseconds(10);
  const TimePoint now = output_.context().now();
  if (level_ && (pressure_asked_ == TimePoint::min() || now - pressure_asked_ >= fresh)) {
    pressure_field_ = fmt::format("Weir-Pressure: {:.2f}\r\n", level_->level());
    pressure_asked_ = now;
  }
  return net::rate_limit_fields(quotas, options_.rate_limit_forms) + pressure_field_;
}

/// The fields live as long as `start`.
void HttpIntake::tell(net::Response& response, Start& start) {
  if (start.quotas.empty() && !level_) return;
  start.fields = fields_of(start.quotas);
  response.extra_headers = start.fields;
}

/// Above a rate the last quota is that of the rate that refused it; for another refusal no rate matters.
net::Response HttpIntake::refuse_visit(const Rejection& rejection, Start& start) {
  const bool above_rate = rejection.reason == Reason::rate_limited;
  if (!above_rate) start.quotas.clear();
  net::Response response =
      above_rate ? refuse(rejection, net::words_of(start.quotas.back())) : refuse_at_door(rejection);
  tell(response, start);
  return response;
}

net::Response HttpIntake::refuse_malformed() const {
  const Parsed& parsed = parser_.parsed();
  const char* what = parsed.array ? "element" : "line";
  std::string rows;
  for (const BadEvent& bad : parsed.bad)
    rows += fmt::format("{}{{\"{}\":{},\"why\":{}}}", rows.empty() ? "" : ",", what, bad.line, json_text(bad.why));
  const BadEvent& first = parsed.bad.front();
  net::Response response;
  response.status = info(Reason::malformed).http_status;
  response.body = fmt::format(
      "{{\"error\":\"malformed\",\"status\":{},\"message\":{},\"{}s\":[{}],\"malformed\":{},\"stored\":0,\"advice\":{}}"
      "}\n",
      response.status,
      json_text(fmt::format("{} {} is not JSON ({}){}; nothing of this request was stored", what, first.line, first.why,
                            parsed.bad_events > 1 ? fmt::format(", and {} more", parsed.bad_events - 1) : "")),
      what, rows, parsed.bad_events, json_text(info(Reason::malformed).advice));
  return response;
}

net::Response HttpIntake::answer(const Tally& tally, std::size_t events) const {
  const Fate worst = tally.worst();
  if (tally.reason == Reason::destination_stalled && tally.of(Fate::abandoned) == events) return refuse_stalled();
  const bool given_up_here = tally.reason == Reason::ack_timeout || tally.reason == Reason::destination_stalled;
  if (worst == Fate::abandoned && given_up_here)
    return refuse(Rejection{Reason::outcome_unknown, Duration{0}}, output_.why(Reason::outcome_unknown));
  if (worst == Fate::abandoned)
    return refuse(Rejection{Reason::shutdown, stopping_ ? until_stopped() : Duration{0}},
                  "the outcome is unknown, some of it may be stored");
  std::string body = fmt::format("{{\"events\":{},\"fate\":\"{}\"", events, name(worst));
  // A tally counts each event once for each required sink; it is part of the answer only when not all ended alike.
  std::string paths;
  for (int i = 0; i < fate_count; ++i)
    if (const auto n = tally.events[static_cast<std::size_t>(i)])
      paths += fmt::format("{}\"{}\":{}", paths.empty() ? "" : ",", name(static_cast<Fate>(i)), n);
  if (paths.find(',') != paths.npos) body += ",\"paths\":{" + paths + "}";
  if (worst >= Fate::dropped)
    body += fmt::format(",\"reason\":\"{}\",\"message\":{}", name(tally.reason), json_text(info(tally.reason).summary));
  net::Response response;
  // A permanent failure is an error for the sender; a drop is part of what `processed` allows.
  response.status = worst == Fate::failed ? 422 : 200;
  response.body = std::move(body) + "}\n";
  return response;
}

}  // namespace weir::http
