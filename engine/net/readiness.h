#pragma once
/// When a socket can be read and written again: one epoll for all sockets of an io_context, edge by edge.
///
/// A wait of Asio costs a system call (epoll_ctl), and a read of Asio tries first and finds nothing. Here a socket is
/// registered once, what an event says is remembered, and reading and writing is tried only after one: of seven system
/// calls a proxied request needs, four are left. A read that brings less than was asked for has emptied the socket; an
/// end behind it is an event of its own (EPOLLRDHUP). Not where the other side has sent urgent data (EPOLLPRI): a read
/// ends at its mark too, whatever has come behind it.
///
///   event -> ready -> `receive` finds nothing more: `not_ready` -> wait -> event ...
///
/// The epoll lies in Asio's own while somebody waits, so `run` returns when nobody does.
///
/// Thread: the one that runs the io_context. Cost: two system calls for all events that have come together; a wait
/// allocates a coroutine frame. On cancel: `interrupt`, or the coroutine's cancellation slot: the wait ends with false.
/// When the io_context is destroyed, so are the coroutines that wait.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <vector>

namespace weir::net {

class ReadyLine;

/// One direction of a socket.
class Direction {
 public:
  bool is_ready() const { return ready_; }
  void not_ready() { ready_ = ended_; }
  /// A read may end before the socket is empty: only one that finds nothing has emptied it.
  bool has_marks() const { return marks_; }

 private:
  friend class Watch;
  friend class ReadyLine;
  using Waiter = boost::asio::async_result<boost::asio::use_awaitable_t<>, void(bool)>::handler_type;
  std::vector<Waiter> waiters_;  // one, as a rule
  bool ready_ = true;            // until it was tried
  bool ended_ = false;           // nothing has to be waited for any more
  bool marks_ = false;           // of urgent data; they stay possible
};

/// A socket, from when it is connected until it is closed.
class Watch : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Watch(const boost::asio::any_io_executor& executor, int socket);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// False: the kernel watches no more sockets, and this one has to be closed.
  bool is_watched() const { return watched_; }
  Direction& in() { return in_; }
  Direction& out() { return out_; }
  /// True: it is ready, perhaps; false: it was interrupted. Others get their turn meanwhile, even if it is ready now.
  boost::asio::awaitable<bool> wait(Direction& direction, bool ready_anyway = false);
  /// While nobody waits, events are not looked at: `in` is tried again. Where this is called on behalf of an event,
  /// what came before that one is known; what came since then is tried only if it has to be known `surely`.
  void look_anew(bool surely);
  /// Whoever waits waits no longer.
  void interrupt();

 private:
  friend class ReadyLine;
  void happened(std::uint32_t events);
  void end_waits(Direction& direction);

  ReadyLine& line_;
  Direction in_, out_;
  bool watched_;
};

/// Of one io_context. Servers and pools ask for it when they are made, while there are descriptors.
class ReadyLine : public boost::asio::execution_context::service {
 public:
  using key_type = ReadyLine;
  static boost::asio::execution_context::id id;
  explicit ReadyLine(boost::asio::io_context& io);
  ~ReadyLine() override;
  static ReadyLine& of(const boost::asio::any_io_executor& executor);

 private:
  friend class Watch;
  void shutdown() noexcept override;
  bool add(Watch& watch, int socket);
  void forget(const Watch& watch);
  void begin_wait();
  void ended(std::size_t waits);
  void arm();
  void collect();

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor epoll_;
  boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> all_;
  std::array<epoll_event, 128> events_;
  int came_ = 0;  // events of this turn
  std::size_t waiting_ = 0;
  bool armed_ = false;
};

}  // namespace weir::net
