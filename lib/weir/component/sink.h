#pragma once
/// A sink delivers batches to the outside and says when they are delivered.
///
/// `deliver` runs on a worker thread of the sink's own and may block. When it returns `done`, everything it was given
/// is as safe as the sink's declared SinkAck says; nothing is acknowledged before. It gets all that is waiting (up to
/// the worker's batch limits) in one call, so one fsync or one commit covers many requests: group commit needs no
/// timer. Retrying, backoff, pacing, the breaker and dead letters belong to the pipeline: a sink only reports what
/// happened. A sink that needs several requests for one group makes one in each call and says `more`, so that breaker
/// and pacing apply to each.
///
/// Thread: one worker calls one Sink object; with `workers: n` there are n objects. Cost: a call per group, not per
/// event. On cancel: `cancel` comes from another thread at the drain deadline; a `deliver` that may block for longer
/// than a second heeds it.
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/component/batch.h>
#include <weir/component/options.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

struct Delivery {
  enum class Outcome : std::uint8_t {
    done,    ///< all delivered, except `refused`
    again,   ///< none delivered for sure; the same call may succeed later (Error::retry_after if the remote end said
             ///< when)
    more,    ///< it went well and is not finished: the same call again (the sink knows how far it came; until the group
             ///< is done or failed it gets no other one)
    failed,  ///< none will ever be delivered: every event of the call ends failed, or in the dead letters
  };
  struct Refused {
    std::uint32_t batch, event;
    std::string why;
  };
  Outcome outcome = Outcome::done;
  Error error{};                   ///< for again and failed
  std::vector<Refused> refused{};  ///< with done: events that the remote end refuses permanently, ascending
  std::uint64_t already =
      0;  ///< with done: how many of its events the remote end held by their id, and left as they were
  /// Of `already`, those that no event delivered before explains: they go by a new id that Weir gave them (event_id.h),
  /// so what is there is another event, and they are not stored. A lower bound.
  std::uint64_t strange = 0;
  /// With done and more: the interval between calls that the remote end asks for. No worker's next call begins sooner
  /// than so long after the last one began.
  Duration rest{0};

  static Delivery again(Error e) { return {.outcome = Outcome::again, .error = std::move(e)}; }
  static Delivery again(std::string message) {
    return again(Error{Error::Kind::overloaded, std::move(message), Duration{0}});
  }
  static Delivery failed(std::string message) {
    return {.outcome = Outcome::failed, .error = Error{Error::Kind::failed, std::move(message), Duration{0}}};
  }
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// What `open` would refuse whatever the machine is like: nothing is opened or read for it, so `weir check` asks it.
  /// The message names the option: "id: is no path".
  virtual Result<void> check() const { return {}; }
  /// Opens or creates what it writes to. At start an error is final and ends the process with its message.
  virtual Result<void> open() = 0;
  virtual Delivery deliver(std::span<const Batch> batches) = 0;
  /// Any thread, any time after `open`: a `deliver` in progress returns soon, whatever its outcome.
  virtual void cancel() {}
  /// SIGHUP, any thread: files that somebody else has renamed or replaced are read or opened again, at the latest with
  /// the next delivery. What it does, for the log ("opens out.ndjson again"; empty: there is nothing to do), or why it
  /// goes on with what it has.
  virtual Result<std::string> on_hangup() { return {}; }
  virtual void close() {}
};

}  // namespace weir
