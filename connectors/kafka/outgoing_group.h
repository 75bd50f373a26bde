#pragma once
/// The states of the events of one delivery: to be sent, on their way, arrived, or refused.
///
/// librdkafka reports each message on its own and in its own time. One that is not done when the time of a call is over
/// stays on its way: the next call waits for the same messages instead of sending them again, so that nothing doubles
/// because a broker was slow. What is sent carries a token; tokens of an earlier delivery are told apart.
///
///   take      another delivery begins; the same one goes on where it was
///   next      the first event that has to be sent, in order
///   sent      it is on its way
///   arrived, refused, failed      what was reported of a token
///
/// Thread: one. Cost: 1 byte an event, about 5 ns each.
#include <weir/component/sink.h>

#include <optional>
#include <string>
#include <vector>

namespace weir::kafka {

class OutgoingGroup {
 public:
  struct EventIndex {
    std::uint32_t batch, event;
  };

  void take(std::span<const Batch> batches);
  std::optional<EventIndex> next();
  /// What to hand to the client with the event that `next` named.
  void* sent();

  void arrived(void* token);
  void refused(void* token, std::string why);
  /// It may be sent again. Without a reason it was never sent.
  void failed(void* token, std::string why);
  /// All that is on its way is lost with its client.
  void lose_all();

  bool done() const { return open_ == 0; }
  std::uint32_t on_its_way() const { return on_its_way_; }
  bool has_failed() const { return !why_failed_.empty(); }
  std::string take_failure() { return std::exchange(why_failed_, {}); }
  /// Ends it: its refused events, ascending.
  std::vector<Delivery::Refused> finish();

 private:
  enum class State : std::uint8_t { to_send, on_its_way, ended };
  struct Shape {
    std::uint64_t first_id;
    std::uint32_t events;
    bool operator==(const Shape&) const = default;
  };
  State* state_of(void* token);
  EventIndex place_of(std::uint32_t number) const;
  void end(State& state);

  std::vector<Shape> shape_;
  std::vector<State> states_;
  std::vector<Delivery::Refused> refused_;
  std::string why_failed_;
  std::uint32_t generation_ = 0, next_ = 0, open_ = 0, on_its_way_ = 0;
  EventIndex at_{0, 0};  // of next_
};

}  // namespace weir::kafka
