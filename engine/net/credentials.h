#pragma once
/// Who may ask: bearer tokens (RFC 6750) and users with passwords (RFC 7617), compared so that the time it takes tells
/// nothing.
///
/// What a client sends behind the scheme is hashed (SHA-256) and compared with the hash of every secret, byte for byte
/// and to the end of the list. Of a user that is the encoded text of name and password, so nothing is decoded, and an
/// unknown name is like a wrong password. The name of the scheme is taken in any case; two Authorization fields are
/// none. Nothing is remembered of a connection: a secret that was taken away lets nobody in from the next request on.
///
/// A peer that has sent too many wrong ones is refused unheard for a while (flow/admit/guess_limit.h); who sends none
/// is told 401 as often as he asks. Peers are told apart by address, of IPv6 by its first 64 bits.
///
/// Copies share what they know: `replace` is for all of them, and so are the wrong ones.
///
/// Thread: any. Cost: about 0.5 us a request; nothing when nobody is asked. Memory: `footprint`.
#include <weir/async/client_key.h>
#include <weir/base/result.h>
#include <weir/component/auth_options.h>
#include <weir/flow/admit/guess_limit.h>

#include <functional>
#include <memory>
#include <string_view>

#include "net/http.h"

namespace weir::net {

class Credentials {
 public:
  struct Guessing {
    flow::GuessLimitConfig limit{};
    KeyHash secret{};                                    ///< of the process, for the addresses
    std::function<void(const std::string&)> on_refused;  ///< told of each peer that has used its guesses up, by address
  };
  /// `check_auth` has found nothing wrong with them. Both lists empty: everybody is let in.
  explicit Credentials(const Logins& logins, Guessing guessing);
  explicit Credentials(const Logins& logins = {});
  /// For the log: "10 wrong tokens or passwords came from 10.0.0.7 ...".
  static std::string sentence_on(const std::string& peer);
  static Bytes footprint() { return flow::GuessLimit::footprint({}); }
  /// Of the same kinds as before.
  void replace(const Logins& logins) const;
  bool needed() const { return shared_ != nullptr; }  ///< false: everybody is let in
  /// Rejection: unauthorized, or too_many_guesses with a time.
  Admitted<void> let_in(const Head& head, const async::Caller& who, TimePoint now) const;
  Admitted<void> let_in(const Exchange& exchange, TimePoint now) const;
  /// For the answer 401: whole header lines, valid for ever.
  std::string_view challenge() const;

 private:
  struct Known;
  struct Shared;
  std::shared_ptr<const Known> known() const;
  std::shared_ptr<Shared> shared_;  // null: nobody is asked
};

}  // namespace weir::net
