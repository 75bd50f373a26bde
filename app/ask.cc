#include "ask.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <cstdlib>

#include "config/load.h"
#include "net/http_client.h"

namespace weir::app {

std::optional<std::string> find_token(const std::string& file, const char* variable) {
  std::string token;
  if (file.empty()) {
    const char* value = std::getenv(variable);
    token = value ? value : "";
  } else {
    auto read = config::system_load_options().read_file(file);
    if (read) token = std::move(*read);
    if (token.ends_with('\n')) token.pop_back();
    if (token.ends_with('\r')) token.pop_back();
    if (token.empty()) {
      fmt::print(stderr, "weir: --token-file: {}\n", terminal_text(read ? file + " is empty" : read.error().message));
      return std::nullopt;
    }
  }
  if (std::ranges::all_of(token, [](char c) { return c > ' ' && c < 127; })) return token;
  fmt::print(stderr, "weir: the token in {} holds a blank or a line feed\n",
             terminal_text(file.empty() ? variable : file));
  return std::nullopt;
}

bool AdminPeer::find_token() {
  auto found = app::find_token(token_file, "WEIR_ADMIN_TOKEN");
  if (found) token = std::move(*found);
  return found.has_value();
}

void say_unknown(const AdminPeer& admin) {
  fmt::print(stderr, "weir: {} lets in only those it knows{}: give it a token with --token-file or WEIR_ADMIN_TOKEN\n",
             terminal_text(admin.address), admin.token.empty() ? "" : ", and this token is none of them");
}

bool ask(const AdminPeer& admin, const std::string& path, Answer& answer) {
  const auto reply = net::http_get(admin.address, path, std::chrono::seconds(5), admin.token);
  if (!reply && reply.error().kind == Error::Kind::unsupported) {
    say_unknown(admin);
    return false;
  }
  if (!reply) {
    fmt::print(stderr, "weir: no running weir answers at {} ({}); is it running, and is that its admin.listen?\n",
               terminal_text(admin.address), terminal_text(reply.error().message));
    return false;
  }
  if (answer.parser.parse(*reply).get(answer.json)) {
    fmt::print(stderr, "weir: {} did not answer as weir does; --admin names another server\n",
               terminal_text(admin.address));
    return false;
  }
  return true;
}

}  // namespace weir::app
