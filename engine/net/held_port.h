#pragma once
/// Keeps a port for this process from the moment it was found free until all its listeners have opened.
///
/// A source says at its start whether it can listen, and each reactor opens a listener of its own later (SO_REUSEPORT).
/// A port that was only looked at could be somebody else's by then. So a socket is bound to it, with the same option,
/// and does not listen: nobody is connected to it, other processes cannot bind the port, and the listeners can. A port
/// 0 is a real one from here on.
///
/// Thread: one. Cost: a socket; start only.
#include <weir/base/result.h>

#include <memory>
#include <string>

namespace weir::net {

class HeldPort {
 public:
  /// The address as `resolve` reads it; an error as check_free gives it.
  static Result<HeldPort> take(const std::string& listen);
  HeldPort();
  HeldPort(HeldPort&& other) noexcept;
  HeldPort& operator=(HeldPort&& other) noexcept;
  ~HeldPort();
  const std::string& address() const { return address_; }  ///< in numbers, with its real port

 private:
  struct Socket;
  std::string address_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace weir::net
