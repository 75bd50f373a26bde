#pragma once
/// The bytes of an HTTP/1.1 answer's head. Status lines are prebuilt; there is no Date (optional for a server without a
/// cache in front of it, and it would cost a formatted clock read).
///
/// Thread: pure. Cost: about 40 ns into a string that has room.
#include "net/http.h"

#include <string>
#include <string_view>

namespace weir::net {

enum class Framing : std::uint8_t { length, chunked, until_close };

struct HeadOfAnswer {
  int status = 200;
  std::string_view content_type{};
  Framing framing = Framing::length;
  std::size_t length = 0;
  bool keep_alive = true;
  unsigned version = 11;  ///< of the request: HTTP/1.0 must be told when the connection stays
  std::optional<Duration> retry_after{};
  std::string_view extra_headers{};
};

void append_head(std::string& out, const HeadOfAnswer& head);

/// Whether an answer of this status has a body at all (not 1xx, 204, 304).
bool may_have_body(int status);

}  // namespace weir::net
