#pragma once
/// One reactor's part of a tcp source: reads its connections in turn and gives their events to the flow.
///
/// Everything is read through one chunk of this reactor: the bytes of one read of one connection, taken apart into
/// events. As long as the flow has not taken all of them, nothing else is read; sockets that are not read fill their
/// kernel buffers, and TCP's window of 0 is all a sender is ever told (semantics F3).
///
///   turn     each connection that has something is read once, at most a quantum of bytes, and goes to the end of the
///            line: where the flow is the bottleneck every sender moves the same number of bytes. The quantum
///            keeps a whole round at 256 KiB, between 4 and 32 KiB, so no connection waits long
///   memory   events are charged to the budget before they are given; an unfinished frame stays with its connection up
///            to `rest_capacity`, and above that in the one place this reactor has for a large frame. While that is
///            taken, others are looked at before they are read, and read only as far as their frames are whole; one
///            whose frame is large waits unread, the oldest first (semantics C2)
///   kernel   a connection's receive buffer grows while its sender fills it and may shrink when it rests
///            (net/receive_buffers.h)
///
/// Thread: its reactor; `quiet` any. Cost: a recv and an epoll_ctl for each burst of a sender, one copy of each event.
/// On cancel: `stop` reads nothing more and closes every connection; what is on the chunk still goes into the flow.
#include <weir/async/reactor_task.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "connection.h"
#include "net/accept_limit.h"
#include "net/receive_buffers.h"

namespace weir::tcp {

inline constexpr std::size_t most_quantum = 32 << 10;
inline constexpr std::size_t rest_capacity = 4 << 10;
inline constexpr Bytes least_receive_buffer = 32_KiB;  // of every connection: holds what one turn of it reads among ten

struct TcpOptions {
  std::string name;  ///< of the source, for the log
  std::string listen;
  Framing framing = Framing::newline;
  Bytes max_event = 256_KiB;
  std::uint64_t max_connections = 1024;
  Duration idle_timeout = std::chrono::minutes(5);
  Duration frame_timeout = std::chrono::seconds(30);
  Bytes receive_buffer = 256_KiB;  ///< SO_RCVBUF, which it may grow to; the kernel doubles it
  Bytes receive_memory = 16_MiB;   ///< for what receive buffers have grown by, of all connections
  PriorityRule priorities;
  std::optional<net::TlsContext> tls;
};

/// What the reactors of one source share.
struct Shared {
  explicit Shared(const TcpOptions& o) : receive_buffers(least_receive_buffer, o.receive_buffer, o.receive_memory) {}
  std::atomic<std::uint64_t> connections{0};
  net::AcceptLimit accepting;
  net::AcceptLimit full;  ///< max_connections
  net::ReceiveBuffers receive_buffers;
};

class TcpIntake final : public Intake {
 public:
  TcpIntake(const IntakeSetup& setup, const TcpOptions& options, std::shared_ptr<Shared> shared);
  ~TcpIntake() override;

  void start() override;
  void stop(Duration retry_after) override;
  void abandon() override;
  bool quiet() const override { return quiet_.load(std::memory_order_acquire); }
  const std::string& address() const { return address_; }  ///< with its real port
  void sweep();                                            ///< deadlines; runs by itself every 200 ms

 private:
  using Peer = std::shared_ptr<Connection>;

  // intake.cc: who is read, and when
  void accept();
  void told_of(const boost::system::error_code& error);
  void welcome(boost::asio::ip::tcp::socket socket);
  void arm(const Peer& peer, boost::asio::ip::tcp::socket::wait_type what);
  void on_event(const Peer& peer);
  void shake_hands(const Peer& peer);
  void turn();
  bool may_read() const;
  void dismiss(const Peer& peer, Reason why);
  void update_quiet();

  // chunk.cc: what is read, and where it goes
  void read(const Peer& peer);
  std::size_t quantum() const;
  Connection::Moved fill(const Peer& peer, char* into, std::size_t kept);
  void lay_out(const Peer& peer, std::size_t bytes, Connection::State state);
  bool give();
  bool give_one();
  bool give_block();
  void clear_chunk();
  void keep_rest(const Peer& peer, std::string_view rest);
  void free_large();
  bool is_unfinished(const Connection& c) const;
  Priority priority_of(std::string_view event);
  bool may_give(Priority priority) const { return !output_.paused(priority) && output_.ready(priority); }
  bool reserve(Bytes amount);

  struct Chunk {
    Peer peer;  // null: the chunk is empty
    char* base = nullptr;
    std::size_t size = 0, next = 0;
    Frames frames;
    Ticket ticket;
    bool small = false, last = false;
  };
  struct Large {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
    Peer owner;
    std::deque<Peer> line;
  };

  TcpOptions options_;
  std::shared_ptr<Shared> shared_;
  SourceOutput& output_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::string address_;
  Priority gate_;
  std::optional<FieldReader> priority_reader_;
  std::list<Peer> connections_;
  std::deque<Peer> ready_;
  std::unique_ptr<char[]> buffer_;
  Chunk chunk_;
  Large large_;
  Frames probe_;
  TimePoint last_sweep_{};
  bool stopped_ = false, accept_stuck_ = false;
  std::atomic<bool> quiet_{false};
  async::ReactorTask turns_, sweeps_;
};

/// What connections and reactors hold at most, kernel buffers included.
std::vector<Footprint> footprint(const TcpOptions& options, int reactors, bool with_tls);

}  // namespace weir::tcp
