#include "net/dialer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "net/dial_limits.h"

namespace weir::net {
namespace {

using std::chrono::milliseconds;

constexpr Duration look_for_cancel = milliseconds(100);  // for a cancel

bool is_cancelled(const Dialer::Options& options) {
  return options.cancelled && options.cancelled->load(std::memory_order_relaxed);
}

}  // namespace

struct Dialer::Question {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<std::vector<Endpoint>>> answer;
};

/// Connections to several addresses on their way side by side.
class Dialer::Race {
 public:
  Race(const std::vector<Endpoint>& addresses, const Context& context, const Options& options, TimePoint deadline)
      : addresses_(addresses), context_(context), options_(options), deadline_(deadline), next_at_(context.now()) {}
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;
  ~Race() {
    for (const pollfd& fd : open_) ::close(fd.fd);
  }

  /// The winner's socket; -1: there is none, and `why` says so.
  int run() {
    while (true) {
      if (next_ < addresses_.size() && (open_.empty() || context_.now() >= next_at_)) {
        if (const int won = begin(addresses_[next_++]); won >= 0) return won;
        continue;
      }
      if (open_.empty()) return -1;
      if (context_.now() >= deadline_ || is_cancelled(options_)) {
        late_ = true;
        return -1;
      }
      if (const int won = wait(); won >= 0) return won;
    }
  }
  bool late() const { return late_; }
  const std::string& why() const { return why_; }
  const Endpoint& winner() const { return winner_; }

 private:
  int begin(const Endpoint& to) {
    const int fd = ::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return lost(errno);
    if (options_.prepare) options_.prepare(fd);
    next_at_ = context_.now() + head_start;
    const bool done = ::connect(fd, to.data(), static_cast<socklen_t>(to.size())) == 0;
    if (!done && errno != EINPROGRESS) {
      const int error = errno;
      ::close(fd);
      return lost(error);
    }
    open_.push_back({fd, POLLOUT, 0});
    to_.push_back(to);
    return done ? finish(open_.size() - 1) : -1;
  }

  int wait() {
    TimePoint until = std::min(deadline_, context_.now() + look_for_cancel);
    if (next_ < addresses_.size()) until = std::min(until, next_at_);
    const auto ms = std::chrono::ceil<milliseconds>(std::max(until - context_.now(), Duration{0})).count();
    if (::poll(open_.data(), open_.size(), static_cast<int>(ms)) <= 0) return -1;
    for (std::size_t i = open_.size(); i-- > 0;)
      if (open_[i].revents != 0)
        if (const int won = finish(i); won >= 0) return won;
    return -1;
  }

  /// The connection is made or has failed.
  int finish(std::size_t i) {
    const int fd = open_[i].fd;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    const bool itself = error == 0 && is_connected_to_itself(fd);
    winner_ = to_[i];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    to_.erase(to_.begin() + static_cast<std::ptrdiff_t>(i));
    if (error == 0 && !itself) return fd;
    ::close(fd);
    lost(error);
    if (itself) why_ = "nobody listens there";
    return -1;
  }

  int lost(int error) {
    why_ = std::generic_category().message(error);
    next_at_ = context_.now();
    return -1;
  }

  const std::vector<Endpoint>& addresses_;
  const Context& context_;
  const Options& options_;
  const TimePoint deadline_;
  TimePoint next_at_;
  std::size_t next_ = 0;
  std::vector<pollfd> open_;
  std::vector<Endpoint> to_;  // of each in open_
  Endpoint winner_;
  std::string why_;
  bool late_ = false;
};

Dialer::Dialer(std::string address, const Context& context, LookUp look_up)
    : address_(std::move(address)), context_(context), look_up_(std::move(look_up)), literal_(is_literal(address_)) {}
Dialer::~Dialer() = default;

std::unexpected<Error> Dialer::wrong(const std::string& what) const {
  return failure(fmt::format("{}: {}", address_, what), Error::Kind::disconnected);
}

/// In the background, unless it is on its way already.
void Dialer::ask() {
  if (question_) return;
  asked_ = context_.now();
  const auto question = question_ = std::make_shared<Question>();
  const auto answer = [question, look_up = look_up_, address = address_] {
    auto found = look_up(address);
    const std::lock_guard lock(question->mutex);
    question->answer = std::move(found);
    question->answered.notify_all();
  };
  if (literal_) return answer();
  try {
    std::thread(answer).detach();
  } catch (const std::system_error&) {
    answer();  // no thread to be had: then it has to be waited for
  }
}

/// What has been found since; a look-up that failed leaves what was known.
void Dialer::take_answer() {
  if (!question_) return;
  {
    const std::lock_guard lock(question_->mutex);
    if (!question_->answer) return;
    if (*question_->answer)
      known_ = std::move(**question_->answer);
    else
      last_error_ = question_->answer->error();
  }
  question_.reset();
  if (known_.size() > most_addresses) known_.resize(most_addresses);
}

Result<void> Dialer::find_addresses(TimePoint deadline, const Options& options) {
  ask();
  take_answer();
  while (question_ && !is_cancelled(options) && context_.now() < deadline) {
    {
      std::unique_lock lock(question_->mutex);
      question_->answered.wait_for(lock, milliseconds(50), [&] { return question_->answer.has_value(); });
    }
    take_answer();
  }
  if (is_cancelled(options)) return wrong("given up on, because the process stops");
  if (!known_.empty()) return {};
  if (question_) return wrong(fmt::format("the name was not resolved within {:g} s", seconds(options.timeout)));
  return std::unexpected(Error{Error::Kind::disconnected, last_error_.message, Duration{0}});
}

Result<int> Dialer::dial(const Options& options) {
  connected_.reset();
  const TimePoint begin = context_.now();
  // Half of the time at most for the resolver when there are addresses to try without it.
  const Duration patience = known_.empty() ? options.timeout : options.timeout / 2;
  if (auto found = find_addresses(begin + patience, options); !found) return std::unexpected(found.error());
  const std::vector<Endpoint> addresses = in_turn();
  Race race(addresses, context_, options, begin + options.timeout);
  const int socket = race.run();
  if (socket >= 0) {
    connected_ = race.winner();
    return socket;
  }
  if (is_cancelled(options)) return wrong("given up on, because the process stops");
  const std::string tried = known_.size() > 1 ? fmt::format(" (tried {} addresses)", known_.size()) : "";
  if (race.late())
    return wrong(fmt::format("no connection within connect_timeout ({:g} s){}", seconds(options.timeout), tried));
  return wrong(fmt::format("cannot connect: {}{}", race.why(), tried));
}

/// Those that have let us down come last, the latest behind the others.
std::vector<Endpoint> Dialer::in_turn() const {
  std::vector<Endpoint> addresses = known_;
  for (const Endpoint& bad : let_down_)
    if (const auto at = std::ranges::find(addresses, bad); at != addresses.end())
      std::rotate(at, at + 1, addresses.end());
  return addresses;
}

void Dialer::let_down() {
  if (!connected_) return;
  std::erase(let_down_, *connected_);
  if (let_down_.size() >= most_addresses) let_down_.erase(let_down_.begin());
  let_down_.push_back(*connected_);
}

void Dialer::worked() {
  if (!let_down_.empty() && connected_) std::erase(let_down_, *connected_);
}

bool Dialer::moved() {
  if (literal_ || !connected_) return false;
  take_answer();
  if (context_.now() - asked_ >= look_up_again) ask();
  return std::ranges::find(known_, *connected_) == known_.end();
}

}  // namespace weir::net
