#include "sample.h"

#include <cmath>

namespace weir::sample {
namespace {

/// FNV-1a, then SplitMix64's mixing, because the high bits decide. Written here so that the share of keys that goes on
/// is the same in every process and version.
std::uint64_t hash(std::string_view key) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : key) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return Rng(h).next();
}

class Plan final : public StagePlan {
 public:
  Plan(double rate, std::optional<std::string> key, const Context& context)
      : rate_(rate), key_(std::move(key)), rng_(context.rng()) {}
  std::unique_ptr<Stage> stage() override {
    std::optional<FieldReader> reader;
    if (key_) reader.emplace(FieldReader::compile(*key_).value());
    return std::make_unique<Sample>(rate_, std::move(reader), Rng(rng_.next()));
  }

 private:
  double rate_;
  std::optional<std::string> key_;
  Rng rng_;
};

}  // namespace

Sample::Sample(double rate, std::optional<FieldReader> key, Rng rng)
    : below_(rate >= 1 ? 0 : static_cast<std::uint64_t>(std::ldexp(rate, 64))),
      all_(rate >= 1),
      key_(std::move(key)),
      rng_(rng) {}

Verdict Sample::take(const Event& event, std::string& out) {
  (void)out;
  if (all_) return Verdict::passed();
  std::optional<std::string_view> key;
  if (key_) key = event.json ? key_->text(*event.json) : key_->text(event.bytes);
  const auto draw = key ? hash(*key) : rng_.next();
  return draw < below_ ? Verdict::passed() : Verdict::filtered();
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "sample";
  type.summary = "lets on a share of the events";
  type.options = {
      {.name = "rate", .kind = OptionKind::ratio, .required = true, .help = "The share that goes on: 0.1 or 10%."},
      {.name = "key",
       .kind = OptionKind::text,
       .help = "Path of a field: all events with the same value of it go on, or none of them; without it, or where it "
               "is missing, chance decides."},
  };
  type.compile = [](const Options& options, const Context& context) -> Result<std::shared_ptr<StagePlan>> {
    const double rate = options.ratio("rate");
    if (!(rate > 0 && rate <= 1)) return failure("rate: a share is above 0 and at most 1, as in 0.1 or 10%");
    std::optional<std::string> key;
    if (options.has("key")) {
      key = options.text("key");
      if (const auto read = FieldReader::compile(*key); !read) return failure("key: " + read.error().message);
    }
    return std::make_shared<Plan>(rate, std::move(key), context);
  };
  catalog.add(std::move(type));
}

}  // namespace weir::sample
