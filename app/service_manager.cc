#include "service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace weir::app {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value ? value : "";
  ::unsetenv(name);  // what is started from here is no service of its own
  return text;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && end == text.data() + text.size() ? n : 0;
}

}  // namespace

ServiceManager::ServiceManager(std::string socket, Duration watchdog)
    : address_(std::move(socket)), every_(watchdog / 3) {
  const bool fits = address_.size() < sizeof(sockaddr_un{}.sun_path);
  if (fits && (address_.starts_with('/') || address_.starts_with('@')))
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

ServiceManager ServiceManager::from_environment() {
  std::string socket = take_variable("NOTIFY_SOCKET");
  const std::uint64_t microseconds = number_of(take_variable("WATCHDOG_USEC"));
  const std::string pid = take_variable("WATCHDOG_PID");
  const bool is_meant = pid.empty() || number_of(pid) == static_cast<std::uint64_t>(::getpid());
  constexpr std::uint64_t longest = 86'400'000'000;  // a day
  return ServiceManager(std::move(socket), std::chrono::microseconds(is_meant ? std::min(microseconds, longest) : 0));
}

ServiceManager::ServiceManager(ServiceManager&& o) noexcept
    : address_(std::move(o.address_)), socket_(std::exchange(o.socket_, -1)), every_(o.every_), next_(o.next_) {}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) ::close(socket_);
}

void ServiceManager::ready(std::string_view status) { send(fmt::format("READY=1\nSTATUS={}\n", status)); }

void ServiceManager::reloading(TimePoint now) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reads its configuration again\n", us));
}

void ServiceManager::stopping() { send("STOPPING=1\nSTATUS=takes nothing in any more, and delivers what it has\n"); }

void ServiceManager::alive(TimePoint now) {
  if (every_ <= Duration{0} || now < next_) return;
  next_ = now + every_;
  send("WATCHDOG=1\n");
}

void ServiceManager::send(const std::string& lines) const {
  if (socket_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  (void)::sendto(socket_, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace weir::app
