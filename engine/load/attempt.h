#pragma once
/// One attempt of an open load, and what became of it.
///
/// A call is what somebody wants; an attempt is one request for it. A call is over with its first answer of 2xx or 3xx,
/// or when its client gives up. Times count from when an attempt was due, not from when it was sent.
///
/// Thread: values.
#include <weir/base/units.h>

#include <cstdint>
#include <string_view>

namespace weir::load {

struct Attempt {
  std::uint64_t call = 0;
  std::uint32_t stream = 0, variant = 0;
  int number = 1;            ///< of its call
  TimePoint first_due{};     ///< of its call
  TimePoint due{}, until{};  ///< then its client leaves
  Duration lag{0};           ///< from due to sent
};

struct Outcome {
  enum class End : std::uint8_t {
    answered,
    closed,       ///< the server closed the connection before the answer was whole
    damaged,      ///< what came is no HTTP answer
    unreachable,  ///< no connection
    left,         ///< its client's time was over
    no_room,      ///< as many connections were open as may be: not sent
  };
  End end = End::answered;
  int status = 0;  ///< of `answered`
  Duration retry_after{0};
  std::string_view reason{};  ///< Weir-Reason; valid during the call that tells it
  bool stood_in = false;      ///< not the service's own answer: Cache-Status says hit, or Weir-Degraded is there
  bool good() const { return end == End::answered && status >= 200 && status < 400; }
};

constexpr std::string_view name(Outcome::End end) {
  switch (end) {
    case Outcome::End::answered: return "answered";
    case Outcome::End::closed: return "closed";
    case Outcome::End::damaged: return "damaged";
    case Outcome::End::unreachable: return "unreachable";
    case Outcome::End::left: return "deadline";
    case Outcome::End::no_room: return "not_sent";
  }
  return "";
}

}  // namespace weir::load
