#include "ask.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include "net/http_client.h"

namespace weir::app {

bool ask(const std::string& admin, const std::string& path, Answer& answer) {
  const auto reply = net::http_get(admin, path, std::chrono::seconds(5));
  if (!reply) {
    fmt::print(stderr, "weir: no running weir answers at {} ({}); is it running, and is that its admin.listen?\n",
               terminal_text(admin), terminal_text(reply.error().message));
    return false;
  }
  if (answer.parser.parse(*reply).get(answer.json)) {
    fmt::print(stderr, "weir: {} did not answer as weir does; --admin names another server\n", terminal_text(admin));
    return false;
  }
  return true;
}

}  // namespace weir::app
