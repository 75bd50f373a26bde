#include "open_clients.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace weir::bench {

OpenClients::OpenClients(std::uint16_t port, std::size_t most, OnAnswer on_answer)
    : port_(port), most_(most), on_answer_(std::move(on_answer)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

OpenClients::~OpenClients() {
  for (auto& c : all_)
    if (c->fd >= 0) ::close(c->fd);
  ::close(epoll_);
}

OpenClients::Connection* OpenClients::open() {
  if (open_ == most_) return nullptr;
  if (closed_.empty()) {
    closed_.push_back(static_cast<std::uint32_t>(all_.size()));
    all_.push_back(std::make_unique<Connection>());
    all_.back()->number = closed_.back();
  }
  Connection& c = *all_[closed_.back()];
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (c.fd < 0) fail_errno("cannot open a socket");
  const int on = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    ::close(c.fd);
    c.fd = -1;
    return nullptr;
  }
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u32 = c.number}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
  closed_.pop_back();
  c.connecting = true;
  ++open_;
  ++opened_;
  return &c;
}

void OpenClients::close(Connection& c) {
  ::close(c.fd);
  c.fd = -1;
  c.in.clear();
  c.skip = 0;
  c.close_after = false;
  --open_;
  closed_.push_back(c.number);
}

bool OpenClients::send(std::uint32_t attempt, std::string_view request) {
  Connection* c = nullptr;
  if (idle_.empty()) {
    c = open();
    if (!c) return false;
  } else {
    c = all_[idle_.back()].get();
    idle_.pop_back();
  }
  if (of_attempt_.size() <= attempt) of_attempt_.resize(attempt + 1, nobody);
  of_attempt_[attempt] = c->number;
  c->attempt = attempt;
  c->request = request;
  c->sent = 0;
  if (!c->connecting) send_more(*c);
  return true;
}

void OpenClients::leave(std::uint32_t attempt) {
  if (attempt >= of_attempt_.size() || of_attempt_[attempt] == nobody) return;
  Connection& c = *all_[of_attempt_[attempt]];
  of_attempt_[attempt] = nobody;
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
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return end(c, {});
    std::string_view got(bytes.data(), static_cast<std::size_t>(n));
    const auto skipped = std::min(c.skip, got.size());
    c.skip -= skipped;
    c.in.append(got.substr(skipped));
    parse(c);
    if (!closing && static_cast<std::size_t>(n) < bytes.size()) return;
  }
}

void OpenClients::parse(Connection& c) {
  if (c.attempt == nobody) {
    if (c.skip == 0 && !c.in.empty()) end(c, {});  // what nobody asked for
    return;
  }
  if (c.answer.status == 0) {
    Head head;
    const auto parsed = parse_head(c.in, head);
    if (parsed == Parsed::incomplete) return;
    if (parsed == Parsed::malformed) return end(c, {});
    c.answer = {head.status, head.retry_after};
    c.close_after = head.close;
    const std::size_t whole = head.size + head.body;
    c.skip = whole > c.in.size() ? whole - c.in.size() : 0;
    c.in.erase(0, whole);
  }
  if (c.skip == 0) end(c, c.answer);
}

void OpenClients::end(Connection& c, const Answer& ended) {
  const Answer answer = ended;
  const auto attempt = std::exchange(c.attempt, nobody);
  c.answer = {};
  if (answer.status == 0 || c.close_after) {
    std::erase(idle_, c.number);
    close(c);
  } else {
    idle_.push_back(c.number);
  }
  if (attempt == nobody) return;
  of_attempt_[attempt] = nobody;
  on_answer_(attempt, answer);
}

void OpenClients::wait(std::uint64_t until_ns) {
  std::array<epoll_event, 256> ready;
  const auto now = wall_ns();
  const std::uint64_t left = until_ns > now ? until_ns - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(left / 1'000'000'000u),
                         .tv_nsec = static_cast<long>(left % 1'000'000'000u)};
  const int n = epoll_pwait2(epoll_, ready.data(), static_cast<int>(ready.size()), &timeout, nullptr);
  for (int i = 0; i < n; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    Connection& c = *all_[event.data.u32];
    if (c.fd < 0) continue;
    if (event.events & (EPOLLOUT | EPOLLERR)) c.connecting = false;
    if (event.events & EPOLLOUT) send_more(c);
    constexpr std::uint32_t closing = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
    if (event.events & (EPOLLIN | closing)) receive(c, (event.events & closing) != 0);
  }
}

}  // namespace weir::bench
