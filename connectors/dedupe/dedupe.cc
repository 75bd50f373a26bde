#include "dedupe.h"

namespace weir::dedupe {
namespace {

constexpr std::uint64_t most_keys = 100'000'000;

/// Few keys in one stripe: `max_keys` is then exact, and what is forgotten is the oldest of all.
std::size_t stripes_for(std::size_t max_keys) { return max_keys < 4096 ? 1 : 16; }
std::size_t share(std::size_t max_keys) { return (max_keys + stripes_for(max_keys) - 1) / stripes_for(max_keys); }

struct Settings {
  std::vector<std::string> by;
  Duration window;
  std::uint64_t max_keys;
};

class Plan final : public StagePlan {
 public:
  Plan(Settings settings, const Context& context) : settings_(std::move(settings)) {
    auto rng = context.rng();
    secret_ = {rng.next(), rng.next()};
  }
  std::unique_ptr<Stage> stage() override {
    // The memory is needed to run it, not to check it.
    if (!shared_) shared_ = std::make_shared<Shared>(settings_.max_keys, settings_.window, secret_);
    return std::make_unique<Dedupe>(shared_, KeyReader::compile(settings_.by).value());
  }
  std::vector<Count> counts() const override { return {{"forgotten_keys", shared_ ? shared_->forgotten() : 0}}; }
  Level strongest() const override { return Level::processed; }
  std::string why_weaker() const override {
    return "a duplicate ends here while its first copy may still be on its way; a sink that is idempotent removes "
           "duplicates at acks: stored";
  }
  std::vector<Footprint> footprint(int) const override {
    return {{.fixed = Shared::bytes_of(settings_.max_keys), .per_unit = {}, .unit = "key"}};
  }

 private:
  Settings settings_;
  KeyHash secret_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace

Shared::Shared(std::size_t max_keys, Duration window, KeyHash secret) : used_(stripes_for(max_keys)), secret_(secret) {
  for (std::size_t i = 0; i < used_; ++i) stripes_[i].memory.emplace(share(max_keys), window);
}

Bytes Shared::bytes_of(std::size_t max_keys) { return Memory::bytes_of(share(max_keys)) * stripes_for(max_keys); }

bool Shared::seen(const KeyHash& key, TimePoint now) {
  auto& stripe = stripes_[key.high % used_];
  const std::scoped_lock hold(stripe.lock);
  return stripe.memory->seen(key, now);
}

std::uint64_t Shared::forgotten() const {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    const std::scoped_lock hold(stripes_[i].lock);
    all += stripes_[i].memory->forgotten();
  }
  return all;
}

Verdict Dedupe::take(const Event& event, std::string& out) {
  (void)out;
  auto& json = json_of(event, own_);
  if (!key_.read(json) || key_.is_blank()) return Verdict::passed();
  return shared_->seen(key_.hash(shared_->secret()), event.now) ? Verdict::filtered() : Verdict::passed();
}

void add_to(Catalog& catalog) {
  StageType type;
  type.name = "dedupe";
  type.summary = "lets on the first event of each key within a window of time";
  type.options = {
      {.name = "by",
       .kind = OptionKind::texts,
       .required = true,
       .help = "Paths of the fields that make an event the same as another: [.id]."},
      {.name = "window", .kind = OptionKind::duration, .fallback = "10m", .help = "How long a key is remembered."},
      {.name = "max_keys",
       .kind = OptionKind::count,
       .fallback = "100000",
       .help = "How many keys are remembered; beyond it the oldest is forgotten early. About 33 to 40 bytes each."},
  };
  type.compile = [](const Options& options, const Context& context) -> Result<std::shared_ptr<StagePlan>> {
    Settings settings{.by = options.get_or<std::vector<std::string>>("by", {}),
                      .window = options.get_or<Duration>("window", std::chrono::minutes(10)),
                      .max_keys = options.get_or<std::uint64_t>("max_keys", 100'000)};
    if (settings.by.empty()) return failure("by: name at least one field: by: [.id]");
    if (auto key = KeyReader::compile(settings.by); !key) return failure("by: " + key.error().message);
    if (settings.window <= Duration{0}) return failure("window: a window is longer than 0");
    if (settings.max_keys < 1 || settings.max_keys > most_keys) return failure("max_keys: 1 to 100000000 keys");
    return std::make_shared<Plan>(std::move(settings), context);
  };
  catalog.add(std::move(type));
}

}  // namespace weir::dedupe
