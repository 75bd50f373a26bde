#include "load/open_load.h"

#include <sys/prctl.h>

#include <algorithm>

namespace weir::load {
namespace {

constexpr int most_at_once = 64;
constexpr Duration longest_wait = std::chrono::milliseconds(100);
constexpr Duration head_start = std::chrono::milliseconds(20);

}  // namespace

OpenLoad::OpenLoad(Schedule& schedule, std::vector<net::Endpoint> targets, std::size_t most_connections,
                   const Context& context, OnEnd on_end)
    : schedule_(schedule),
      context_(context),
      on_end_(std::move(on_end)),
      clients_(std::move(targets), most_connections, context,
               [this](std::uint32_t id, const Outcome& outcome) { ended(id, outcome); }) {}

void OpenLoad::run(const std::function<bool(TimePoint)>& go_on) {
  prctl(PR_SET_TIMERSLACK, 1);  // the kernel would let every wait end up to 50 us late
  schedule_.begin(context_.now() + head_start);
  for (bool going = true; !schedule_.over();) {
    const auto now = context_.now();
    if (going && !go_on(now)) {
      schedule_.stop();
      going = false;
    }
    send_due();
    leave_expired();
    clients_.wait(std::min(schedule_.next(), now + longest_wait));
  }
}

void OpenLoad::send_due() {
  for (int i = 0; i < most_at_once; ++i) {
    const auto id = schedule_.start(context_.now());
    if (!id) return;
    const Variant& variant = schedule_.variant(*id);
    if (texts_.size() <= *id) texts_.resize(*id + 1);
    const auto sent = clients_.send(*id, variant.target, request_of(variant, schedule_.at(*id).call, texts_[*id]));
    if (sent != Outcome::End::answered) ended(*id, {.end = sent});
  }
}

void OpenLoad::leave_expired() {
  while (const auto id = schedule_.expired(context_.now())) {
    clients_.leave(*id);
    ended(*id, {.end = Outcome::End::left});
  }
}

void OpenLoad::ended(std::uint32_t id, const Outcome& outcome) {
  const auto now = context_.now();
  const bool call_over = schedule_.ended(id, outcome, now);
  on_end_(schedule_.at(id), schedule_.variant(id), outcome, call_over, now);
}

}  // namespace weir::load
