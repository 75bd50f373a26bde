#include "stdout_sink.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "stdin_source.h"

namespace weir::stdio {
namespace {

constexpr std::size_t write_bytes = 64 << 10;
constexpr std::size_t sure_to_fit = 4096;  // PIPE_BUF: what a pipe that says it has room takes without waiting
constexpr int patience = 1000;             // milliseconds
constexpr std::size_t deepest = 32;        // indented; what lies deeper stands in one line

bool is_json(std::string_view event) { return event.starts_with('{') || event.starts_with('['); }

/// JSON over several lines: line ends at brackets and commas outside of texts, nothing else is touched.
std::string indented(std::string_view event) {
  std::string out;
  std::size_t depth = 0;
  bool text = false;
  const auto new_line = [&] {
    if (depth <= deepest) out.append("\n").append(depth * 2, ' ');
  };
  for (std::size_t i = 0; i < event.size(); ++i) {
    const char c = event[i];
    if (text) {
      out += c;
      if (c == '\\' && i + 1 < event.size()) out += event[++i];
      if (c == '"') text = false;
    } else if (c == '{' || c == '[') {
      out += c;
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
      new_line();
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else if (c == ':') {
      out += ": ";
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      out += c;
      text = c == '"';
    }
  }
  return out;
}

void append_pretty(std::string& out, std::string_view event) {
  const std::string text = is_json(event) ? indented(event) : std::string(event);
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    append_terminal_text(out, rest.substr(0, end));
    out += '\n';
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
}

Format format_of(const Options& options) {
  const auto name = options.get_or<std::string>("format", "json");
  return name == "text" ? Format::text : name == "pretty" ? Format::pretty : Format::json;
}

}  // namespace

void append_event(std::string& out, std::string_view event, Format format, bool safe) {
  if (format == Format::pretty) return append_pretty(out, event);
  const auto from = out.size();
  if (safe)
    append_terminal_text(out, event);
  else
    out += event;
  // One line for each event; a line feed between the tokens of JSON means the same as a space.
  if (format == Format::json) std::replace(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), '\n', ' ');
  out += '\n';
}

StdoutSink::StdoutSink(std::string name, Format format, int fd, WrittenFiles* written)
    : name_(std::move(name)), format_(format), fd_(fd), written_(written) {}

Result<void> StdoutSink::open() {
  struct stat status{};
  if (::fstat(fd_, &status) != 0)
    return failure("standard output is closed: give it a reader or a file, or use a sink of type file");
  safe_ = ::isatty(fd_) == 1;
  if (written_) written_->opened(fd_);
  most_at_once_ = S_ISREG(status.st_mode) ? write_bytes : sure_to_fit;
  return {};
}

/// False: nothing of the group is left.
bool StdoutSink::render(std::span<const Batch> batches) {
  text_.clear();
  sent_ = 0;
  for (; batch_ < batches.size(); ++batch_, event_ = 0)
    for (const Batch& batch = batches[batch_]; event_ < batch.size(); ++event_) {
      if (text_.size() >= write_bytes) return true;
      append_event(text_, batch[event_], format_, safe_);
    }
  return !text_.empty();
}

/// 0 when all is written, EAGAIN when the reader does not read, or the error.
int StdoutSink::write_all() {
  while (sent_ < text_.size()) {
    pollfd room{fd_, POLLOUT, 0};
    if (::poll(&room, 1, patience) == 0) return EAGAIN;
    const auto n = ::write(fd_, text_.data() + sent_, std::min(most_at_once_, text_.size() - sent_));
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) {
      sent_ += static_cast<std::size_t>(n);
      begun_ = true;
    }
  }
  return 0;
}

Delivery StdoutSink::deliver(std::span<const Batch> batches) {
  constexpr auto closed = "whoever read standard output has gone; what comes now is lost, and counted as failed";
  if (gone_) return Delivery::failed(fmt::format("sink {}: {}", name_, closed));
  int error = 0;
  while (error == 0 && (sent_ < text_.size() || render(batches))) error = write_all();
  if (error == EAGAIN && begun_) return {.outcome = Delivery::Outcome::more};
  if (error == EAGAIN) return Delivery::again(fmt::format("sink {}: nobody reads standard output", name_));
  if (error == EPIPE || error == EBADF) {
    gone_ = true;
    return Delivery::failed(fmt::format("sink {}: {}", name_, closed));
  }
  if (error != 0) {
    auto why = fmt::format("sink {}: standard output: {}", name_, std::generic_category().message(error));
    if (!begun_) return Delivery::again(std::move(why));
    return {.outcome = Delivery::Outcome::more, .rest = std::chrono::seconds(1)};
  }
  text_.clear();
  sent_ = batch_ = event_ = 0;
  begun_ = false;
  return {};
}

SinkType stdout_type(int fd) {
  SinkType type;
  type.name = "stdout";
  type.summary = "writes one event a line to standard output";
  type.options = {{.name = "format",
                   .kind = OptionKind::choice,
                   .fallback = "json",
                   .help = "json: one line an event. text: as it came. pretty: JSON over several lines, for people.",
                   .choices = {"json", "text", "pretty"}}};
  type.ack = [](const Options&) { return SinkAck::sent; };
  type.max_workers = [](const Options&) { return 1; };
  type.refuses = [](const Options&) { return Refuses::none; };
  type.footprint = [](const Options& options, Load) {
    // The largest event, escaped byte by byte, behind a piece that is almost full; indenting it needs it once more.
    const std::uint64_t times = format_of(options) == Format::pretty ? 8 : 4;
    return std::vector{Footprint{.fixed = 128_KiB + 256_KiB * times, .per_unit = {}, .unit = "text", .soft = true}};
  };
  type.make = [fd](const SinkSetup& setup) {
    return std::make_unique<StdoutSink>(setup.name, format_of(setup.options), fd, &setup.context.written());
  };
  return type;
}

void add_to(Catalog& catalog);
void add_to(Catalog& catalog) {
  catalog.add(stdin_type());
  catalog.add(stdout_type());
}

}  // namespace weir::stdio
