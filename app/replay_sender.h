#pragma once
/// Sends events in batches until each of them is taken or refused: it waits when it is told to, retries after failures,
/// and halves batches that are refused as a whole.
///
/// Thread: one, which it blocks. Cost: a request a batch. On cancel: `wait` returning false ends it; what was not
/// answered may have arrived.
#include <weir/base/context.h>

#include <functional>

#include "net/http_session.h"
#include "replay_target.h"

namespace weir::app {

struct ReplayEvent {
  std::uint64_t number = 0;  ///< for people: its line or sequence
  std::string text;
};

class ReplaySender {
 public:
  enum class Outcome : std::uint8_t { done, interrupted, gave_up, stopped };
  struct Setup {
    HttpUrl url;
    net::SessionConfig session;
    std::string token;                                                   ///< empty: none
    Duration patience;                                                   ///< without an answer that takes anything
    std::function<bool(Duration)> wait;                                  ///< false: end now
    std::function<void(std::uint64_t, const std::string& why)> refused;  ///< called for each
  };
  ReplaySender(Setup setup, const Context& context);

  Outcome send(const std::vector<ReplayEvent>& events);
  const std::string& why() const { return why_; }  ///< it gave up or stopped
  std::uint64_t taken() const { return taken_; }
  const std::map<std::string, std::uint64_t>& fates() const { return fates_; }

 private:
  struct Range {
    std::size_t from, to;
  };
  Outcome send(const std::vector<ReplayEvent>& events, std::vector<bool>& refused, Range range,
               std::vector<Range>& left);
  Outcome pause(Duration retry_after);

  const Setup setup_;
  const Context& context_;
  net::HttpSession session_;
  std::string head_, body_, why_;
  TimePoint progress_{};
  Duration backoff_{};
  std::uint64_t taken_ = 0;
  std::map<std::string, std::uint64_t> fates_;
};

}  // namespace weir::app
