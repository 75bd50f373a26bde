#pragma once
/// Where events came from: what expressions read as `@source`, `@file`, `@offset`, `@peer`, `@topic`, `@partition` and
/// `@received`.
///
/// An Origin belongs to a run of events (what was read of one file, a connection, a piece of a partition), never to one
/// event; a batch refers to it. Sources make one only if some expression behind them reads what it holds
/// (SourceOutput::reads), so a flow without attributes pays for none.
///
///   offset of event k    offsets[k], or first_offset + k where that is how the source counts (messages of a partition)
///
/// Thread: immutable once it is shared. Cost: an allocation for each run of events.
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class Attribute : std::uint8_t { source, file, offset, peer, topic, partition, received };
inline constexpr std::array<std::string_view, 7> attribute_names{"source", "file",      "offset",  "peer",
                                                                 "topic",  "partition", "received"};

/// A set of attributes.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<Attribute> all) {
    for (const Attribute a : all) add(a);
  }
  void add(Attribute a) { bits_ |= bit(a); }
  void add(Attributes others) { bits_ |= others.bits_; }
  bool has(Attribute a) const { return (bits_ & bit(a)) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  static std::uint8_t bit(Attribute a) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(a)); }
  std::uint8_t bits_ = 0;
};

struct Origin {
  std::string file, peer, topic;  ///< made by origin_text; empty: there is none
  std::optional<std::uint64_t> partition;
  std::optional<std::uint64_t> first_offset;
  std::vector<std::uint64_t> offsets;  ///< by the number of an event in its block; empty: first_offset counts

  /// Of the event with this number.
  std::optional<std::uint64_t> offset(std::uint32_t number) const {
    if (number < offsets.size()) return offsets[number];
    if (first_offset && offsets.empty()) return *first_offset + number;
    return std::nullopt;
  }

  static constexpr std::size_t max_text = 256;
};

/// A name as an attribute may hold it: valid UTF-8 without control characters (each such byte becomes U+FFFD), and no
/// longer than max_text bytes when it is written as JSON. Of a longer one its end is kept, behind "...".
std::string origin_text(std::string_view name);

}  // namespace weir
