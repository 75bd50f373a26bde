#include "gateway/request_id.h"

#include <algorithm>
#include <array>

namespace weir::gateway {
namespace {

constexpr std::size_t longest_id = 128;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

constexpr std::size_t digits = 16;  // of 64 bits

void write_hex(char* out, std::uint64_t number) {
  for (std::size_t i = digits; i-- > 0; number >>= 4) out[i] = "0123456789abcdef"[number & 15];
}

}  // namespace

std::string request_id(std::string_view said, Rng rng) {
  const bool plain = !said.empty() && said.size() <= longest_id && std::ranges::all_of(said, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:+/=").contains(c);
  });
  if (plain) return std::string(said);
  std::array<char, 2 * digits> id;
  write_hex(id.data(), rng.next());
  write_hex(id.data() + digits, rng.next());
  return {id.data(), id.size()};
}

std::string_view trace_id(std::string_view traceparent) {
  // 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  const std::string_view id = traceparent.substr(3, 32);
  return is_hex(id) && id.find_first_not_of('0') != id.npos ? id : std::string_view();
}

}  // namespace weir::gateway
