#include "stdin_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir/async/reactor_task.h>
#include <weir/component/text_start.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include "log/log.h"

namespace weir::stdio {
namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr auto look_again = std::chrono::milliseconds(10);

/// Reads one piece when asked to, and can be ended while it waits for input.
class ReadingThread {
 public:
  /// `got` is called on this thread: bytes, 0 at the end, -errno.
  ReadingThread(int fd, std::function<void(long)> got)
      : fd_(fd), got_(std::move(got)), end_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}
  ~ReadingThread() {
    end();
    ::close(end_);
  }
  /// Reads nothing more. Returns what it has read since the last call and may not have reported.
  std::string_view end() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    ::eventfd_write(end_, 1);
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    return {piece_.data(), size_};
  }
  void ask() {
    {
      std::lock_guard lock(mutex_);
      asked_ = true;
      size_ = 0;
    }
    wake_.notify_one();
  }
  const char* data() const { return piece_.data(); }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return asked_ || ended_; });
      if (ended_) return;
      asked_ = false;
      lock.unlock();
      const long n = read();
      lock.lock();
      size_ = static_cast<std::size_t>(std::max(n, 0L));
      if (ended_) return;
      got_(n);
    }
  }
  long read() {
    std::array<pollfd, 2> wait{pollfd{fd_, POLLIN, 0}, pollfd{end_, POLLIN, 0}};
    while (true) {
      ::poll(wait.data(), wait.size(), -1);
      if (wait[1].revents) return 0;
      const auto n = ::read(fd_, piece_.data(), piece_.size());
      if (n >= 0) return n;
      if (errno != EINTR && errno != EAGAIN) return -errno;
    }
  }

  const int fd_;
  const std::function<void(long)> got_;
  const int end_;
  std::array<char, piece_bytes> piece_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::size_t size_ = 0;  // of what was read
  bool asked_ = false, ended_ = false;
  std::thread thread_;
};

class StdinIntake final : public Intake {
 public:
  StdinIntake(const SourceSetup& source, const IntakeSetup& setup, int fd, std::shared_ptr<std::atomic<bool>> over)
      : over_(std::move(over)),
        name_(source.name),
        max_event_(source.options.get_or<Bytes>("max_event", 256_KiB).count()),
        priority_(source.priorities.fallback),
        output_(setup.output),
        idle_(setup.index != 0),
        turns_(setup.reactor, [this] { turn(); }) {
    if (idle_) return;
    thread_ = std::make_unique<ReadingThread>(fd, [this, &reactor = setup.reactor](long n) {
      boost::asio::post(reactor, turns_.guarded([this, n] { take(n); }));
    });
  }
  ~StdinIntake() override { output_.on_room = nullptr; }

  void start() override {
    if (idle_) return;
    output_.on_room = [this] { turn(); };
    turn();
  }
  void stop(Duration) override {
    if (idle_) return;
    idle_ = true;
    turns_.cancel_sleep();
    const auto read = thread_->end();
    if (asked_) rest_ = read;  // it came during the stop
    const auto left = static_cast<std::uint64_t>(std::ranges::count(rest_, '\n')) + (line_.empty() ? 0 : 1);
    if (left > 0) output_.refused(left, Reason::shutting_down);
  }
  void abandon() override { stop({}); }
  bool quiet() const override { return idle_; }

 private:
  bool flow_takes() const { return !output_.paused(priority_) && output_.ready(priority_); }

  void take(long n) {
    if (idle_) return;
    asked_ = false;
    if (n < 0)
      log::warn({"source", name_}, "cannot read standard input: {}; it counts as ended",
                std::generic_category().message(static_cast<int>(-n)));
    at_end_ = n <= 0;
    rest_ = {thread_->data(), static_cast<std::size_t>(std::max(n, 0L))};
    turn();
  }

  /// Gives what was read; asks for more only when all of it is given and the flow takes more.
  void turn() {
    if (idle_ || asked_) return;
    for (cut(); whole_; cut()) {
      if (!give()) return wait();
      whole_ = false;
      line_.clear();
      length_ = 0;
    }
    output_.flush();
    if (at_end_) {
      idle_ = true;
      over_->store(true, std::memory_order_release);
    } else if (flow_takes()) {
      asked_ = true;
      thread_->ask();
    } else {
      wait();
    }
  }
  void wait() {
    output_.flush();
    turns_.sleep(look_again);  // nothing tells an intake that memory has come back
  }

  /// Moves what belongs to the next line that is not empty from what was read.
  void cut() {
    while (!whole_ && !rest_.empty()) {
      if (length_ == 0) rest_.remove_prefix(zeros_at(rest_));  // a hole
      const auto end = rest_.find('\n');
      const auto part = rest_.substr(0, end);
      length_ += part.size();
      line_.append(part.substr(0, max_event_ - line_.size()));
      rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
      if (end != std::string_view::npos) whole_ = ends_as_event();
    }
    if (at_end_ && !whole_) whole_ = ends_as_event();
  }

  /// A line is over. Its carriage return is no part of it, nor a byte order mark at the beginning; is anything left?
  bool ends_as_event() {
    const auto mark = std::exchange(at_start_, at_start_ && length_ == 0) ? byte_order_mark_at(line_) : 0;
    line_.erase(0, mark);
    length_ -= mark;
    if (line_.size() == length_ && line_.ends_with('\r')) {
      line_.pop_back();
      --length_;
    }
    return length_ > 0;
  }

  bool give() {
    if (length_ > max_event_) return give_dead();
    if (!flow_takes()) return false;
    auto ticket = output_.reserve(output_.cost(line_.size(), 1));
    if (!ticket) return false;
    output_.add(line_, priority_, nullptr, std::move(*ticket));
    return true;
  }
  bool give_dead() {
    const bool keeps = output_.has_dead_letters();
    if (keeps && !output_.dead_letters_ready()) return false;
    if (!std::exchange(said_large_, true))
      log::warn({"source", name_}, "a line of {} bytes is longer than max_event ({} bytes): it {}; this is said once",
                length_, max_event_, keeps ? "goes to the dead letters, cut" : "is left out and counted");
    if (keeps)
      output_.dead_letter(std::string_view(line_).substr(0, 8 << 10), Reason::event_too_large,
                          fmt::format("a line of {} bytes; max_event is {}", length_, max_event_), std::nullopt,
                          nullptr);
    else
      output_.refused(1, Reason::event_too_large);
    return true;
  }

  const std::shared_ptr<std::atomic<bool>> over_;  // all of the input has been given
  const std::string name_;
  const std::size_t max_event_;
  const Priority priority_;
  SourceOutput& output_;
  std::string_view rest_;  // of the piece that was read
  std::string line_;       // begun in an earlier piece, or waiting for room; cut at max_event
  std::size_t length_ = 0;
  bool whole_ = false, asked_ = false, at_end_ = false, said_large_ = false, at_start_ = true;
  std::atomic<bool> idle_;
  async::ReactorTask turns_;
  std::unique_ptr<ReadingThread> thread_;
};

class StdinSource final : public Source {
 public:
  StdinSource(const SourceSetup& setup, int fd)
      : setup_(setup), fd_(fd), stops_(setup.options.get_or<std::string>("at_end", "stop") == "stop") {}
  ~StdinSource() override {
    if (mine_) taken() = false;
  }
  Result<void> check() const override {
    if (setup_.priorities.from_body() || setup_.priorities.from_header())
      return failure("standard input gives all its events one priority: write only default: under priority:");
    return {};
  }
  Result<void> open() override {
    if (auto fit = check(); !fit) return fit;
    if (taken().exchange(true))
      return failure("another source reads standard input already: a line can only go to one of them");
    mine_ = true;
    return {};
  }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    return std::make_unique<StdinIntake>(setup_, setup, fd_, over_);
  }
  bool at_end() const override { return stops_ && over_->load(std::memory_order_acquire); }
  std::string address() const override { return "standard input"; }

 private:
  static std::atomic<bool>& taken() {
    static std::atomic<bool> is_taken{false};
    return is_taken;
  }
  const SourceSetup setup_;
  const int fd_;
  const bool stops_;
  const std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
  bool mine_ = false;
};

}  // namespace

SourceType stdin_type(int fd) {
  SourceType type;
  type.name = "stdin";
  type.summary = "takes lines from standard input, as in `producer | weir run`";
  type.options = {{.name = "max_event",
                   .kind = OptionKind::size,
                   .fallback = "256KiB",
                   .help = "The longest line; longer ones are dead-lettered, cut, or counted."},
                  {.name = "at_end",
                   .kind = OptionKind::choice,
                   .fallback = "stop",
                   .help = "stop: when the input of every source has ended and is delivered, the run is over. wait: it "
                           "goes on.",
                   .choices = {"stop", "wait"}}};
  type.can = {.can_pause = true, .can_refuse = false, .can_replay = false};
  type.strongest = Level::accepted;
  type.makes_lines = true;
  type.footprint = [](const Options& options, int) {
    return std::vector{Footprint{.fixed = 128_KiB + options.get_or<Bytes>("max_event", 256_KiB) * 2}};
  };
  type.make = [fd](const SourceSetup& setup) -> std::unique_ptr<Source> {
    return std::make_unique<StdinSource>(setup, fd);
  };
  return type;
}

}  // namespace weir::stdio
