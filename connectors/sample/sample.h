#pragma once
/// Stage `sample`: passes a share of the events. README.md has its guarantees.
///
///   with a key   an event goes on if hash(key) < rate x 2^64: the same key, the same answer, on every machine
///   without      an event goes on with probability `rate`, drawn from the seeded source of its reactor
///
/// Thread: one object for each reactor. Cost: about 2 ns, with a key about 170 ns.
#include <weir/base/rng.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>

namespace weir::sample {

class Sample final : public Stage {
 public:
  Sample(double rate, std::optional<FieldReader> key, Rng rng);
  Verdict take(const Event& event, std::string& out) override;

 private:
  std::uint64_t below_;
  bool all_;
  std::optional<FieldReader> key_;
  Rng rng_;
};

void add_to(Catalog& catalog);

}  // namespace weir::sample
