#pragma once
/// A stage looks at one event at a time, on the thread that holds it (fused; no queue), and gives a verdict on it.
///
///   Verdict          the event                                        its fate here
///   passed(o)        goes on as it is, by output o                    -
///   rewritten(o)     goes on as what `take` appended to `out`         -
///   filtered()       ends: the flow was told not to want it           filtered (counts as stored)
///   dropped(reason)  is lost on purpose                               dropped (never behind `acks: stored`)
///   merged(w)        has become part of window w of a Merger          that of the window's outputs
///   later(d)         waits with everything behind it; asked again in d
///
/// StageType::compile turns options into a StagePlan: what all reactors share (a table, a token bucket: behind a lock
/// of its own), what `weir check` must know before anything runs, and a Stage for each reactor. Work that takes more
/// than about 2 us an event does not belong here. Each stage is asked once about an event, however often the event has
/// to wait for room behind it.
///
/// Thread: a Stage belongs to one reactor; a StagePlan and its Merger to all. Cost: target 20 ns for passing on; no
/// allocation per event. On cancel: nothing to cancel; a Merger is told to `finish`.
#include <weir/base/context.h>
#include <weir/component/batch.h>
#include <weir/component/options.h>
#include <weir/flow/demand/fate.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct Verdict {
  enum class Kind : std::uint8_t { filtered, passed, rewritten, dropped, merged, later };
  Kind kind = Kind::filtered;
  std::uint8_t output = 0;
  Reason reason = Reason::sink_failed;
  std::uint64_t window = 0;
  Duration wait{0};

  static Verdict filtered() { return {}; }
  static Verdict passed(std::uint8_t output = 0) { return {.kind = Kind::passed, .output = output}; }
  static Verdict rewritten(std::uint8_t output = 0) { return {.kind = Kind::rewritten, .output = output}; }
  static Verdict dropped(Reason why) { return {.kind = Kind::dropped, .reason = why}; }
  static Verdict merged(std::uint64_t window) { return {.kind = Kind::merged, .window = window}; }
  static Verdict later(Duration wait) { return {.kind = Kind::later, .wait = wait}; }
};

class JsonEvent;
struct EventFacts;

/// An event at a stage. `block_padding` bytes behind it may be read.
struct Event {
  std::string_view bytes;
  const BatchInfo& info;
  TimePoint now;
  WallTime wall;
  /// The index of `bytes`, shared by all stages that see them unchanged, and made at the first look-up. The same object
  /// for every event of a stage; nullptr: the stage makes its own.
  JsonEvent* json = nullptr;
  std::string_view source{};  ///< the name of the source it came from, or of the stage that merged events into it
  std::uint32_t number = 0;   ///< its place in the block it came in with

  /// What an expression may ask about it besides its bytes.
  EventFacts facts() const;
};

/// What an expression knows of an event besides its bytes. A bare time says it all where nothing else is known.
struct EventFacts {
  EventFacts() = default;
  EventFacts(WallTime now) : wall(now) {}
  WallTime wall{};  ///< now
  const BatchInfo* info = nullptr;
  std::string_view source{};
  std::uint32_t number = 0;
};

inline EventFacts Event::facts() const {
  EventFacts made(wall);
  made.info = &info;
  made.source = source;
  made.number = number;
  return made;
}

class Stage {
 public:
  virtual ~Stage() = default;
  /// `out` may hold other events already: append, and only for Verdict::rewritten.
  virtual Verdict take(const Event& event, std::string& out) = 0;
};

/// The outputs of a stage that makes one event out of many. Any thread.
class Merger {
 public:
  virtual ~Merger() = default;
  /// How long until a window may be over; nothing: none is open.
  virtual std::optional<Duration> next(TimePoint now) = 0;
  struct Output {
    std::uint64_t window;
    bool event = true;         ///< false: the window ends without another event
    bool last = false;         ///< nothing more comes of this window, and its memory is free
    std::uint64_t merged = 0;  ///< with `last`: how many events were merged into it
  };
  /// Appends the next event of a window that is over (with `finish`: of any window) to `out`; nothing: none is over.
  virtual std::optional<Output> take(TimePoint now, WallTime wall, bool finish, std::string& out) = 0;
};

/// An output is at most input x factor + plus bytes: what a source must have reserved. One that grows beyond it fails.
struct Growth {
  std::uint64_t factor = 1;
  Bytes plus{0};
  Bytes of(Bytes input) const { return input * factor + plus; }
};

class StagePlan {
 public:
  virtual ~StagePlan() = default;
  virtual std::unique_ptr<Stage> stage() = 0;

  /// Named outputs, read as `from: [STAGE.NAME]`, in the order of Verdict::output; none: one output, read by the
  /// stage's own name.
  virtual std::vector<std::string> outputs() const { return {}; }
  virtual Growth growth() const { return {}; }
  /// What its expressions read of an event's origin: sources keep nothing else.
  virtual Attributes reads() const { return {}; }
  /// The strongest level that paths through it may carry: less than stored for a stage that may drop.
  virtual Level strongest() const { return Level::stored; }
  /// Why it is not stored, for the error: "it sheds what is above the rate".
  virtual std::string why_weaker() const { return {}; }
  /// Whether it may answer Verdict::later: its sources must be able to pause.
  virtual bool may_wait() const { return false; }
  /// What happens here when it cannot keep up, for `weir check`; empty for a stage that neither waits nor drops.
  virtual std::string when_behind() const { return {}; }
  virtual std::vector<Footprint> footprint(int reactors) const {
    (void)reactors;
    return {};
  }
  virtual Merger* merger() { return nullptr; }

  /// What else it counts, for metrics and `weir top`: {"forgotten_keys", 12}. Any thread.
  struct Count {
    std::string_view what;
    std::uint64_t n;
  };
  virtual std::vector<Count> counts() const { return {}; }
};

}  // namespace weir
