/// The journal's log alone against the least that keeps the same promise: plain sequential writes to a recycled file
/// with the same rhythm of fdatasync, plain sequential reads with a CRC32C over them. And how long a large journal
/// takes to open.
///
/// Both sides of a pair are measured in turn, slice by slice, so that whatever else the machine and its disk do falls
/// on both alike. One line of JSON: nanoseconds of wall clock and of CPU for each byte of the events' text.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/disk_system.h"
#include "journal/reader.h"
#include "support.h"

namespace weir::bench {
namespace {

using namespace journal;

constexpr std::uint32_t batch_events = 256, group_batches = 20;  // about 1 MiB a group, which is one write
constexpr std::size_t read_size = 256 << 10, floor_files = 3;

template <typename T>
T must(Result<T> result) {
  if (!result) fail(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Spent {
  std::uint64_t wall = 0, cpu = 0;
  template <typename F>
  void on(F&& work) {
    const auto w = wall_ns(), c = thread_cpu_ns();
    work();
    wall += wall_ns() - w;
    cpu += thread_cpu_ns() - c;
  }
};

/// The events of one group, made once.
class Group {
 public:
  Group() {
    EventText text("bench", batch_events);
    std::vector<Batch::Slot> index;
    for (std::uint32_t i = 0; i < batch_events; ++i)
      index.push_back({static_cast<std::uint32_t>(i * EventText::event_size), EventText::event_size - 1, i});
    const Batch::Run run{nullptr, batch_events};
    BatchInfo info;
    info.one_line_each = true;
    for (std::uint32_t i = 0; i < group_batches; ++i) {
      const auto lines = text.with_ids(i * batch_events);
      text_ += lines;
      batches_.push_back(make_batch(lines, index, {&run, 1}, info, Ticket{}, false));
    }
  }
  ~Group() {
    for (auto& batch : batches_) batch.dissolve();
  }
  Group(const Group&) = delete;
  std::span<const Batch> batches() const { return batches_; }
  std::string_view text() const { return text_; }

 private:
  std::vector<Batch> batches_;
  std::string text_;
};

LogConfig config_of(const std::string& folder, Durability durability) {
  LogConfig config;
  config.path = folder;
  config.durability = durability;
  return config;
}

/// Plain writes to files that have been written before, one after the other.
class FloorFiles {
 public:
  FloorFiles(const std::string& folder, std::uint64_t size) : size_(size) {
    std::filesystem::create_directories(folder);
    const std::string block(1 << 20, 'x');
    for (std::size_t i = 0; i < floor_files; ++i) {
      fds_.push_back(open((folder + "/" + std::to_string(i)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
      if (fds_.back() < 0) fail_errno("cannot open a file in " + folder);
      for (std::uint64_t at = 0; at < size; at += block.size()) put(fds_.back(), block, at);
      if (fsync(fds_.back()) != 0) fail_errno("cannot sync the floor's file");
    }
  }
  ~FloorFiles() {
    for (const int fd : fds_) close(fd);
  }
  FloorFiles(const FloorFiles&) = delete;
  void write(std::string_view text, bool sync) {
    if (at_ + text.size() > size_) {
      at_ = 0;
      file_ = (file_ + 1) % fds_.size();
    }
    put(fds_[file_], text, at_);
    at_ += text.size();
    if (sync && fdatasync(fds_[file_]) != 0) fail_errno("cannot sync the floor's file");
  }
  /// Everything, with a CRC.
  std::uint64_t read() const {
    std::vector<char> buffer(read_size);
    std::uint64_t bytes = 0;
    for (const int fd : fds_)
      for (off_t at = 0;; at += static_cast<off_t>(buffer.size())) {
        const auto n = pread(fd, buffer.data(), buffer.size(), at);
        if (n < 0) fail_errno("cannot read the floor's file");
        if (n == 0) break;
        const auto crc = crc32c({buffer.data(), static_cast<std::size_t>(n)});
        asm volatile("" : : "r"(crc));
        bytes += static_cast<std::uint64_t>(n);
      }
    return bytes;
  }

 private:
  static void put(int fd, std::string_view bytes, std::uint64_t at) {
    if (pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(bytes.size()))
      fail_errno("cannot write to the floor's file");
  }
  const std::uint64_t size_;
  std::vector<int> fds_;
  std::size_t file_ = 0;
  std::uint64_t at_ = 0;
};

std::string pair_of(const Spent& floor, std::uint64_t floor_bytes, const Spent& log, std::uint64_t log_bytes) {
  const auto each = [](std::uint64_t ns, std::uint64_t bytes) {
    return static_cast<double>(ns) / static_cast<double>(bytes);
  };
  return fmt::format(R"({{"floor":{{"wall":{:.5f},"cpu":{:.5f}}},"weir":{{"wall":{:.5f},"cpu":{:.5f}}}}})",
                     each(floor.wall, floor_bytes), each(floor.cpu, floor_bytes), each(log.wall, log_bytes),
                     each(log.cpu, log_bytes));
}

/// A log whose consumer has read everything, so that segments are used again as they are in a flow that keeps up.
std::string append(const std::string& folder, Durability durability, int pairs, std::uint64_t groups) {
  const Context context;
  const Group group;
  const auto config = config_of(folder + "/log", durability);
  auto log = must(Log::open(system_disk(), config, context));
  auto* consumer = must(log->add_consumer({.name = "reader"}));
  FloorFiles floor(folder + "/floor", config.segment.count());
  const auto rolls_after = config.segment.count() / group.text().size();
  std::uint64_t written = 0;
  const auto write = [&] {
    must(log->write(group.batches()));
    log->settle(*consumer, log->end());
    if (++written % rolls_after == 0) log->tick();
  };
  for (std::uint64_t i = 0; i < rolls_after * 4; ++i) write();
  std::vector<std::string> out;
  for (int pair = 0; pair < pairs; ++pair) {
    Spent plain, journal;
    for (std::uint64_t i = 0; i < groups; ++i) {
      plain.on([&] { floor.write(group.text(), durability == Durability::commit); });
      journal.on(write);
    }
    const auto bytes = groups * group.text().size();
    out.push_back(pair_of(plain, bytes, journal, bytes));
  }
  must(log->close());
  return fmt::format("[{}]", fmt::join(out, ","));
}

/// Both from the page cache: the disk is the same for both, what is done with the bytes is not.
std::string read_back(const std::string& folder, int pairs, std::uint64_t groups) {
  const Context context;
  const Group group;
  auto log = must(Log::open(system_disk(), config_of(folder + "/log", Durability::none), context));
  for (std::uint64_t i = 0; i < groups; ++i) must(log->write(group.batches()));
  FloorFiles floor(folder + "/floor", groups * group.text().size() / floor_files);
  std::vector<std::string> out;
  for (int pair = -1; pair < pairs; ++pair) {  // the first one is no pair: it warms the cache
    Spent plain, journal;
    std::uint64_t plain_bytes = 0, bytes = 0;
    plain.on([&] { plain_bytes = floor.read(); });
    journal.on([&] {
      Reader reader(*log, {});
      while (const auto record = must(reader.next())) {
        bytes += record->text.size();
        reader.step();
      }
    });
    if (bytes != groups * group.text().size()) fail("the journal did not give back what was written");
    if (pair >= 0) out.push_back(pair_of(plain, plain_bytes, journal, bytes));
  }
  return fmt::format("[{}]", fmt::join(out, ","));
}

/// So many bytes of segments, the last one full of records and the others holes: opening never looks into those.
std::string open_large(const std::string& folder, std::uint64_t bytes, int times) {
  const Context context;
  const Group group;
  auto config = config_of(folder + "/log", Durability::none);
  config.max_bytes = Bytes(2 * bytes);
  const auto rolls_after = config.segment.count() / group.text().size() * 9 / 10;
  const auto before_last = std::max<std::uint64_t>(bytes / config.segment.count(), 1) - 1;
  JournalId id;
  {
    auto log = must(Log::open(system_disk(), config, context));
    must(log->write(group.batches()));
    const auto block =
        must(must(system_disk().open(folder + "/log/" + numbered(1, "segment"), Disk::Open::read))->size());
    if (block != config.segment.count()) fail("a segment has not its size");
  }
  {
    auto first = must(system_disk().open(folder + "/log/" + numbered(1, "segment"), Disk::Open::read));
    std::string head(segment_header_size, '\0');
    must(first->read(head, 0));
    id = must(decode_segment_header(head)).journal;
  }
  const auto events = static_cast<std::uint64_t>(batch_events) * group_batches;
  for (std::uint64_t n = 2; n <= before_last; ++n) {
    auto file = must(system_disk().open(folder + "/log/" + numbered(n, "segment"), Disk::Open::create));
    must(file->write(encode_segment_header({id, n, 1 + (n - 1) * events, 0}), 0));
    must(file->truncate(config.segment.count()));
  }
  {
    // It goes on in a segment of its own.
    auto log = must(Log::open(system_disk(), config, context));
    for (std::uint64_t i = 0; i < rolls_after; ++i) must(log->write(group.batches()));
    must(log->close());
  }
  std::vector<double> took;
  std::uint64_t found = 0;
  for (int i = 0; i < times; ++i) {
    Spent spent;
    spent.on([&] {
      auto log = must(Log::open(system_disk(), config, context));
      must(log->add_consumer({.name = "reader"}));
      found = log->stats().bytes;
    });
    took.push_back(static_cast<double>(spent.wall) / 1e6);
  }
  return fmt::format(R"({{"bytes":{},"ms":[{:.1f}]}})", found, fmt::join(took, ","));
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir;
  using namespace weir::bench;
  std::string what, folder;
  int pairs = 7;
  std::uint64_t mib = 256;
  CLI::App app("The journal's log against plain files, in one process");
  app.add_option("--what", what, "commit | none | read | open")
      ->required()
      ->check(CLI::IsMember({"commit", "none", "read", "open"}));
  app.add_option("--folder", folder, "an empty one, on the disk that is meant")->required();
  app.add_option("--pairs", pairs)->check(CLI::Range(1, 100));
  app.add_option("--mib", mib, "a pair and side, or of the journal that is opened")->check(CLI::Range(64, 1 << 20));
  CLI11_PARSE(app, argc, argv);
  const auto groups = (mib << 20) / (batch_events * group_batches * EventText::event_size);
  std::string figures;
  if (what == "commit") figures = append(folder, journal::Durability::commit, pairs, groups);
  if (what == "none") figures = append(folder, journal::Durability::none, pairs, groups);
  if (what == "read") figures = read_back(folder, pairs, groups);
  if (what == "open") figures = open_large(folder, mib << 20, pairs);
  fmt::print("{{\"figures\":{}}}\n", figures);
}
