#pragma once
/// Room at the end of a string for as much as a stage promised to write at most, without asking the string for each
/// piece of it.
///
///   append_within(out, most, [&](Room& room) { room.put('{'); ... });
///
/// A caller that writes more than that has a defect: the process ends before a byte is written out of bounds.
///
/// Thread: one owner. Cost: 1 ns a piece and the copying; no allocation where the string has `most` + 16 bytes left.
#include <weir/base/result.h>

#include <cstring>
#include <string>
#include <string_view>

namespace weir {

class Room {
 public:
  Room(char* begin, char* end) : at_(begin), end_(end) {}

  void put(char c) {
    WEIR_CHECK(at_ != end_);
    *at_++ = c;
  }
  void put(std::string_view text) {
    WEIR_CHECK(text.size() <= left());
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());  // an empty one may be null
    at_ += text.size();
  }
  /// As put, for a piece of an event, behind which there is padding: no call for the few bytes that most of them are.
  void put_padded(std::string_view piece) {
    WEIR_CHECK(piece.size() + step <= left());
    for (std::size_t i = 0; i < piece.size(); i += step) std::memcpy(at_ + i, piece.data() + i, step);
    at_ += piece.size();
  }
  /// So many bytes to write into; `used` says how far.
  char* take(std::size_t most) {
    WEIR_CHECK(most <= left());
    return at_;
  }
  void used(char* behind) { at_ = behind; }

  char* mark() const { return at_; }
  void back_to(char* mark) { at_ = mark; }

  static constexpr std::size_t step = 16;

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  char *at_, *end_;
};

template <typename Write>
void append_within(std::string& out, std::size_t most, Write write) {
  const auto before = out.size();
  out.resize_and_overwrite(before + most + Room::step, [&](char* begin, std::size_t size) {
    Room room(begin + before, begin + size);
    write(room);
    return static_cast<std::size_t>(room.mark() - begin);
  });
}

}  // namespace weir
