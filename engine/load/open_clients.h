#pragma once
/// Sends HTTP/1.1 requests when they are told to, each on a keep-alive connection that nothing else is on, and tells
/// what became of them. A client that waits no longer leaves: its connection is closed.
///
///   send      on an idle connection (the one used last) or a new one
///   wait      until something happens, or the time has come; ended attempts are told to the owner
///   leave     this one waits no longer, and nothing is told of it
///
/// A kept connection that the server closes just when it gets its next request ends that attempt as `closed`: a client
/// that asked again by itself would hide it.
///
/// Its own epoll and no coroutines: a generator has to be cheaper than what it measures.
///
/// Thread: one. Cost: two system calls an attempt on a kept connection, and a share of an epoll_wait. Bound: `most`
/// connections. On cancel: the destructor closes all of them.
#include <weir/base/context.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/attempt.h"
#include "net/address.h"
#include "net/answer_parser.h"

namespace weir::load {

class OpenClients {
 public:
  using OnOutcome = std::function<void(std::uint32_t attempt, const Outcome& outcome)>;

  OpenClients(std::vector<net::Endpoint> targets, std::size_t most, const Context& context, OnOutcome on_outcome);
  ~OpenClients();
  OpenClients(const OpenClients&) = delete;
  OpenClients& operator=(const OpenClients&) = delete;

  /// `attempt` is the owner's name for it; `request` must stay. Anything but `answered`: it was not sent, and nothing
  /// more is told of it.
  Outcome::End send(std::uint32_t attempt, std::size_t target, std::string_view request);
  void leave(std::uint32_t attempt);
  void wait(TimePoint until);
  std::uint64_t opened() const { return opened_; }

 private:
  static constexpr std::uint32_t nobody = ~0u;
  static constexpr std::size_t max_head = 16 << 10;
  struct Connection {
    int fd = -1;
    std::uint32_t attempt = nobody, number = 0;
    std::size_t target = 0;
    std::string_view request;
    std::size_t sent = 0;
    std::string in;
    net::AnswerParser parser{Bytes(max_head)};
    std::string reason;
    Outcome outcome;
    bool connecting = false, head_done = false, close_after = false;
  };
  Connection* open(std::size_t target, Outcome::End& why_not);
  Connection* take(std::size_t target, Outcome::End& why_not);
  void close(Connection& c);
  void send_more(Connection& c);
  void receive(Connection& c, bool closing);
  void at_end(Connection& c);
  bool parse(Connection& c);
  bool parse_head(Connection& c);
  void read_fields(Connection& c, const net::AnswerHead& head);
  void end(Connection& c, Outcome::End how);

  const std::vector<net::Endpoint> targets_;
  const std::size_t most_;
  const Context& context_;
  const OnOutcome on_outcome_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<std::vector<std::uint32_t>> idle_;  // numbers, by target
  std::vector<std::uint32_t> closed_;             // numbers
  std::vector<std::uint32_t> of_attempt_;         // numbers, by attempt
  std::size_t open_ = 0;
  std::uint64_t opened_ = 0;
};

}  // namespace weir::load
