#pragma once
/// Sends HTTP GETs when they are due, each on a keep-alive connection that nothing else is on, and tells what became of
/// them. A client that has waited until its deadline leaves: its connection is closed.
///
///   send      on an idle connection (the one used last) or a new one; false: `most` are open, and nothing was sent
///   wait      until something happens, or the time has come; ended attempts are told to the owner
///   leave     this one waits no longer
///
/// Thread: one. Cost: two system calls an attempt on a kept connection, and a share of an epoll_wait.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace weir::bench {

class OpenClients {
 public:
  struct Answer {
    int status = 0;                 ///< 0: the connection broke
    std::uint32_t retry_after = 0;  ///< seconds
  };
  using OnAnswer = std::function<void(std::uint32_t attempt, const Answer& answer)>;

  OpenClients(std::uint16_t port, std::size_t most, OnAnswer on_answer);
  ~OpenClients();
  OpenClients(const OpenClients&) = delete;
  OpenClients& operator=(const OpenClients&) = delete;

  /// `attempt` is the owner's name for it; `request` must stay.
  bool send(std::uint32_t attempt, std::string_view request);
  void leave(std::uint32_t attempt);
  void wait(std::uint64_t until_ns);
  std::size_t under_way() const { return open_ - idle_.size(); }
  std::uint64_t opened() const { return opened_; }

 private:
  static constexpr std::uint32_t nobody = ~0u;
  struct Connection {
    int fd = -1;
    std::uint32_t attempt = nobody, number = 0;
    std::string_view request;
    std::size_t sent = 0, skip = 0;  // skip: of a body that is still to come
    std::string in;
    Answer answer;
    bool close_after = false, connecting = false;
  };
  Connection* open();
  void close(Connection& c);
  void send_more(Connection& c);
  void receive(Connection& c, bool closing);
  void parse(Connection& c);
  void end(Connection& c, const Answer& answer);

  const std::uint16_t port_;
  const std::size_t most_;
  const OnAnswer on_answer_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> all_;
  std::vector<std::uint32_t> idle_, closed_;  // numbers
  std::vector<std::uint32_t> of_attempt_;     // numbers, by attempt
  std::size_t open_ = 0;
  std::uint64_t opened_ = 0;
};

}  // namespace weir::bench
