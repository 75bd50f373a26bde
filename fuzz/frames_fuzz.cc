/// The framing of tcp under arbitrary bytes in arbitrary pieces. It must never crash, never point outside of what it
/// was given, never bring an event above the limit, and where pieces end must never change what it finds.
///
/// The first byte chooses framing and limit; the second says how many of the following are sizes of pieces (1 to 16 of
/// them, used in turn); the rest is the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/result.h>
#include "connectors/tcp/framing.h"

namespace {

using weir::tcp::Framer;
using weir::tcp::Frames;

struct Heard {
  std::vector<std::string> events;
  std::uint64_t too_large = 0, malformed = 0;
  bool broken = false;
  bool operator==(const Heard&) const = default;
};

Heard hear(Framer framer, std::size_t max, std::string_view stream,
           const std::function<std::size_t(std::size_t)>& size) {
  Heard heard;
  Frames found;
  std::string rest;
  for (std::size_t i = 0; !stream.empty() && !heard.broken; ++i) {
    const std::size_t n = std::min(std::max<std::size_t>(size(i), 1), stream.size());
    rest += stream.substr(0, n);
    stream.remove_prefix(n);
    framer.scan(rest, found);
    WEIR_CHECK(found.consumed <= rest.size());
    WEIR_CHECK(found.broken || rest.size() - found.consumed <= max + 9);  // 8 digits and a space
    for (const auto& slot : found.index) {
      WEIR_CHECK(slot.length > 0 && slot.length <= max && slot.offset + slot.length <= found.consumed);
      heard.events.push_back(rest.substr(slot.offset, slot.length));
    }
    heard.too_large += found.too_large;
    heard.malformed += found.malformed;
    heard.broken = found.broken;
    rest.erase(0, found.consumed);
  }
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t max = 1 + data[0] / 2, pieces = 1 + data[1] % 16;
  if (size < 2 + pieces) return 0;
  const Framer framer(static_cast<weir::tcp::Framing>(data[0] % 3), weir::Bytes(max));
  const std::uint8_t* sizes = data + 2;
  const std::string_view stream(reinterpret_cast<const char*>(sizes + pieces), size - 2 - pieces);
  const auto whole = hear(framer, max, stream, [&](std::size_t) { return stream.size(); });
  const auto split = hear(framer, max, stream, [&](std::size_t i) { return std::size_t{sizes[i % pieces]}; });
  WEIR_CHECK(whole == split);
  return 0;
}
