#pragma once
/// For tests: one end of a connection on loopback that says exactly which bytes, and the client among them; the server
/// is in peer_for_test.h.
///
/// Thread: one owner. Cost: blocking system calls. Bound: each wait ends after `longest_wait`, and a client's fails its
/// test.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::net {

class TestSocket {
 public:
  static constexpr std::chrono::seconds longest_wait{60};

  explicit TestSocket(int fd);
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;
  virtual ~TestSocket() = default;

  /// False: the other side takes no more.
  bool send(std::string_view bytes);
  /// As much as the connection takes now; for another side that does not read.
  std::size_t send_now(std::string_view bytes);
  /// Up to and with `end`; "" when the other side closed before.
  std::string read_to(std::string_view end);
  std::string head() { return read_to("\r\n\r\n"); }
  /// So many, or as many as came before the other side closed.
  std::string bytes(std::size_t n);
  /// Everything until the other side closes; "RESET" at the end when it did so rudely.
  std::string rest();
  /// How many came until the other side closed; of what is too large to keep.
  std::size_t count_to_the_end();
  /// Without waiting: whether the other side has closed or reset, and nothing of it is left to read.
  bool is_closed() const;
  void half_close();
  void forget() { std::string().swap(input_); }
  int fd() const { return fd_; }

 protected:
  /// Waits for what comes next; false: it closed, or the wait was too long.
  bool more();
  std::string take(std::size_t n);
  virtual void on_nothing() {}
  /// Closed, it ends with a reset.
  void end_with_reset();

  int fd_;
  bool was_reset_ = false;
  std::string input_;
};

class TestClient : public TestSocket {
 public:
  struct Options {
    int receive_buffer = 0, send_buffer = 0;  ///< 0: the system's
    int socket = -1;                          ///< one made earlier, when there were descriptors left
    bool may_be_refused = false;              ///< `connected` says it; else it is a failure of the test
  };
  /// `address`: anything that ends with ":PORT".
  explicit TestClient(const std::string& address) : TestClient(address, Options{}) {}
  TestClient(const std::string& address, Options options);
  template <typename Server>
    requires requires(const Server& server) { server.address.size(); }
  explicit TestClient(const Server& server) : TestClient(server.address, Options{}) {}
  template <typename Server>
    requires requires(const Server& server) { server.address.size(); }
  TestClient(const Server& server, Options options) : TestClient(server.address, options) {}
  ~TestClient() override { close(); }

  /// One answer, head and body by its Content-Length (or only the head, without one).
  std::string answer(bool bodyless = false);
  /// Whatever comes next; "" when the server closed.
  std::string some();
  bool closed() { return rest().empty(); }
  void close();
  void reset() {
    end_with_reset();
    close();
  }

  bool connected = false;

 private:
  void on_nothing() override;
};

}  // namespace weir::net
