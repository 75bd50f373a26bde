#include "load/open_clients.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <weir/base/result.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "net/field_lines.h"
#include "net/retry_after.h"

namespace weir::load {

using End = Outcome::End;

OpenClients::OpenClients(std::vector<net::Endpoint> targets, std::size_t most, const Context& context,
                         OnOutcome on_outcome)
    : targets_(std::move(targets)),
      most_(most),
      context_(context),
      on_outcome_(std::move(on_outcome)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      idle_(targets_.size()) {
  WEIR_CHECK(epoll_ >= 0);
}

OpenClients::~OpenClients() {
  for (auto& c : all_)
    if (c->fd >= 0) ::close(c->fd);
  ::close(epoll_);
}

OpenClients::Connection* OpenClients::open(std::size_t target, End& why_not) {
  why_not = End::no_room;
  if (open_ == most_) return nullptr;
  const auto& to = targets_[target];
  const int fd = socket(to.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return nullptr;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, to.data(), static_cast<socklen_t>(to.size())) != 0 && errno != EINPROGRESS) {
    why_not = errno == EADDRNOTAVAIL ? End::no_room : End::unreachable;  // every local port is taken
    ::close(fd);
    return nullptr;
  }
  if (closed_.empty()) {
    closed_.push_back(static_cast<std::uint32_t>(all_.size()));
    all_.push_back(std::make_unique<Connection>());
    all_.back()->number = closed_.back();
  }
  Connection& c = *all_[closed_.back()];
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u32 = c.number}};
  WEIR_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  closed_.pop_back();
  c.fd = fd;
  c.target = target;
  c.connecting = true;
  ++open_;
  ++opened_;
  return &c;
}

OpenClients::Connection* OpenClients::take(std::size_t target, End& why_not) {
  if (!idle_[target].empty()) {
    Connection* c = all_[idle_[target].back()].get();
    idle_[target].pop_back();
    return c;
  }
  if (Connection* c = open(target, why_not)) return c;
  if (why_not != End::no_room) return nullptr;
  // Those that other targets keep idle make room.
  const auto other = std::ranges::find_if(idle_, [](const auto& idle) { return !idle.empty(); });
  if (other == idle_.end()) return nullptr;
  close(*all_[other->front()]);
  other->erase(other->begin());
  return open(target, why_not);
}

void OpenClients::close(Connection& c) {
  ::close(c.fd);
  c.fd = -1;
  c.in.clear();
  --open_;
  closed_.push_back(c.number);
}

End OpenClients::send(std::uint32_t attempt, std::size_t target, std::string_view request) {
  End why_not = End::no_room;
  Connection* c = take(target, why_not);
  if (!c) return why_not;
  if (of_attempt_.size() <= attempt) of_attempt_.resize(attempt + 1, nobody);
  of_attempt_[attempt] = c->number;
  c->attempt = attempt;
  c->request = request;
  c->sent = 0;
  c->outcome = {};
  c->reason.clear();
  c->head_done = c->close_after = false;
  c->parser.reset(request.starts_with("HEAD "));
  if (!c->connecting) send_more(*c);
  return End::answered;
}

void OpenClients::leave(std::uint32_t attempt) {
  if (attempt >= of_attempt_.size() || of_attempt_[attempt] == nobody) return;
  Connection& c = *all_[std::exchange(of_attempt_[attempt], nobody)];
  c.attempt = nobody;
  close(c);
}

void OpenClients::send_more(Connection& c) {
  while (c.attempt != nobody && c.sent < c.request.size()) {
    const auto n = ::send(c.fd, c.request.data() + c.sent, c.request.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0) return;  // full: told when there is room; broken: told when it is read
    c.sent += static_cast<std::size_t>(n);
  }
}

void OpenClients::receive(Connection& c, bool closing) {
  std::array<char, 64 << 10> bytes;
  while (c.fd >= 0) {
    const auto n = recv(c.fd, bytes.data(), bytes.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return at_end(c);
    if (c.attempt == nobody) return end(c, End::damaged);  // what nobody asked for
    c.in.append(bytes.data(), static_cast<std::size_t>(n));
    if (!parse(c)) return;
    if (!closing && static_cast<std::size_t>(n) < bytes.size()) return;
  }
}

/// The server sends no more.
void OpenClients::at_end(Connection& c) {
  if (c.connecting) return end(c, End::unreachable);
  c.close_after = true;
  end(c, c.head_done && c.parser.end_of_input() ? End::answered : End::closed);
}

/// False: the exchange is over.
bool OpenClients::parse(Connection& c) {
  if (!c.head_done && !parse_head(c)) return c.attempt != nobody;
  for (;;) {
    const auto piece = c.parser.parse_body(c.in, c.in.size());
    c.in.erase(0, piece.consumed);
    if (piece.status == net::AnswerParser::Status::damaged) return end(c, End::damaged), false;
    if (piece.status == net::AnswerParser::Status::done) break;
    if (piece.consumed == 0 || c.in.empty()) {
      if (c.parser.body_done()) break;
      return true;
    }
  }
  if (!c.in.empty()) c.close_after = true;
  end(c, End::answered);
  return false;
}

/// False: there is no whole head yet, or what came is none, and then the exchange is over.
bool OpenClients::parse_head(Connection& c) {
  for (;;) {
    const auto status = c.parser.parse_head(c.in);
    if (status == net::AnswerParser::Status::need_more) return false;
    if (status == net::AnswerParser::Status::damaged || c.parser.head().status == 101)
      return end(c, End::damaged), false;
    const net::AnswerHead& head = c.parser.head();
    if (!head.is_interim()) {
      c.outcome.status = head.status;
      c.close_after = !head.keep_alive;
      read_fields(c, head);
    }
    const bool whole = !head.is_interim();
    c.in.erase(0, c.parser.head_size());
    if (whole) return c.head_done = true;
  }
}

void OpenClients::read_fields(Connection& c, const net::AnswerHead& head) {
  for (std::string_view rest = head.fields; const auto field = net::next_field(rest);) {
    if (head.status >= 400) {
      if (net::same_word(field->name, "Retry-After"))
        c.outcome.retry_after = net::retry_after(field->value, context_.wall()).value_or(Duration{0});
      if (net::same_word(field->name, "Weir-Reason")) c.reason = field->value;
    } else if (net::same_word(field->name, "Weir-Degraded") ||
               (net::same_word(field->name, "Cache-Status") && field->value.find("; hit") != field->value.npos)) {
      c.outcome.stood_in = true;
    }
  }
}

void OpenClients::end(Connection& c, End how) {
  Outcome outcome = c.outcome;
  const std::string reason = std::exchange(c.reason, {});
  outcome.end = how;
  outcome.reason = reason;
  const auto attempt = std::exchange(c.attempt, nobody);
  if (how != End::answered || c.close_after || c.sent < c.request.size()) {
    if (attempt == nobody) std::erase(idle_[c.target], c.number);
    close(c);
  } else {
    idle_[c.target].push_back(c.number);
  }
  if (attempt == nobody) return;
  of_attempt_[attempt] = nobody;
  on_outcome_(attempt, outcome);
}

void OpenClients::wait(TimePoint until) {
  std::array<epoll_event, 256> ready;
  const auto left = std::max(Duration{0}, until - context_.now()).count();
  const timespec timeout{.tv_sec = static_cast<time_t>(left / 1'000'000'000),
                         .tv_nsec = static_cast<long>(left % 1'000'000'000)};
  int n = epoll_pwait2(epoll_, ready.data(), static_cast<int>(ready.size()), &timeout, nullptr);
  if (n < 0 && errno != EINTR)  // before Linux 5.11, or not allowed: by milliseconds then
    n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), static_cast<int>(left / 1'000'000 + 1));
  for (int i = 0; i < n; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    Connection& c = *all_[event.data.u32];
    if (c.fd < 0) continue;
    if ((event.events & EPOLLOUT) && !(event.events & EPOLLERR)) c.connecting = false;
    if (event.events & EPOLLOUT) send_more(c);
    constexpr std::uint32_t closing = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
    if (event.events & (EPOLLIN | closing)) receive(c, (event.events & closing) != 0);
  }
}

}  // namespace weir::load
