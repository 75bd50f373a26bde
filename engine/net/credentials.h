#pragma once
/// Who may ask: bearer tokens (RFC 6750) and users with passwords (RFC 7617), compared so that the time it takes tells
/// nothing.
///
/// What a client sends behind the scheme is hashed (SHA-256) and compared with the hash of every secret, byte for byte
/// and to the end of the list. Of a user that is the encoded text of name and password, so nothing is decoded, and an
/// unknown name is like a wrong password. The name of the scheme is taken in any case; two Authorization fields are
/// none. Nothing is remembered of a connection: a secret that was taken away lets nobody in from the next request on.
///
/// Copies share what they know: `replace` is for all of them.
///
/// Thread: any. Cost: about 0.5 us a request; nothing when nobody is asked.
#include <weir/component/auth_options.h>

#include <memory>
#include <string_view>

#include "net/http.h"

namespace weir::net {

class Credentials {
 public:
  /// `check_auth` has found nothing wrong with them. Both lists empty: everybody is let in.
  explicit Credentials(const Logins& logins = {});
  /// Of the same kinds as before.
  void replace(const Logins& logins) const;
  bool let_in(const Head& head) const;
  /// For the answer 401: whole header lines, valid for ever.
  std::string_view challenge() const;

 private:
  struct Known;
  struct Shared;
  std::shared_ptr<const Known> known() const;
  std::shared_ptr<Shared> shared_;  // null: nobody is asked
};

}  // namespace weir::net
