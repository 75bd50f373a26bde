/// What a cache keeps, finds, forgets and lets others wait for, in any order, beside a model that never pushes anything
/// out. What is found is what was kept last for that key and variant and not forgotten since; bytes stay within their
/// bound, and count what is there; a flight is landed once, and nobody waits for one from before a change.
///
/// Each step takes two bytes: what is done, and to which of eight keys with which of sixteen variants.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include <weir/base/result.h>
#include "gateway/cache.h"

namespace {

using weir::gateway::Cache;

constexpr std::uint64_t bound = 64 << 10;

struct CacheRun {
  weir::gateway::Cache cache{{.max_bytes = weir::Bytes(bound), .max_body = weir::Bytes(bound / 4)}};
  boost::asio::io_context io;
  std::map<std::string, std::map<std::string, Cache::Kept>> model;
  std::map<std::string, std::shared_ptr<Cache::Flight>> flights;
  weir::TimePoint now{std::chrono::hours(1)};

  static std::string request_of(unsigned variant) { return "Accept: v" + std::to_string(variant) + "\r\n"; }

  void keep(const std::string& key, unsigned variant, std::size_t size) {
    auto answer = std::make_shared<weir::gateway::KeptAnswer>();
    answer->varies_by = {"accept"};
    answer->variant = weir::gateway::variant_of(request_of(variant), answer->varies_by);
    answer->body.assign(size, static_cast<char>('a' + variant));
    model[key][answer->variant] = answer;
    cache.keep(key, answer, now);
  }
  void find(const std::string& key, unsigned variant) {
    const auto found = cache.find(key, request_of(variant));
    if (!found) return;
    const auto& kept = model[key];
    const auto wanted = kept.find(weir::gateway::variant_of(request_of(variant), {"accept"}));
    WEIR_CHECK(wanted != kept.end() && wanted->second == found);
  }
  void change(const std::string& key) {
    cache.changed(key);
    model.erase(key);
    flights.erase(key);
    WEIR_CHECK(!cache.flight(key));
  }
  void land(const std::string& key, Cache::Landing how) {
    const auto flight = flights[key];
    flights.erase(key);
    if (!flight) return;
    cache.land(key, *flight, how, now);
    WEIR_CHECK(flight->over && !cache.flight(key));
    if (how != Cache::Landing::passes) return;
    model.erase(key);
    WEIR_CHECK(cache.passes(key, now) && !cache.passes(key, now + Cache::remembers_passing));
  }
  void step(unsigned what, unsigned at) {
    const std::string key = "k" + std::to_string(at % 8);
    const unsigned variant = at / 8 % 16;
    switch (what % 8) {
      case 0: return keep(key, variant, what * 64);
      case 1: return find(key, variant);
      case 2: return change(key);
      case 3: return cache.forget(key), void(model.erase(key));
      case 4:
        if (!cache.flight(key)) flights[key] = cache.take_off(io, key);
        return WEIR_CHECK(cache.flight(key) == flights[key]);
      case 5: return land(key, static_cast<Cache::Landing>(variant % 4));
      case 6: now += std::chrono::seconds(variant); return;
      default: return find(key, variant + 1);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  CacheRun run;
  for (std::size_t i = 0; i + 1 < size && i < 4096; i += 2) {
    run.step(data[i], data[i + 1]);
    WEIR_CHECK(run.cache.stats().bytes <= bound);
  }
  for (const auto& [key, kept] : run.model) run.cache.changed(key);
  for (unsigned k = 0; k < 8; ++k) run.change("k" + std::to_string(k));
  WEIR_CHECK(run.cache.stats().bytes == 0 && run.cache.stats().answers == 0);
  return 0;
}
