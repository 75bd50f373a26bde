#include "ask.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <cstdlib>

#include "config/load.h"

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

bool AdminPeer::prepare() {
  auto found = find_token(token_file, "WEIR_ADMIN_TOKEN");
  if (found) token = std::move(*found);
  return found && find_tls();
}

bool AdminPeer::find_tls() {
  const bool https = address.starts_with("https://"), http = address.starts_with("http://");
  const bool files = !ca.empty() || !certificate.empty() || !key.empty();
  if (https || http) address.erase(0, address.find("//") + 2);
  while (address.ends_with('/')) address.pop_back();
  if (!https && !files) return true;
  if (http || certificate.empty() != key.empty()) {
    fmt::print(stderr, "weir: {}\n",
               http ? "--admin http://... speaks no TLS: write https:// or leave --ca, --cert and --key out"
                    : "--cert and --key belong together: give both, or none");
    return false;
  }
  auto context = net::TlsContext::client(ca, {certificate, key});
  if (context)
    tls = std::move(*context);
  else
    fmt::print(stderr, "weir: {}\n", terminal_text(context.error().message));
  return tls.has_value();
}

Result<net::HttpReply> AdminPeer::request(const std::string& path, Duration timeout) const {
  return net::http_request("GET", address, path, {}, timeout, token, tls ? &*tls : nullptr);
}

Result<std::string> AdminPeer::get(const std::string& path, Duration timeout) const {
  return net::http_get(address, path, timeout, token, tls ? &*tls : nullptr);
}

void say_unknown(const AdminPeer& admin) {
  fmt::print(stderr, "weir: {} lets in only those it knows{}: give it a token with --token-file or WEIR_ADMIN_TOKEN\n",
             terminal_text(admin.address), admin.token.empty() ? "" : ", and this token is none of them");
}

bool ask(const AdminPeer& admin, const std::string& path, Answer& answer) {
  const auto reply = admin.get(path, std::chrono::seconds(5));
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
