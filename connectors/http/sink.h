#pragma once
/// Posts events to a server, one batch in a request, and interprets what the answer says about each of them.
///
/// A call of `deliver` is one request: what the pipeline's breaker, pace and retry budget count is what the server
/// sees. A group may need several (it does not fit into one body, or the server objects to some of its events), so the
/// sink keeps what is left of it (unsent_events.h), and answers `more` until nothing is:
///
///   taken      the range is done
///   smaller    413: two halves instead; later bodies begin with half the size and grow again
///   rejected   the lines it names are refused for good, the others sent again; if it names none: two halves, so that
///              after at most 2 log2(n) requests a single bad event is alone
///   again      what is left stays left: what was taken before is not sent twice
///
/// Thread: one worker; each has one connection, so `workers` is the size of the pool. Cost: a copy of each event and
/// two or three system calls a request. On cancel: a call ends within 0.1 s, its outcome unknown.
#include <weir/component/catalog.h>
#include <weir/component/unsent_events.h>

#include "net/http_session.h"
#include "sink_body.h"
#include "sink_verdict.h"

namespace weir::http {

struct SinkConfig {
  net::SessionConfig session;
  std::string where;  ///< for messages: the URL without its query, which may hold a secret
  std::string head;   ///< of every request, up to the value of Content-Length
  BodyFormat body;
  bool tls = false;      ///< https
  std::string tls_ca;    ///< whose certificates are believed; empty: the system's
  net::TlsPair tls_own;  ///< what is shown to a server that asks for one
};

/// The error is one line about the option at fault.
Result<SinkConfig> sink_config(const Options& options);

class HttpSink final : public Sink {
 public:
  explicit HttpSink(const SinkSetup& setup);
  Result<void> check() const override;
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override { session_->cancel(); }
  Result<std::string> on_hangup() override;
  void close() override;

 private:
  void gather(std::span<const Batch> batches);
  Delivery send(std::span<const Batch> batches);
  Delivery heed(Verdict verdict);
  void taken();
  Delivery next(Duration rest);

  const std::string name_;
  const Context& context_;
  Result<SinkConfig> config_;
  std::unique_ptr<BodyWriter> body_;
  std::unique_ptr<net::HttpSession> session_;
  UnsentEvents unsent_;   // of the group; its part is what the request holds
  std::size_t most_ = 0;  // bytes of a body; falls with a 413
  std::string head_;
};

/// The sink type `http`.
SinkType sink_type();

}  // namespace weir::http
