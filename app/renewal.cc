#include "renewal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <utility>

namespace weir::app {
namespace {

using Files = std::vector<config::SecretFile>;

struct Part {
  std::string name;
  Files files;
};

void add_certificates(std::vector<Part>& parts, const config::Node& node, const std::vector<OptionSpec>* specs) {
  Part part{node.name, {}};
  for (const OptionSpec& spec : specs ? *specs : std::vector<OptionSpec>{}) {
    const bool is_meant = spec.name.starts_with("tls_") || spec.name == "password_file";
    if (spec.kind != OptionKind::path || !is_meant || !node.options.has(spec.name)) continue;
    const std::string& path = node.options.text(spec.name);
    part.files.push_back({path, config::FileStamp::of(path)});
  }
  if (!part.files.empty()) parts.push_back(std::move(part));
}

}  // namespace

void Renewal::read_through(const std::string& path) {
  constexpr int most_pieces = 256;  // 16 MiB: larger than any of them may be
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;  // to open a pipe would wake its writer
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return;
  std::vector<char> piece(64 << 10);
  for (int i = 0; i < most_pieces && ::read(fd, piece.data(), piece.size()) > 0; ++i) {
  }
  ::close(fd);
}

struct Renewal::State {
  explicit State(Read r) : read(std::move(r)) {}
  const Read read;

  std::mutex files_mutex;  // held while they are looked at
  std::vector<std::string> configuration;
  std::vector<Part> parts;
  Files secrets;
  std::mutex mutex;
  std::condition_variable asked, all_read;
  bool wanted = false, all_wanted = false, over = false;
  Changed changed;
  std::string reading;

  void say(const std::string& path) {
    std::lock_guard lock(mutex);
    reading = path;
  }
  /// Whether one has changed; all of them are looked at.
  bool look_at(Files& files, bool read_all) {
    bool any = false;
    for (auto& file : files) {
      say(file.path);
      const auto now = config::FileStamp::of(file.path);
      const bool is_new = now != file.stamp;
      if (is_new || read_all) read(file.path);
      any = any || is_new;
      file.stamp = now;
    }
    return any;
  }
  /// A file, or a folder of files.
  void read_configuration(const std::string& path) {
    constexpr int most_files = 10'000;
    say(path);
    std::error_code wrong;
    if (!std::filesystem::is_directory(path, wrong)) return read(path);
    std::filesystem::directory_iterator at(path, wrong);
    for (int i = 0; !wrong && at != std::filesystem::directory_iterator() && i < most_files; at.increment(wrong), ++i) {
      say(at->path().string());
      read(at->path().string());
    }
  }
  void note_all() {
    const auto note = [](Files& files) {
      for (auto& file : files) file.stamp = config::FileStamp::of(file.path);
    };
    for (Part& part : parts) note(part.files);
    note(secrets);
  }
  Changed look_at_all(bool read_all) {
    Changed found;
    for (const std::string& path : configuration)
      if (read_all) read_configuration(path);
    for (Part& part : parts)
      if (look_at(part.files, read_all)) found.parts.push_back(part.name);
    found.secrets = look_at(secrets, read_all);
    found.all_read = read_all;
    say({});
    return found;
  }
};

Renewal::Renewal(const config::Config& config, const Catalog& catalog, std::vector<std::string> files, Read read)
    : state_(std::make_shared<State>(std::move(read))) {
  state_->configuration = std::move(files);
  const auto options_of = [](const auto* type) { return type ? &type->options : nullptr; };
  auto& parts = state_->parts;
  for (const auto& source : config.sources) add_certificates(parts, source, options_of(catalog.source(source.type)));
  for (const auto& sink : config.sinks)
    add_certificates(parts, sink,
                     sink.is_journal ? options_of(catalog.journal(sink.type)) : options_of(catalog.sink(sink.type)));
  Part admin{std::string(admin_part), {}};
  for (const std::string& path : {config.admin.tls_certificate, config.admin.tls_key, config.admin.tls_client_ca})
    if (!path.empty()) admin.files.push_back({path, config::FileStamp::of(path)});
  if (!admin.files.empty()) parts.push_back(std::move(admin));
  const auto add = [&](std::string name, const std::vector<std::string>& paths) {
    Part part{std::move(name), {}};
    for (const std::string& path : paths)
      if (!path.empty()) part.files.push_back({path, config::FileStamp::of(path)});
    if (!part.files.empty()) parts.push_back(std::move(part));
  };
  for (const auto& g : config.gateways) add("gateway " + g.name, {g.tls_certificate, g.tls_key, g.tls_client_ca});
  for (const auto& u : config.upstreams)
    if (u.tls) add("upstream " + u.name, {u.tls->ca, u.tls->certificate, u.tls->key});
  state_->secrets = config.secret_files;
  thread_ = std::thread([state = state_] { keep_looking(state); });
}

Renewal::~Renewal() {
  bool looking = false;
  {
    std::lock_guard lock(state_->mutex);
    state_->over = true;
    looking = state_->wanted;
  }
  state_->asked.notify_one();
  looking ? thread_.detach() : thread_.join();
}

void Renewal::keep_looking(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->asked.wait(lock, [&] { return state->wanted || state->over; });
    if (state->over) return;
    const bool all = std::exchange(state->all_wanted, false);
    lock.unlock();
    Changed found;
    {
      std::lock_guard files(state->files_mutex);
      found = state->look_at_all(all);
    }
    lock.lock();
    for (std::string& part : found.parts)
      if (auto& parts = state->changed.parts; std::ranges::find(parts, part) == parts.end())
        parts.push_back(std::move(part));
    state->changed.secrets = state->changed.secrets || found.secrets;
    state->changed.all_read = state->changed.all_read || found.all_read;
    state->wanted = state->all_wanted;
    state->all_read.notify_all();
  }
}

void Renewal::look() {
  {
    std::lock_guard lock(state_->mutex);
    state_->wanted = true;
  }
  state_->asked.notify_one();
}

void Renewal::read_all(Duration most) {
  std::unique_lock lock(state_->mutex);
  state_->changed.all_read = false;
  state_->wanted = state_->all_wanted = true;
  state_->asked.notify_one();
  state_->all_read.wait_for(lock, most, [&] { return state_->changed.all_read; });
}

std::string Renewal::reading() const {
  std::lock_guard lock(state_->mutex);
  return state_->reading;
}

Renewal::Changed Renewal::take() {
  std::lock_guard lock(state_->mutex);
  return std::exchange(state_->changed, {});
}

/// While a look is not over nothing is noted: then what has changed is told, and read once more.
void Renewal::note() {
  take();
  if (const std::unique_lock files(state_->files_mutex, std::try_to_lock); files) state_->note_all();
}

void Renewal::follow_secrets(const Files& files) {
  if (const std::unique_lock lock(state_->files_mutex, std::try_to_lock); lock) state_->secrets = files;
}

}  // namespace weir::app
