#include <weir/component/conformance/batches.h>

namespace weir::conformance {

Batch batch_of(const std::vector<std::string>& events, std::uint64_t first_id, Layout layout) {
  std::string bytes = layout == Layout::array ? "[" : "";
  std::vector<Batch::Slot> index;
  for (const auto& event : events) {
    Batch::Slot slot{};
    slot.offset = static_cast<std::uint32_t>(bytes.size());
    slot.length = static_cast<std::uint32_t>(event.size());
    slot.number = static_cast<std::uint32_t>(index.size());
    index.push_back(slot);
    bytes += event;
    bytes += layout == Layout::array ? ',' : '\n';
  }
  if (layout == Layout::array) bytes.back() = ']';
  const Batch::Run run{nullptr, static_cast<std::uint32_t>(events.size())};
  BatchInfo info;
  info.first_id = first_id;
  info.received_wall = WallTime(std::chrono::seconds(1'700'000'000));
  return make_batch(bytes, index, std::span(&run, 1), info, {});
}

std::vector<std::string> json_events(std::string_view prefix, std::size_t count, std::size_t bytes) {
  std::vector<std::string> events;
  for (std::size_t i = 0; i < count; ++i) {
    std::string event = R"({"id":")" + std::string(prefix) + "-" + std::to_string(i) + R"(","pad":")";
    if (event.size() + 2 < bytes) event.append(bytes - event.size() - 2, static_cast<char>('a' + i % 26));
    events.push_back(std::move(event) + "\"}");
  }
  return events;
}

}  // namespace weir::conformance
