#include "sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::http {

HttpSink::HttpSink(const SinkSetup& setup)
    : name_(setup.name), context_(setup.context), config_(sink_config(setup.options)) {}

// No connection is made yet: the server may start later than this process.
Result<void> HttpSink::open() {
  if (!config_) return failure(fmt::format("sink {}: {}", name_, config_.error().message));
  body_ = std::make_unique<BodyWriter>(config_->body);
  session_ = std::make_unique<net::HttpSession>(config_->session, context_);
  most_ = config_->body.most.count();
  return {};
}

void HttpSink::close() { session_->close(); }

Delivery HttpSink::deliver(std::span<const Batch> batches) {
  if (left_.empty()) begin(batches);
  while (!left_.empty()) {
    gather(batches);
    if (!sent_.empty()) return send(batches);
  }
  return next(Duration{0});
}

void HttpSink::begin(std::span<const Batch> batches) {
  indexes_.clear();
  why_.clear();
  for (std::uint32_t b = 0; b < batches.size(); ++b)
    for (std::uint32_t e = 0; e < batches[b].size(); ++e) indexes_.push_back({b, e});
  refused_.assign(indexes_.size(), 0);
  if (!indexes_.empty()) left_.push_back({0, static_cast<std::uint32_t>(indexes_.size())});
}

/// Fills the body from the next range as far as it fits; the rest becomes a range of its own.
void HttpSink::gather(std::span<const Batch> batches) {
  sent_.clear();
  body_->begin();
  const Range range = left_.back();
  std::uint32_t i = range.from;
  for (; i < range.to; ++i) {
    if (refused_[i]) continue;
    const auto event = batches[indexes_[i].batch][indexes_[i].event];
    if (!sent_.empty() && (!body_->fits(event) || body_->size() + event.size() > most_)) break;
    if (sent_.empty() && !body_->fits(event)) {
      refuse(i, fmt::format("it has {} bytes, too many for a body of this sink: raise its `max_body`", event.size()));
    } else if (const auto why = body_->add(event); !why.empty()) {
      refuse(i, std::string(why));
    } else {
      sent_.push_back(i);
    }
  }
  left_.pop_back();
  if (i < range.to) left_.push_back({i, range.to});
  if (!sent_.empty()) left_.push_back({range.from, i});
}

Delivery HttpSink::send(std::span<const Batch> batches) {
  WEIR_CHECK(batches.size() > indexes_[sent_.back()].batch);
  const auto body = body_->finish();
  head_ = config_->head;
  fmt::format_to(std::back_inserter(head_), "{}\r\n\r\n", body.size());
  auto answer = session_->exchange(head_, body);
  if (!answer) return Delivery::again(std::move(answer.error()));
  return heed(judge(*answer, sent_.size(), config_->where, context_.wall()));
}

Delivery HttpSink::heed(Verdict verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::again: return Delivery::again(std::move(verdict.error));
    case Verdict::Kind::taken: taken(); break;
    case Verdict::Kind::smaller: most_ = std::max<std::size_t>(1, body_->size() / 2); [[fallthrough]];
    case Verdict::Kind::rejected:
      for (auto& line : verdict.lines) refuse(sent_[line.number - 1], std::move(line.why));
      if (!verdict.lines.empty()) break;
      if (!verdict.all && sent_.size() > 1) {
        halve();
        break;
      }
      for (const auto number : sent_) refuse(number, verdict.error.message);
      left_.pop_back();
  }
  return next(verdict.rest);
}

void HttpSink::taken() {
  left_.pop_back();
  most_ = std::min<std::size_t>(config_->body.most.count(), most_ + most_ / 16 + 1);
}

void HttpSink::halve() {
  const Range range = left_.back();
  const auto middle = sent_[sent_.size() / 2];
  left_.back() = {middle, range.to};
  left_.push_back({range.from, middle});
}

void HttpSink::refuse(std::uint32_t number, std::string why) {
  refused_[number] = 1;
  why_.push_back({indexes_[number].batch, indexes_[number].event, std::move(why)});
}

Delivery HttpSink::next(Duration rest) {
  if (!left_.empty()) return {.outcome = Delivery::Outcome::more, .rest = rest};
  std::ranges::sort(why_, {}, [](const Delivery::Refused& r) { return std::pair(r.batch, r.event); });
  return {.outcome = Delivery::Outcome::done, .refused = std::exchange(why_, {}), .rest = rest};
}

}  // namespace weir::http
