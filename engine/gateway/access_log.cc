#include "gateway/access_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/file_mode.h>
#include <weir/base/json_text.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace weir::gateway {
namespace {

constexpr std::size_t longest_text = 1024;

std::string text(std::string_view value) { return json_text(value.substr(0, longest_text)); }

std::string time_text(WallTime time) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

}  // namespace

std::string to_json(const AccessLine& l) {
  return fmt::format(
      R"({{"time":"{}","gateway":{},"id":{},"trace":{},"peer":{},"method":{},"host":{},"path":{},"route":{},)"
      R"("end":{},"status":{},"reason":{},"upstream":{},"endpoint":{},"attempts":{},"hedge":{},"received":{},"sent":{},)"
      R"("head_ms":{:.3f},"ms":{:.3f}}})",
      time_text(l.time), text(l.gateway), text(l.id), text(l.trace), text(l.peer), text(l.method), text(l.host),
      text(l.path), text(l.route), text(l.end), l.status, text(l.reason), text(l.upstream), text(l.endpoint),
      l.attempts, text(l.hedge), l.received, l.sent, seconds(l.to_head) * 1e3, seconds(l.all) * 1e3);
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (file_ >= 0) ::close(file_);
}

Result<int> AccessLog::open_file() const {
  const int file = open_or_make(config_.path, O_WRONLY | O_APPEND | O_NOCTTY);
  if (file >= 0) return file;
  return failure(
      fmt::format("{}: cannot be opened to append: {}: give access_log.path a file in a folder that can be "
                  "written to",
                  config_.path, std::generic_category().message(-file)));
}

Result<void> AccessLog::open() {
  auto file = open_file();
  if (!file) return std::unexpected(std::move(file.error()));
  file_ = *file;
  thread_ = std::thread([this] { write_all(); });
  return {};
}

Result<void> AccessLog::reopen() {
  auto file = open_file();
  if (!file) return std::unexpected(std::move(file.error()));
  const std::lock_guard lock(file_mutex_);
  ::close(std::exchange(file_, *file));
  return {};
}

void AccessLog::add(const AccessLine& line) {
  std::string row = to_json(line) + "\n";
  const std::lock_guard lock(mutex_);
  if (unwritten_.size() + row.size() > most_unwritten) {
    ++stats_.dropped;
    return;
  }
  unwritten_ += row;
  if (lines_++ == 0) more_.notify_one();
}

AccessLog::Stats AccessLog::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void AccessLog::write_all() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [&] { return over_ || lines_ > 0; });
    if (lines_ == 0) return;
    const std::string now = std::exchange(unwritten_, {});
    const std::uint64_t lines = std::exchange(lines_, 0);
    lock.unlock();
    const bool done = write(now);
    lock.lock();
    (done ? stats_.written : stats_.failed) += lines;
  }
}

bool AccessLog::write(const std::string& lines) const {
  const std::lock_guard lock(file_mutex_);
  for (std::size_t done = 0; done < lines.size();) {
    const auto n = ::write(file_, lines.data() + done, lines.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace weir::gateway
