#pragma once
/// One sender: its socket, with or without TLS, and the state of its unfinished frame.
///
/// Thread: its reactor. Cost: a system call a read; rest_capacity at most of its own memory.
#include <boost/asio/ip/tcp.hpp>

#include <list>
#include <memory>
#include <string>

#include "framing.h"
#include "net/receive_buffers.h"
#include "net/tls.h"

namespace weir::tcp {

struct Connection {
  using Moved = net::TlsSession::Moved;
  using State = net::TlsSession::State;
  enum class Phase : std::uint8_t {
    handshake,
    waiting,  ///< for the sender: only here its deadlines run
    ready,    ///< in line to be read, or its bytes are on the chunk
    held      ///< until the one large frame of this reactor is over
  };

  Connection(boost::asio::ip::tcp::socket s, Framing framing, Bytes max_event)
      : socket(std::move(s)), framer(framing, max_event) {}

  /// `ok` only when `most` have come: then there may be more.
  Moved read(char* into, std::size_t most);
  Moved peek(char* into, std::size_t most);
  void close();

  boost::asio::ip::tcp::socket socket;
  std::unique_ptr<net::TlsSession> tls;
  Framer framer;
  std::string rest;    ///< the unfinished frame, as long as it is small
  Duration waited{0};  ///< for the sender: since it connected, its last frame, or the beginning of this one
  net::ReceiveBuffers::Doublings grown = 0;  ///< of its receive buffer
  Phase phase = Phase::waiting;
  bool closed = false;
  std::shared_ptr<const Origin> origin;  ///< its peer, where an expression reads it
  std::list<std::shared_ptr<Connection>>::iterator place;
};

}  // namespace weir::tcp
