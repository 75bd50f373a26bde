// A segment of whole records in which any bytes were changed, and any bytes as each thing the journal reads. What is
// found must lie where it says, hold what was written, in order, and every search must end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "journal/scan.h"

namespace {

using namespace weir;
using namespace weir::journal;

constexpr std::uint64_t epoch = 7, number = 1;

class MemoryFile : public File {
 public:
  explicit MemoryFile(std::string content) : content_(std::move(content)) {}
  Result<std::size_t> read(std::span<char> to, std::uint64_t offset) override {
    return offset >= content_.size() ? 0 : content_.copy(to.data(), to.size(), offset);
  }
  Result<void> write(std::string_view, std::uint64_t) override { return failure("read only"); }
  Result<void> sync(std::string_view) override { return {}; }
  Result<void> allocate(std::uint64_t) override { return failure("read only"); }
  Result<void> truncate(std::uint64_t) override { return failure("read only"); }
  Result<std::uint64_t> size() override { return content_.size(); }
  Result<FileLook> look() override { return FileLook{.length = content_.size()}; }

 private:
  std::string content_;
};

/// A disk on which every name is the same file.
class OneFile : public Disk {
 public:
  explicit OneFile(std::string_view content) : content_(content) {}
  Result<std::unique_ptr<File>> open(const std::string&, Open) override {
    return std::make_unique<MemoryFile>(std::string(content_));
  }
  Result<void> rename(const std::string&, const std::string&, std::string_view) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<void> make_folder(const std::string&) override { return {}; }
  Result<void> sync_folder(const std::string&, std::string_view) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{}; }
  Result<std::optional<FileLook>> look(const std::string&) override { return FileLook{.length = content_.size()}; }
  Result<std::unique_ptr<Lock>> lock(const std::string&) override { return failure("no locks"); }
  Result<Bytes> free_space(const std::string&) override { return 0_B; }

 private:
  std::string_view content_;
};

std::uint8_t take(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

void append_record(std::string& segment, std::string_view text, std::uint64_t sequence, std::uint64_t durable) {
  const std::string line = std::string(text) + "\n";
  const Batch::Slot slot{0, static_cast<std::uint32_t>(text.size()), 0};
  const Batch::Run run{nullptr, 1};
  auto batch = make_batch(line, std::span(&slot, 1), std::span(&run, 1), {}, Ticket{}, false);
  const auto at = segment.size();
  segment.resize(at + record_size(batch));
  encode_record(batch, {epoch, sequence, durable}, std::span(segment).subspan(at));
  batch.dissolve();
}

void check_record(std::string_view bytes) {
  const auto record = parse_record(bytes, epoch);
  if (!record) return;
  WEIR_CHECK(record->size <= bytes.size() && record->header.events > 0);
  std::size_t end = 0;
  for (std::uint32_t i = 0; i < record->header.events; ++i) end += record->entry(i).length + 1u;
  WEIR_CHECK(end == record->text.size());
  const BatchInfo info = record->info({});
  WEIR_CHECK(!info.place || info.place->name.size() <= record->attributes.size());
}

void check_changed_segment(std::string_view input) {
  std::string segment(segment_header_size, '\0');
  std::vector<std::string> texts;
  const std::size_t records = take(input) % 12, synced_every = take(input) % 3 + 1;
  for (std::size_t i = 0; i < records; ++i) {
    const auto length = std::min<std::size_t>(take(input) * (i % 4 + 1u), input.size());
    texts.emplace_back(input.substr(0, length));
    append_record(segment, texts.back(), i + 1, i / synced_every * synced_every + 1);
  }
  segment.resize(segment.size() + take(input));
  while (input.size() >= 3) {
    const std::size_t at = take(input) + 256u * take(input);
    segment[(segment_header_size + at) % segment.size()] = static_cast<char>(take(input));
  }
  const auto limit = segment.size();
  SegmentScan scan(std::make_unique<MemoryFile>(std::move(segment)), number, epoch, Bytes(64 + limit % 1000), 64_KiB);
  const auto tail = find_tail(scan, 1, limit);
  WEIR_CHECK(tail && tail->end.offset <= limit && tail->end.sequence >= 1 && tail->end.sequence <= records + 1);
  WEIR_CHECK(tail->torn_bytes <= limit);
  std::uint64_t last = 0;
  for (std::optional<std::uint64_t> at = 0; (at = scan.next_good(*at, limit).value());) {
    const auto record = scan.at(*at, limit).value();
    WEIR_CHECK(record && record->header.sequence > last && record->header.sequence <= records);
    last = record->header.sequence;
    WEIR_CHECK(record->text == texts[last - 1] + "\n");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_record(input);
  if (const auto header = decode_segment_header(input)) {
    const auto again = decode_segment_header(encode_segment_header(*header));
    WEIR_CHECK(again && again->number == header->number && again->journal == header->journal);
  }
  OneFile disk(input);
  (void)CursorFile::look(disk, "any.cursor");
  check_changed_segment(input);
  return 0;
}
