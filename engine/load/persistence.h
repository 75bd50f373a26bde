#pragma once
/// What a client does whose request was refused, failed or came too late.
///
///   none         gives up
///   naive        asks again at once
///   backoff      asks again after U(0, min(cap, base x 2^(tries - 1)))     ("full jitter")
///   retry-after  asks again when it was told to (Retry-After); gives up when it was told nothing
///   impatient    waits for only deadline / tries each time, then asks again at once: somebody who reloads a page
///
/// At most `tries` in all, the first one included.
///
/// Thread: values. Cost: a few ns. Ref: Brooker, "Exponential backoff and jitter", 2015.
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <optional>
#include <string_view>

namespace weir::load {

struct Persistence {
  enum class Kind : std::uint8_t { none, naive, backoff, retry_after, impatient } kind = Kind::none;
  int tries = 4;
  Duration base = std::chrono::milliseconds(100), cap = std::chrono::seconds(10);

  static Result<Kind> parse(std::string_view name);

  /// How long it waits for the answer to one attempt, of which it would give the service `deadline`.
  Duration patience(Duration deadline) const;
  /// After `tried` attempts in vain: how long it waits before the next one; nothing: it gives up. `told`: Retry-After
  /// of the last answer, 0: none.
  std::optional<Duration> again(int tried, Duration told, Rng& rng) const;
};

}  // namespace weir::load
