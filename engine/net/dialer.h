#pragma once
/// Opens connections to a name: http and tcp sinks, replay and the commands all dial through this.
///
/// A name may stand for several addresses, of which some do not answer. They are tried in the resolver's order with the
/// two families by turns; the next one begins 250 ms after the last one, or at once when that has failed. All go on
/// side by side, and the first that is connected stays (RFC 8305 sections 4 and 5).
///
/// An address may be connected to and be of no use: it never answers, or its handshake fails. Who finds that says so
/// (`let_down`), and from then on that address is tried last, until something has worked there (`worked`).
///
/// A name is looked up again for each connection, by a thread of its own, so that a resolver that hangs holds nobody up
/// for longer than the time-out given. While it has no answer, the addresses known before are tried. For a connection
/// that is kept, `moved` looks the name up every 20 s in the background and says when its address is no longer among
/// the answers: so a changed answer is used within 30 s of steady work. An address in numbers is never looked up.
///
/// Thread: one owner; `dial` blocks it for at most `timeout`. Cost: one short-lived thread a look-up, at most one at a
/// time; at most 16 addresses are tried. On cancel: ends within 0.1 s; the thread of a look-up ends by itself.
#include <weir/base/context.h>
#include <weir/base/result.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"

namespace weir::net {

class Dialer {
 public:
  using LookUp = std::function<Result<std::vector<Endpoint>>(const std::string&)>;

  Dialer(std::string address, const Context& context, LookUp look_up = resolve_all);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  ~Dialer();

  struct Options {
    Duration timeout = std::chrono::seconds(5);
    std::function<void(int)> prepare{};  ///< sets options on each socket before it connects
    const std::atomic<bool>* cancelled = nullptr;
  };
  /// A connected socket, non-blocking, which the caller owns. The error says "ADDRESS: cannot connect: ...".
  Result<int> dial(const Options& options);

  /// What the connection of the last `dial` came to.
  void let_down();
  void worked();

  /// Whether the name no longer stands for the address that was connected to last. Never waits.
  bool moved();

 private:
  struct Question;  // shared with the thread that looks the name up
  class Race;
  void ask();
  void take_answer();
  std::vector<Endpoint> in_turn() const;
  Result<void> find_addresses(TimePoint deadline, const Options& options);
  std::unexpected<Error> wrong(const std::string& what) const;

  const std::string address_;
  const Context& context_;
  const LookUp look_up_;
  bool literal_ = false;
  std::shared_ptr<Question> question_;
  std::vector<Endpoint> known_;
  Error last_error_{};
  std::optional<Endpoint> connected_;
  std::vector<Endpoint> let_down_;  // the last one behind the others; at most most_addresses
  TimePoint asked_{};
};

}  // namespace weir::net
