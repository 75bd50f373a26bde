#pragma once
/// Where a replay sends events, and what the answers mean.
///
///   2xx                        taken; the fates it names are counted
///   429, 503, 408, 5xx         again, after its Retry-After, or after 0.1 s, 0.2 s, ... 5 s
///   400, 413, 422, other 4xx   some of them are the reason: the lines it names are refused, or the batch is halved
///                              until it is known which
///   401, 403, 404, 405, ...    about the request, as redirects are: the replay ends, and no event is refused for it
///
/// Thread: pure functions. Ref: RFC 9110 section 15.
#include <weir/base/result.h>

#include <map>
#include <string>
#include <vector>

#include "http_url.h"
#include "net/http_reply.h"

namespace weir::app {

Result<HttpUrl> parse_replay_url(std::string_view text);

struct ReplayAnswer {
  enum class Kind : std::uint8_t { taken, again, refused, stop };
  Kind kind = Kind::taken;
  std::string why;                               ///< not of taken
  Duration retry_after{0};                       ///< again; 0: it named none
  bool all = false;                              ///< refused: none of them will be taken
  std::map<std::uint64_t, std::string> lines{};  ///< refused: of the body, from 1, and why
  std::map<std::string, std::uint64_t> fates{};  ///< taken
};
/// Of a body with so many events.
ReplayAnswer judge_replay(const net::HttpAnswer& answer, std::uint64_t events);

}  // namespace weir::app
