#pragma once
/// Finds the events in a stream of bytes. The sender is not trusted.
///
///   newline   bytes up to '\n'; a '\r' before it is left out; empty lines are no events, a byte order mark at the
///             beginning of the stream is no part of one, nor zeros in front of a line: what `tail` sends of a file that
///             was emptied under its writer begins with a hole
///   length    4 bytes, big endian, then so many bytes; a length of 0 is no event
///   octets    syslog's octet counting: the length in decimal, a space, then so many bytes. Ref: RFC 6587 section 3.4.1
///
/// A line longer than `max_event` is counted once and skipped to its end; a length above it makes the rest of the
/// stream unusable, because it may not have been meant as a length. The result does not depend on how the bytes are cut
/// into pieces.
///
/// Thread: a value; copying one asks "what if". Cost: one memchr pass; bytes that were looked at are not looked at
/// again.
#include <weir/component/batch.h>

#include <array>
#include <string_view>
#include <vector>

namespace weir::tcp {

enum class Framing : std::uint8_t { newline, length, octets };

/// What a piece of the stream holds.
struct Frames {
  std::vector<Batch::Slot> index;  ///< the events; offsets into the bytes that were scanned
  std::size_t consumed = 0;        ///< so many bytes are done with; what follows is an unfinished frame
  std::uint64_t too_large = 0;     ///< events above max_event that became known to be so
  std::uint64_t malformed = 0;     ///< frames whose length is none
  bool broken = false;             ///< nothing behind `consumed` can be understood
};

class Framer {
 public:
  Framer(Framing framing, Bytes max_event) : framing_(framing), max_(max_event.count()) {}

  /// `bytes` begins with the unfinished frame of the last call, if there was one. Replaces what `found` holds.
  void scan(std::string_view bytes, Frames& found);
  /// Whether it is in the middle of a line that is too large.
  bool skipping() const { return skipping_; }

 private:
  void scan_lines(std::string_view bytes, Frames& found);
  void scan_lengths(std::string_view bytes, Frames& found) const;
  void scan_octets(std::string_view bytes, Frames& found) const;

  Framing framing_;
  std::size_t max_;
  std::size_t looked_at_ = 0;  // of the unfinished line: no '\n' is in these bytes
  bool skipping_ = false;
  bool at_start_ = true;
};

/// The 4 bytes before a frame of this length.
std::array<char, 4> length_prefix(std::uint32_t length);

}  // namespace weir::tcp
