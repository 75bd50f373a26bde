#include "gateway/cache.h"

#include <algorithm>

namespace weir::gateway {
namespace {

constexpr std::uint64_t share_of_a_slot = 512;  // of the list, the table, the allocator

std::uint64_t bytes_of(const std::string& key, const KeptAnswer* answer) {
  std::uint64_t sum = share_of_a_slot + 2 * key.size();
  if (!answer) return sum;
  sum += answer->fields.capacity() + answer->body.capacity() + answer->tag.size() + answer->modified.size() +
         answer->variant.size() + sizeof(KeptAnswer);
  for (const auto& name : answer->varies_by) sum += name.size() + sizeof(std::string);
  return sum;
}

}  // namespace

Cache::Kept Cache::find(const std::string& key, std::string_view request_fields) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  for (const Place place : at->second) {
    if (!place->answer || variant_of(request_fields, place->answer->varies_by) != place->answer->variant) continue;
    slots_.splice(slots_.begin(), slots_, place);
    return place->answer;
  }
  return nullptr;
}

void Cache::keep(const std::string& key, Kept answer, TimePoint now) {
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    const auto places = at->second;
    for (const Place place : places)
      if (!place->answer || place->answer->variant == answer->variant) erase(place);
    if (const auto again = by_key_.find(key); again != by_key_.end() && again->second.size() >= most_variants)
      erase(again->second.front());
  }
  const auto bytes = bytes_of(key, answer.get());
  if (bytes > config_.max_bytes.count()) return;
  ++stats_.kept;
  insert({key, std::move(answer), now, bytes});
}

void Cache::insert(Slot slot) {
  while (!slots_.empty() && stats_.bytes + slot.bytes > config_.max_bytes.count()) {
    ++stats_.pushed_out;
    erase(std::prev(slots_.end()));
  }
  stats_.bytes += slot.bytes;
  stats_.answers += slot.answer ? 1 : 0;
  slots_.push_front(std::move(slot));
  by_key_[slots_.front().key].push_back(slots_.begin());
}

void Cache::erase(Place place) {
  const auto at = by_key_.find(place->key);
  std::erase(at->second, place);
  if (at->second.empty()) by_key_.erase(at);
  stats_.bytes -= place->bytes;
  stats_.answers -= place->answer ? 1 : 0;
  slots_.erase(place);
}

void Cache::forget(const std::string& key) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return;
  const auto places = at->second;
  for (const Place place : places) erase(place);
}

bool Cache::passes(const std::string& key, TimePoint now) const {
  const auto at = by_key_.find(key);
  return at != by_key_.end() && std::ranges::any_of(at->second, [&](Place p) { return !p->answer && now < p->until; });
}

std::shared_ptr<Cache::Flight> Cache::flight(const std::string& key) const {
  const auto at = flights_.find(key);
  return at == flights_.end() ? nullptr : at->second;
}

std::shared_ptr<Cache::Flight> Cache::take_off(boost::asio::io_context& io, const std::string& key) {
  return flights_[key] = std::make_shared<Flight>(io);
}

void Cache::changed(const std::string& key) {
  forget(key);
  flights_.erase(key);
  ++changes_[count_of(key)];
}

void Cache::land(const std::string& key, Flight& flight, Landing how, TimePoint now) {
  flight.over = true;
  flight.how = how;
  flight.landed.wake_all();
  const auto at = flights_.find(key);
  if (at == flights_.end() || at->second.get() != &flight) return;  // the resource has changed since
  flights_.erase(at);
  if (how != Landing::passes) return;
  forget(key);
  insert({key, nullptr, now + remembers_passing, bytes_of(key, nullptr)});
}

}  // namespace weir::gateway
