#include "guards/event_rates.h"

#include <algorithm>
#include <unordered_map>

namespace weir::guards {

using async::GuardChain;

EventRates::EventRates(const Context& context)
    : context_(context), secret_(async::secret_of(context)), chain_(config::Guards::most_rates) {}

async::RateGuard& EventRates::add(const config::Rate& rate) {
  auto guard = std::make_unique<async::RateGuard>(rate.guard, context_);
  async::RateGuard& added = *guard;
  chain_.add(rate.guard.name, std::move(guard), rate.observe ? GuardChain::Mode::observe : GuardChain::Mode::enforce);
  keys_.push_back(rate.guard.key);
  return added;
}

/// In the order of their first events.
std::vector<EventRates::Group> EventRates::by_key(EventCaller& reader, const async::Caller& sender,
                                                  std::string_view text, std::span<const Batch::Slot> events) const {
  std::vector<Group> groups;
  std::unordered_map<std::uint64_t, std::size_t> known;
  std::string hashes;
  for (const Batch::Slot& slot : events) {
    const std::string_view event = text.substr(slot.offset, slot.length);
    reader.look_at(event, &sender);
    hashes.clear();
    for (const async::ClientKey& key : keys_) {
      const std::uint64_t hash = async::hash_of(key, &reader, secret_);
      hashes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    }
    const auto [at, is_new] = known.try_emplace(sip_hash(hashes, secret_).low, groups.size());
    if (is_new) groups.push_back({.first = event});
    groups[at->second].load.events += 1;
    groups[at->second].load.bytes += Bytes(event.size());
  }
  return groups;
}

Admitted<void> EventRates::admit(EventCaller& reader, const async::Caller& sender, std::string_view text,
                                 std::span<const Batch::Slot> events) {
  std::vector<async::Permit> taken;
  Admitted<void> answer;
  for (const Group& group : by_key(reader, sender, text, events)) {
    reader.look_at(group.first, &sender);
    auto permit = chain_.try_start({.load = group.load, .caller = &reader});
    if (permit)
      taken.push_back(std::move(*permit));
    else if (answer || answer.error().retry_after < permit.error().retry_after)
      answer = std::unexpected(permit.error());
  }
  if (!answer)
    for (async::Permit& permit : taken) permit.unused();
  return answer;
}

}  // namespace weir::guards
