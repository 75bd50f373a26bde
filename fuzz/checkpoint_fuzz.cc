// Any bytes as a checkpoint, and as a file of lines. What is taken as a checkpoint must be read the same
// when it is written again; lines must be whole, in order, within their bounds, and hold no line feed.
#include <cstddef>
#include <cstdint>

#include "connectors/file/checkpoint.h"
#include "connectors/file/input_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto places = weir::file::decode(input))
    WEIR_CHECK(weir::file::decode(weir::file::encode(*places)) == *places);

  std::vector<weir::Batch::Slot> index;
  const std::size_t max_event = size % 50 + 1, most = size % 7 + 1;
  for (const bool last : {false, true}) {
    const auto lines = weir::file::find_lines(input, last, max_event, most, index);
    WEIR_CHECK(lines.used <= size && index.size() <= most);
    WEIR_CHECK(!lines.too_large || (lines.used == 0 && index.empty()));
    std::size_t at = 0;
    for (const auto& slot : index) {
      WEIR_CHECK(slot.offset >= at && slot.length > 0 && slot.length <= max_event);
      at = slot.offset + slot.length;
      WEIR_CHECK(at <= lines.used);
      WEIR_CHECK(input.substr(slot.offset, slot.length).find('\n') == input.npos);
    }
  }
  return 0;
}
