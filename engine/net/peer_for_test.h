#pragma once
/// For tests: a server on loopback that does to each of its connections exactly what a script says, byte for byte, and
/// one that answers each request as it is told.
///
/// Thread: one for each connection, which runs the script. Bound: as in client_for_test.h.
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/client_for_test.h"

namespace weir::net {

/// One connection, as the script sees it.
class PeerConnection : public TestSocket {
 public:
  using TestSocket::TestSocket;
  bool answer(std::string_view body, std::string_view fields = {});
  /// It ends with a reset, when the script returns.
  void reset() { end_with_reset(); }
};

class TestPeer {
 public:
  /// `number`: of the connection, from 1. It is closed when the script returns.
  using Script = std::function<void(PeerConnection&, int number)>;

  explicit TestPeer(Script script);
  TestPeer(const TestPeer&) = delete;
  TestPeer& operator=(const TestPeer&) = delete;
  ~TestPeer();
  int connections() const { return count_; }
  /// Of them, how many the script has let go of.
  int closed() const { return closed_; }

  std::string address;

 private:
  struct One {
    int fd;
    std::thread thread;
  };
  void accept();
  void serve(One& one, int number);

  Script script_;
  int listener_;
  std::atomic<int> count_{0}, closed_{0};
  std::mutex mutex_;
  std::list<One> connections_;
  std::thread acceptor_;
};

class ScriptedServer {
 public:
  struct Request {
    int connection;  ///< from 1
    int number;      ///< from 1, over all connections
    std::string head, body;
  };
  struct Reply {
    std::string bytes;
    bool close = false;
  };
  using Script = std::function<Reply(const Request&)>;

  static Reply answer(int status, const std::string& body = "", const std::string& fields = "", bool close = false);

  explicit ScriptedServer(Script script);
  std::vector<Request> requests() const;
  int connections() const { return peer_.connections(); }

 private:
  bool exchange(PeerConnection& connection, int number);

  Script script_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  TestPeer peer_;  // the last member: its threads use the others

 public:
  const std::string address;
};

}  // namespace weir::net
