#pragma once
/// Asking a running weir at its admin address. A listener that asks for a token gets the one of `--token-file`, or else
/// of the variable WEIR_ADMIN_TOKEN; it is never printed. One that speaks TLS is asked as https://HOST:PORT.
#include <weir/base/result.h>
#include <weir/base/units.h>

#include <simdjson.h>

#include <optional>
#include <string>

#include "net/http_client.h"

namespace weir::app {

/// From the file, or without one from the environment's variable, which may be empty. Nothing, and the error on
/// standard error, when the file has no token, or it is none that can be sent.
std::optional<std::string> find_token(const std::string& file, const char* variable);

struct AdminPeer {
  std::string address = "127.0.0.1:9600", token_file{};
  std::string ca{}, certificate{}, key{};  ///< files; any of them, or https:// before the address: it speaks TLS
  std::string token{};                     ///< empty: none
  std::optional<net::TlsContext> tls{};

  /// Finds the token and reads the files. False: it cannot, and has said why on standard error.
  bool prepare();
  /// See net/http_client.h.
  Result<net::HttpReply> request(const std::string& path, Duration timeout) const;
  Result<std::string> get(const std::string& path, Duration timeout) const;

 private:
  bool find_tls();
};

struct Answer {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
};

/// What to do about an answer 401, on standard error.
void say_unknown(const AdminPeer& admin);

/// Fills `answer`; without an answer it writes the error to standard error.
bool ask(const AdminPeer& admin, const std::string& path, Answer& answer);

}  // namespace weir::app
