#include "ask.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/http_client.h"

namespace weir::app {

bool ask(const std::string& admin, const std::string& path, Answer& answer) {
  const auto reply = net::http_get(admin, path, std::chrono::seconds(5));
  if (!reply) {
    fmt::print(stderr, "weir: no running weir answers at {} ({}); is it running, and is that its admin.listen?\n",
               admin, reply.error().message);
    return false;
  }
  if (answer.parser.parse(*reply).get(answer.json)) {
    fmt::print(stderr, "weir: {} did not answer as weir does; --admin names another server\n", admin);
    return false;
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f || c == 0x9b; }, '?');
  return out;
}

}  // namespace weir::app
