#include "replay_sender.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::app {
namespace {

using Kind = ReplayAnswer::Kind;
constexpr Duration first_backoff = std::chrono::milliseconds(100), longest_backoff = std::chrono::seconds(5);

}  // namespace

ReplaySender::ReplaySender(Setup setup, const Context& context)
    : setup_(std::move(setup)), context_(context), session_(setup_.session, context), backoff_(first_backoff) {
  head_ = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir replay\r\nContent-Type: application/x-ndjson\r\n{}"
      "Content-Length: ",
      setup_.url.target, setup_.url.address,
      setup_.token.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", setup_.token));
}

ReplaySender::Outcome ReplaySender::send(const std::vector<ReplayEvent>& events) {
  std::vector<bool> refused(events.size(), false);
  std::vector<Range> left;
  if (!events.empty()) left.push_back({0, events.size()});
  progress_ = context_.now();
  while (!left.empty()) {
    const Range range = left.back();
    left.pop_back();
    if (const auto outcome = send(events, refused, range, left); outcome != Outcome::done) return outcome;
  }
  return Outcome::done;
}

/// Sends one request; events that have to be sent again are put back.
ReplaySender::Outcome ReplaySender::send(const std::vector<ReplayEvent>& events, std::vector<bool>& refused,
                                         Range range, std::vector<Range>& left) {
  std::vector<std::size_t> sent;
  body_.clear();
  for (std::size_t i = range.from; i < range.to; ++i) {
    if (refused[i]) continue;
    sent.push_back(i);
    body_ += events[i].text;
    body_ += '\n';
  }
  if (sent.empty()) return Outcome::done;
  const auto answer = session_.exchange(fmt::format("{}{}\r\n\r\n", head_, body_.size()), body_);
  const auto judged =
      answer ? judge_replay(*answer, sent.size()) : ReplayAnswer{.kind = Kind::again, .why = answer.error().message};
  const auto refuse = [&](std::size_t i, const std::string& why) {
    refused[i] = true;
    setup_.refused(events[i].number, why);
  };
  why_ = judged.why;
  switch (judged.kind) {
    case Kind::taken:
      taken_ += sent.size();
      for (const auto& [fate, n] : judged.fates) fates_[fate] += n;
      progress_ = context_.now();
      backoff_ = first_backoff;
      return Outcome::done;
    case Kind::stop: return Outcome::stopped;
    case Kind::again: left.push_back(range); return pause(judged.retry_after);
    case Kind::refused:
      progress_ = context_.now();
      if (!judged.lines.empty()) {
        for (const auto& [line, why] : judged.lines) refuse(sent[line - 1], why);
        left.push_back(range);
      } else if (judged.all || sent.size() == 1) {
        for (const auto i : sent) refuse(i, judged.why);
      } else {
        const std::size_t middle = sent[sent.size() / 2];
        left.push_back({middle, range.to});
        left.push_back({range.from, middle});
      }
      return Outcome::done;
  }
  return Outcome::done;
}

ReplaySender::Outcome ReplaySender::pause(Duration retry_after) {
  if (context_.now() - progress_ > setup_.patience) return Outcome::gave_up;
  const Duration time = retry_after > Duration{0} ? retry_after : backoff_;
  if (retry_after == Duration{0}) backoff_ = std::min(backoff_ * 2, longest_backoff);
  return setup_.wait(time) ? Outcome::done : Outcome::interrupted;
}

}  // namespace weir::app
