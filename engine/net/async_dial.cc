#include "net/async_dial.h"

#include <fmt/format.h>
#include <weir/async/with_deadline.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <memory>

#include "net/dial_limits.h"

namespace weir::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

/// Connections on their way side by side. Those that are given up still end, and hold it until then.
class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(asio::any_io_executor executor, std::vector<Endpoint> addresses, const DialOptions& options)
      : executor_(std::move(executor)), addresses_(std::move(addresses)), options_(options), timer_(executor_) {}

  asio::awaitable<Result<tcp::socket>> run() {
    while (!winner_) {
      if (next_ < addresses_.size()) begin(addresses_[next_++]);
      if (open_ == 0 && next_ == addresses_.size()) co_return failure(why_, Error::Kind::disconnected);
      if (open_ == 0) continue;
      timer_.expires_after(next_ < addresses_.size() ? head_start : options_.timeout);
      ErrorCode woken;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return std::move(*winner_);
  }
  void give_up() {
    over_ = true;
    ErrorCode ignored;
    for (tcp::socket& socket : sockets_) socket.close(ignored);
  }

 private:
  void begin(const Endpoint& to) {
    tcp::socket& socket = sockets_.emplace_back(executor_);
    ErrorCode error;
    socket.open(to.protocol(), error);
    if (error) return lost(error);
    using Receive = asio::socket_base::receive_buffer_size;
    using Send = asio::socket_base::send_buffer_size;
    ErrorCode ignored;
    socket.set_option(Receive(static_cast<int>(options_.receive_buffer.count())), ignored);
    socket.set_option(Send(static_cast<int>(options_.send_buffer.count())), ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    ++open_;
    socket.async_connect(to, [self = shared_from_this(), &socket](const ErrorCode& e) { self->ended(socket, e); });
  }
  void ended(tcp::socket& socket, const ErrorCode& error) {
    --open_;
    if (over_ || winner_) return;
    timer_.cancel();
    if (error) return lost(error);
    if (is_connected_to_itself(socket.native_handle()))
      why_ = "nobody listens there";
    else
      winner_ = std::move(socket);
  }
  void lost(const ErrorCode& error) { why_ = error.message(); }

  asio::any_io_executor executor_;
  std::vector<Endpoint> addresses_;
  DialOptions options_;
  asio::steady_timer timer_;
  std::deque<tcp::socket> sockets_;
  std::optional<tcp::socket> winner_;
  std::size_t next_ = 0, open_ = 0;
  std::string why_ = "the name has no address";
  bool over_ = false;
};

}  // namespace

asio::awaitable<Result<tcp::socket>> async_dial(std::vector<Endpoint> addresses, DialOptions options) {
  const auto race = std::make_shared<Race>(co_await asio::this_coro::executor, std::move(addresses), options);
  struct End {
    Race& race;
    ~End() { race.give_up(); }
  } end{*race};
  auto won = co_await async::with_deadline(race->run(), options.timeout);
  if (!won)
    co_return failure(fmt::format("no connection within {:g} s", seconds(options.timeout)), Error::Kind::disconnected);
  co_return std::move(*won);
}

}  // namespace weir::net
