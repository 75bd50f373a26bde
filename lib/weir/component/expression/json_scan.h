#pragma once
/// Skips over the pieces of one JSON event, 16 bytes at a time.
///
///   past_space(p)            the first byte that is no white space
///   string_end(p, end, e)    behind the opening quote: the closing one; e: there was a backslash
///   value_end(p, end)        on the first byte of a value: behind its last
///
/// What is skipped is not validated further than this: quotes close, brackets balance (of either kind, as what is
/// inside is read by nobody), no control character stands in a string or a plain value, and no backslash outside
/// strings. nullptr: that is not so.
///
/// `block_padding` bytes behind `end` may be read; past_space needs something other than white space before `end`.
///
/// Thread: pure functions. Cost: about 1 ns for each 16 bytes of a string or of what is nested, and 2 ns for each
/// piece. Ref: RFC 8259; Langdale, Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28, 2019 (comparing
/// many bytes at once; their index of all tokens costs more than an event of 200 bytes can save by it).
#include <array>
#include <bit>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::scan {

/// Bit i: byte i of 16 is what is looked for.
using Mask = std::uint32_t;

#ifdef __SSE2__
inline __m128i sixteen(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline __m128i equal(__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }
inline Mask mask(__m128i found) { return static_cast<Mask>(_mm_movemask_epi8(found)); }

/// A quote, a backslash, a control character.
inline Mask string_stops(const char* p) {
  const auto bytes = sixteen(p);
  const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  return mask(_mm_or_si128(_mm_or_si128(equal(bytes, '"'), equal(bytes, '\\')), control));
}
/// A quote, a bracket, a backslash; [ and { differ in one bit, as ] and } do.
inline Mask nested_stops(const char* p) {
  const auto bytes = sixteen(p), folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  const auto brackets = _mm_or_si128(equal(folded, '{'), equal(folded, '}'));
  return mask(_mm_or_si128(brackets, _mm_or_si128(equal(bytes, '"'), equal(bytes, '\\'))));
}
#else
template <typename Stops>
Mask collect(const char* p, Stops stops) {
  Mask found = 0;
  for (unsigned i = 0; i < 16; ++i) found |= Mask{stops(p[i])} << i;
  return found;
}
inline Mask string_stops(const char* p) {
  return collect(p, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}
inline Mask nested_stops(const char* p) {
  return collect(p, [](char c) { return c == '"' || c == '\\' || (c | 0x20) == '{' || (c | 0x20) == '}'; });
}
#endif

constexpr bool space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

inline const char* past_space(const char* p) {
  while (static_cast<unsigned char>(*p) <= ' ' && space(*p)) ++p;
  return p;
}

inline const char* string_end(const char* p, const char* end, bool& escaped) {
  do {
    const Mask stops = string_stops(p);
    if (stops == 0) {
      p += 16;
      continue;
    }
    p += std::countr_zero(stops);
    if (*p == '"') return p < end ? p : nullptr;
    if (*p != '\\') return nullptr;
    escaped = true;
    p += static_cast<unsigned char>(p[1]) < 0x20 ? 1 : 2;
  } while (p < end);
  return nullptr;
}

inline const char* past_string(const char* quote, const char* end) {
  bool escaped = false;
  const char* close = string_end(quote + 1, end, escaped);
  return close ? close + 1 : nullptr;
}

inline const char* past_nested(const char* p, const char* end) {
  std::uint32_t depth = 0;
  while (p < end) {
    switch (*p) {
      case '"':
        p = past_string(p, end);
        if (!p) return nullptr;
        break;
      case '{':
      case '[':
        ++depth;
        ++p;
        break;
      case '}':
      case ']':
        ++p;
        if (--depth == 0) return p;
        break;
      case ',':
      case ':': ++p; break;
      case '\\': return nullptr;
      default: {
        const Mask stops = nested_stops(p);
        p += stops == 0 ? 16 : std::countr_zero(stops);
      }
    }
  }
  return nullptr;
}

/// What ends a number, true, false or null.
constexpr bool ends_plain(char c) { return space(c) || c == ',' || c == ':' || (c | 0x20) == '{' || (c | 0x20) == '}'; }
/// What ends one or cannot stand in it.
inline constexpr auto stops_plain = [] {
  std::array<bool, 256> stops{};
  for (int c = 0; c < 256; ++c) stops[c] = c < 0x20 || c == '"' || c == '\\' || ends_plain(static_cast<char>(c));
  return stops;
}();

inline const char* value_end(const char* p, const char* end) {
  switch (*p) {
    case '"': return past_string(p, end);
    case '{':
    case '[': return past_nested(p, end);
    default:
      const char* start = p;
      while (p < end && !stops_plain[static_cast<unsigned char>(*p)]) ++p;
      return p != start && ends_plain(*p) ? p : nullptr;
  }
}

}  // namespace weir::scan
