#include "sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::http {

HttpSink::HttpSink(const SinkSetup& setup)
    : name_(setup.name), context_(setup.context), config_(sink_config(setup.options)) {}

Result<void> HttpSink::check() const {
  if (config_) return {};
  return failure(fmt::format("sink {}: {}", name_, config_.error().message));
}

// No connection is made yet: the server may start later than this process.
Result<void> HttpSink::open() {
  if (auto fit = check(); !fit) return fit;
  if (config_->tls && !config_->session.tls) {
    auto tls = net::TlsContext::client(config_->tls_ca, config_->tls_own);
    if (!tls) return failure(fmt::format("sink {}: {}", name_, tls.error().message));
    config_->session.tls = std::move(*tls);
  }
  body_ = std::make_unique<BodyWriter>(config_->body);
  session_ = std::make_unique<net::HttpSession>(config_->session, context_);
  most_ = config_->body.most.count();
  return {};
}

Result<std::string> HttpSink::on_hangup() {
  if (!config_->session.tls) return {};
  if (auto read = session_->read_certificates_again(); !read)
    return failure(read.error().message + ": it keeps those it has", read.error().kind);
  return "has read its certificates again";
}

void HttpSink::close() { session_->close(); }

Delivery HttpSink::deliver(std::span<const Batch> batches) {
  if (unsent_.empty()) unsent_.begin(batches);
  while (!unsent_.empty()) {
    gather(batches);
    if (!unsent_.part().empty()) return send(batches);
  }
  return next(Duration{0});
}

/// Fills the body from what is left, as far as it goes.
void HttpSink::gather(std::span<const Batch> batches) {
  using Added = UnsentEvents::Added;
  body_->begin();
  bool first = true;
  unsent_.gather([&](UnsentEvents::Number number, UnsentEvents::Index at) {
    const auto event = batches[at.batch][at.event];
    const bool fits = body_->fits(event);
    if (!first && (!fits || body_->size() + event.size() > most_)) return Added::full;
    if (!fits) {
      unsent_.refuse(
          number, fmt::format("it has {} bytes, too many for a body of this sink: raise its `max_body`", event.size()));
      return Added::no;
    }
    if (const auto why = body_->add(event); !why.empty()) {
      unsent_.refuse(number, std::string(why));
      return Added::no;
    }
    first = false;
    return Added::yes;
  });
}

Delivery HttpSink::send(std::span<const Batch> batches) {
  WEIR_CHECK(batches.size() > unsent_.index_of(unsent_.part().back()).batch);
  const auto body = body_->finish();
  head_ = config_->head;
  fmt::format_to(std::back_inserter(head_), "{}\r\n\r\n", body.size());
  auto answer = session_->exchange(head_, body);
  if (!answer) return Delivery::again(std::move(answer.error()));
  return heed(judge(*answer, unsent_.part().size(), config_->where, context_.wall()));
}

Delivery HttpSink::heed(Verdict verdict) {
  const auto part = unsent_.part();
  switch (verdict.kind) {
    case Verdict::Kind::again: return Delivery::again(std::move(verdict.error));
    case Verdict::Kind::taken: taken(); break;
    case Verdict::Kind::smaller: most_ = std::max<std::size_t>(1, body_->size() / 2); [[fallthrough]];
    case Verdict::Kind::rejected:
      for (auto& line : verdict.lines) unsent_.refuse(part[line.number - 1], std::move(line.why));
      if (!verdict.lines.empty()) break;
      if (!verdict.all && part.size() > 1) {
        unsent_.halve();
        break;
      }
      for (const auto number : part) unsent_.refuse(number, verdict.error.message);
      unsent_.done();
  }
  return next(verdict.rest);
}

void HttpSink::taken() {
  unsent_.done();
  most_ = std::min<std::size_t>(config_->body.most.count(), most_ + most_ / 16 + 1);
}

Delivery HttpSink::next(Duration rest) {
  if (!unsent_.empty()) return {.outcome = Delivery::Outcome::more, .rest = rest};
  return {.outcome = Delivery::Outcome::done, .refused = unsent_.take_refused(), .rest = rest};
}

}  // namespace weir::http
