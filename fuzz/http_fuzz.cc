/// The HTTP parser under arbitrary bytes in arbitrary packets. It must never crash, and where packets end must never
/// change what it makes of the bytes: a difference is what requests are smuggled through.
///
/// The first byte says how many of the following are packet sizes (1 to 16 of them, used in turn); the rest is input.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weir/base/result.h>
#include "net/http.h"
#include "net/http_parser.h"
#include "net/test_transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t packets = 1 + data[0] % 16;
  if (size < 1 + packets) return 0;
  const std::uint8_t* sizes = data + 1;
  const std::string_view text(reinterpret_cast<const char*>(sizes + packets), size - 1 - packets);
  const auto whole = weir::net::transcript(text, text.size() + 1);
  const auto split = weir::net::transcript(text, [&](std::size_t i) { return std::size_t{sizes[i % packets]}; });
  WEIR_CHECK(whole == split);

  weir::net::Head head;  // a look-up must survive any header block, not only a parsed one
  head.fields = text;
  WEIR_CHECK(head.header("content-type").size() <= text.size());
  return 0;
}
