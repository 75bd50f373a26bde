#pragma once
/// Posts events to a server, one batch in a request, and interprets what the answer says about each of them.
///
/// A call of `deliver` is one request: what the pipeline's breaker, pace and retry budget count is what the server
/// sees. A group may need several (it does not fit into one body, or the server objects to some of its events), so the
/// sink keeps a list of what is left of it, and answers `more` until nothing is:
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

#include <vector>

#include "net/http_session.h"
#include "sink_body.h"
#include "sink_verdict.h"

namespace weir::http {

struct SinkConfig {
  net::SessionConfig session;
  std::string where;  ///< for messages: the URL without its query, which may hold a secret
  std::string head;   ///< of every request, up to the value of Content-Length
  BodyFormat body;
};

/// The error is one line about the option at fault.
Result<SinkConfig> sink_config(const Options& options);

class HttpSink final : public Sink {
 public:
  explicit HttpSink(const SinkSetup& setup);
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override { session_->cancel(); }
  void close() override;

 private:
  /// Events of the group, counted over all its batches.
  struct Range {
    std::uint32_t from, to;
  };
  struct EventIndex {
    std::uint32_t batch, event;
  };
  void begin(std::span<const Batch> batches);
  void gather(std::span<const Batch> batches);
  Delivery send(std::span<const Batch> batches);
  Delivery heed(Verdict verdict);
  void taken();
  void halve();
  void refuse(std::uint32_t number, std::string why);
  Delivery next(Duration rest);

  const std::string name_;
  const Context& context_;
  Result<SinkConfig> config_;
  std::unique_ptr<BodyWriter> body_;
  std::unique_ptr<net::HttpSession> session_;
  std::vector<EventIndex> indexes_;  // of the group's events
  std::vector<char> refused_;        // one for each: no need to send it
  std::vector<Range> left_;          // of the group; the last one is next
  std::vector<std::uint32_t> sent_;  // the events of the request
  std::vector<Delivery::Refused> why_;
  std::size_t most_ = 0;  // bytes of a body; falls with a 413
  std::string head_;
};

/// The sink type `http`.
SinkType sink_type();

}  // namespace weir::http
