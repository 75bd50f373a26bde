#include "journal/segment.h"

#include <fmt/format.h>
#include <weir/base/rng.h>

#include <charconv>
#include <cstring>

#include "journal/record.h"

namespace weir::journal {
namespace {

constexpr std::string_view segment_magic = "WEIRSEGM";
constexpr std::size_t number_digits = 20;

struct BlockHead {
  char magic[8];
  std::uint32_t version, crc;  // of everything behind the crc, the zeros included
  std::uint32_t length, zero;
};
static_assert(sizeof(BlockHead) == 24);
constexpr std::size_t checked_from_length = offsetof(BlockHead, length);

struct SegmentContent {
  JournalId journal;
  std::uint64_t number, first_sequence;
  std::int64_t created_wall;
};
static_assert(sizeof(SegmentContent) == 40);

}  // namespace

std::string seal_block(std::string_view magic, std::string_view content, std::size_t size, std::uint32_t version) {
  std::string block(size, '\0');
  BlockHead head{};
  WEIR_CHECK(magic.size() == sizeof head.magic && sizeof head + content.size() <= size);
  std::memcpy(head.magic, magic.data(), magic.size());
  head.version = version;
  head.length = static_cast<std::uint32_t>(content.size());
  std::memcpy(block.data() + sizeof head, content.data(), content.size());
  std::memcpy(block.data(), &head, sizeof head);
  head.crc = crc32c(std::string_view(block).substr(checked_from_length));
  std::memcpy(block.data(), &head, sizeof head);
  return block;
}

Result<std::string> open_block(std::string_view magic, std::string_view block, std::uint32_t newest) {
  BlockHead head;
  if (block.size() < sizeof head) return failure("it is too short");
  std::memcpy(&head, block.data(), sizeof head);
  if (std::string_view(head.magic, sizeof head.magic) != magic) return failure("it is no file of a journal of weir");
  if (head.version == 0 || head.version > newest)
    return failure(fmt::format("it has format version {}; this weir reads {} {}", head.version,
                               newest == 1 ? "version" : "versions up to", newest),
                   Error::Kind::unsupported);
  if (head.crc != crc32c(block.substr(checked_from_length)) || head.length > block.size() - sizeof head)
    return failure("its checksum is wrong");
  return std::string(block.substr(sizeof head, head.length));
}

std::string encode_segment_header(const SegmentHeader& header) {
  const SegmentContent content{header.journal, header.number, header.first_sequence, header.created_wall};
  return seal_block(segment_magic, {reinterpret_cast<const char*>(&content), sizeof content}, segment_header_size,
                    segment_version);
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  auto opened = open_block(segment_magic, bytes, segment_version);
  if (!opened) return std::unexpected(opened.error());
  SegmentContent content;
  if (opened->size() != sizeof content) return failure("its header has the wrong length");
  std::memcpy(&content, opened->data(), sizeof content);
  return SegmentHeader{content.journal, content.number, content.first_sequence, content.created_wall};
}

std::uint64_t epoch_of(const JournalId& journal, std::uint64_t number) {
  std::uint64_t half[2];
  static_assert(sizeof half == sizeof(JournalId));
  std::memcpy(half, journal.data(), sizeof half);
  return Rng(half[1] + Rng(half[0] + number).next()).next();
}

std::string numbered(std::uint64_t number, std::string_view kind) { return fmt::format("{:020}.{}", number, kind); }

std::optional<std::uint64_t> number_of(std::string_view name, std::string_view kind) {
  if (name.size() != number_digits + 1 + kind.size() || name[number_digits] != '.' || !name.ends_with(kind)) return {};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + number_digits, number);
  if (error != std::errc() || end != name.data() + number_digits) return {};
  return number;
}

}  // namespace weir::journal
