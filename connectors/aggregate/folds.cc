#include "folds.h"

#include <weir/base/json_text.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace weir::aggregate {
namespace {

constexpr double smallest = 1e-6, step = 0.1;

std::size_t bucket_of(long double value) {
  if (!(value > smallest)) return 0;
  const auto place = std::log(static_cast<double>(value) / smallest) / step + 1;
  return std::min(static_cast<std::size_t>(place), sketch_buckets - 1);
}

/// The geometric middle of a bucket.
long double middle_of(std::size_t bucket) {
  return bucket == 0 ? 0 : smallest * std::exp(step * (static_cast<double>(bucket) - 0.5));
}

using Sketch = std::uint32_t[sketch_buckets];

long double quantile(const Stat& stat, const std::byte* sketch, double q) {
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(stat.count))));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < sketch_buckets; ++i) {
    std::uint32_t here = 0;
    std::memcpy(&here, sketch + i * sizeof here, sizeof here);
    below += here;
    if (below >= rank) return i == 0 ? stat.least : std::clamp(middle_of(i), stat.least, stat.most);
  }
  return stat.most;
}

/// "p99" -> 0.99; 0: this is no quantile.
double quantile_named(std::string_view name) {
  if (name == "p999") return 0.999;
  int percent = 0;
  if (!name.starts_with('p')) return 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), percent);
  const bool fine = error == std::errc{} && end == name.data() + name.size() && percent >= 1 && percent <= 99;
  return fine ? percent / 100.0 : 0;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Stat stat_at(const std::byte* state, std::size_t input) {
  Stat stat;
  std::memcpy(&stat, state + input * sizeof stat, sizeof stat);
  return stat;
}

}  // namespace

Result<Folds> Folds::compile(const std::vector<std::pair<std::string, std::string>>& values) {
  Folds made;
  if (values.size() > 64) return failure("values: at most 64 values");
  for (const auto& [name, text] : values)
    if (auto added = made.add_fold(name, text); !added)
      return failure("values " + json_text(name) + ": " + added.error().message);
  made.bytes_ = made.inputs_.size() * sizeof(Stat);
  for (auto& sketch : made.sketches_)
    if (sketch != no_sketch) sketch = std::exchange(made.bytes_, made.bytes_ + sizeof(Sketch));
  return made;
}

Result<void> Folds::add_fold(const std::string& name, std::string_view text) {
  text = trimmed(text);
  const auto open = text.find('(');
  const auto call = trimmed(text.substr(0, open));
  if (open == text.npos || !text.ends_with(')'))
    return std::unexpected(caret_error("expected count(), sum(.x), min(.x), max(.x), avg(.x) or p99(.x)", text, 0));
  const std::string inside(trimmed(text.substr(open + 1, text.size() - open - 2)));
  static constexpr std::pair<std::string_view, Kind> kinds[] = {
      {"count", Kind::count}, {"sum", Kind::sum}, {"min", Kind::min}, {"max", Kind::max}, {"avg", Kind::avg}};
  const auto* known = std::ranges::find(kinds, call, &std::pair<std::string_view, Kind>::first);
  Fold fold{.kind = known != std::end(kinds) ? known->second : Kind::quantile, .label = "," + json_text(name) + ":"};
  if (fold.kind == Kind::quantile && (fold.q = quantile_named(call)) == 0)
    return std::unexpected(caret_error("there are count, sum, min, max, avg, p1 to p99 and p999", text, 0));
  if (std::ranges::find(names_, name) != names_.end()) return failure("there are two of this name");
  names_.push_back(name);
  if (fold.kind == Kind::count) {
    if (!inside.empty())
      return std::unexpected(caret_error("count() counts events: nothing stands in it", text, open + 1));
  } else {
    if (auto checked = ValueExpression::compile(inside); !checked) return std::unexpected(std::move(checked.error()));
    fold.input = static_cast<std::size_t>(std::ranges::find(inputs_, inside) - inputs_.begin());
    if (fold.input == inputs_.size()) {
      inputs_.push_back(inside);
      sketches_.push_back(no_sketch);
    }
    if (fold.kind == Kind::quantile) sketches_[fold.input] = 0;  // offsets are set when all are known
  }
  folds_.push_back(std::move(fold));
  return {};
}

void Folds::clear(std::byte* state) const { std::memset(state, 0, bytes_); }

void Folds::add(std::byte* state, const std::vector<long double>& numbers) const {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto value = numbers[i];
    if (std::isnan(value)) continue;
    auto stat = stat_at(state, i);
    stat.least = stat.count == 0 ? value : std::min(stat.least, value);
    stat.most = stat.count == 0 ? value : std::max(stat.most, value);
    stat.sum += value;
    ++stat.count;
    std::memcpy(state + i * sizeof stat, &stat, sizeof stat);
    if (sketches_[i] == no_sketch) continue;
    auto* bucket = state + sketches_[i] + bucket_of(value) * sizeof(std::uint32_t);
    std::uint32_t here = 0;
    std::memcpy(&here, bucket, sizeof here);
    if (here != ~0u) ++here;
    std::memcpy(bucket, &here, sizeof here);
  }
}

void Folds::write(const std::byte* state, std::uint64_t events, std::string& out) const {
  for (const auto& fold : folds_) {
    out += fold.label;
    write_one(fold, state, events, out);
  }
}

void Folds::write_one(const Fold& fold, const std::byte* state, std::uint64_t events, std::string& out) const {
  if (fold.kind == Kind::count) return append_number(events, out);
  const auto stat = stat_at(state, fold.input);
  if (fold.kind == Kind::sum && std::isfinite(static_cast<double>(stat.sum))) return append_number(stat.sum, out);
  if (stat.count == 0 || !std::isfinite(static_cast<double>(stat.sum))) {
    out += "null";
    return;
  }
  switch (fold.kind) {
    case Kind::min: return append_number(stat.least, out);
    case Kind::max: return append_number(stat.most, out);
    case Kind::avg: return append_number(stat.sum / static_cast<long double>(stat.count), out);
    default: return append_number(quantile(stat, state + sketches_[fold.input], fold.q), out);
  }
}

}  // namespace weir::aggregate
