#pragma once
/// A segment is a file of fixed size: a header of 4096 bytes, then records. FORMAT.md describes every byte.
///
///   name            what it is
///   N.segment       records of the journal; N is its number in 20 digits, never used twice
///   N.new           a segment that has not got its name yet; nothing in it was ever promised
///   N.spare         a segment whose events everybody has read: its blocks are written and will be used again
///   NAME.cursor     how far the consumer NAME has read
///   journal, lock   who this journal is; who has it open
///
/// Thread: values. Cost: none to speak of.
#include <weir/base/result.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "journal/disk.h"

namespace weir::journal {

/// Of segments: 2 since their records may have attributes; one of version 1 holds none. All other blocks are version 1.
inline constexpr std::uint32_t format_version = 1, segment_version = 2;
inline constexpr std::size_t segment_header_size = 4096;

using JournalId = std::array<unsigned char, 16>;

struct SegmentHeader {
  JournalId journal{};
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;  ///< of its first record; whatever earlier segments hold from there on is void
  std::int64_t created_wall = 0;
};

/// The epoch, which the records of this segment carry so that nothing else is taken for one of them. A sender of events
/// knows neither the journal's id nor when a file is reused, so it cannot make a text that looks like a record.
std::uint64_t epoch_of(const JournalId& journal, std::uint64_t number);

std::string encode_segment_header(const SegmentHeader& header);  ///< 4096 bytes
/// Why it cannot be read: the message says what is wrong, without the name of the file. Kind `unsupported`: it is
/// whole, but of a format this program does not know.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

/// "00000000000000000042.segment"
std::string numbered(std::uint64_t number, std::string_view kind);
/// The number in front of ".kind"; nothing if the name is not of this form.
std::optional<std::uint64_t> number_of(std::string_view name, std::string_view kind);

/// A small file of one block with magic, version, content and CRC32C: segment headers, cursors and the journal's own
/// file are all written so.
std::string seal_block(std::string_view magic, std::string_view content, std::size_t size,
                       std::uint32_t version = format_version);
/// Of any version up to `newest`.
Result<std::string> open_block(std::string_view magic, std::string_view block, std::uint32_t newest = format_version);

}  // namespace weir::journal
