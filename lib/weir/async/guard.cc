#include <weir/async/guard.h>

#include <numeric>
#include <ranges>

namespace weir::async {
namespace {

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint64_t GuardStats::refusals() const { return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0}); }

void GuardChain::add(std::string name, std::unique_ptr<Guard> guard, Mode mode) {
  WEIR_CHECK(links_.size() < most_);
  links_.emplace_back(std::move(name), std::move(guard), mode);
}

Admitted<Permit> GuardChain::try_start(const Arrival& arrival) {
  if (links_.empty()) return Permit();
  std::vector<Given> given;
  Arrival unseen = arrival;
  unseen.quotas = nullptr;  // what is only observed is no limit that a client could keep to
  unseen.waiter = nullptr;  // and holds nobody up
  for (Link& link : links_) {
    auto answer = link.guard->try_start(link.mode == Mode::observe ? unseen : arrival);
    if (answer) {
      count(link.permitted);
      given.push_back({&link, std::move(*answer)});
      continue;
    }
    count(link.refused[static_cast<std::size_t>(answer.error().reason)]);
    if (link.mode == Mode::observe) continue;
    give_back(given);
    return std::unexpected(answer.error());
  }
  return bundle(std::move(given));
}

void GuardChain::give_back(std::span<Given> given) {
  for (Given& g : std::views::reverse(given)) {
    count(g.link->given_back);
    g.permit.unused();
  }
}

Permit GuardChain::bundle(std::vector<Given> given) {
  std::erase_if(given, [](const Given& g) { return g.permit.settled(); });
  if (given.empty()) return Permit();
  if (given.size() == 1) return std::move(given.front().permit);
  return Permit::of_amounts([all = std::move(given)](Report report) mutable {
    for (Given& g : std::views::reverse(all)) g.permit.pass_on(report);
  });
}

std::vector<GuardStats> GuardChain::stats() const {
  std::vector<GuardStats> all;
  for (const Link& link : links_) {
    GuardStats& s = all.emplace_back();
    s.name = link.name;
    s.observed = link.mode == Mode::observe;
    s.permitted = link.permitted.load(std::memory_order_relaxed);
    s.given_back = link.given_back.load(std::memory_order_relaxed);
    for (std::size_t r = 0; r < s.refused.size(); ++r) s.refused[r] = link.refused[r].load(std::memory_order_relaxed);
  }
  return all;
}

}  // namespace weir::async
