#include "replay_supply.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "journal_folder.h"

namespace weir::app {
namespace {

constexpr std::size_t longest_line = 64 << 20, looked_at = 4096;

/// The fingerprint of the bytes before a position: it shows whether the file is still the same.
std::string identity_of_file(const std::string& path, const ReplayPosition& place) {
  const std::size_t n = std::min<std::uint64_t>(place.offset, looked_at);
  std::string bytes(n, '\0');
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file || ::fseeko(file.get(), static_cast<off_t>(place.offset - n), SEEK_SET) != 0) return "gone";
  if (std::fread(bytes.data(), 1, n, file.get()) != n) return "shorter";
  return fmt::format("file:{:08x}", journal::crc32c(bytes));
}

std::string identity_of_journal(const journal::JournalId& id) {
  std::string text = "journal:";
  for (const unsigned char byte : id) text += fmt::format("{:02x}", byte);
  return text;
}

class FileSupply final : public ReplaySupply {
 public:
  FileSupply(std::string path, const ReplayPosition& place, JournalFilter filter)
      : path_(std::move(path)),
        file_(std::fopen(path_.c_str(), "rb"), std::fclose),
        filter_(std::move(filter)),
        at_(place) {
    if (file_ && ::fseeko(file_.get(), static_cast<off_t>(place.offset), SEEK_SET) != 0) file_.reset();
  }

  Result<std::optional<ReplayItem>> next() override {
    if (!file_) return failure("cannot read " + path_);
    std::size_t length = 0;
    const auto line = read_line(length);
    if (!line) return std::unexpected(line.error());
    if (!*line) return std::nullopt;
    ReplayItem item{.number = at_.next++};
    at_.offset += length;
    if (length > longest_line) {
      item.unreadable = fmt::format("it has {} bytes, more than a dead letter can have", length);
    } else if (auto letter = letters_.read(**line)) {
      item.at = letter->at();
      item.wanted = filter_.takes(*letter);
      item.event = std::move(letter->event);
    } else {
      item.unreadable = "it is no dead letter";
    }
    return item;
  }
  ReplayPosition place() const override { return at_; }
  std::string identity(const ReplayPosition& place) override { return identity_of_file(path_, place); }
  std::string_view unit() const override { return "line"; }

 private:
  /// Only the beginning of a line that is too long is kept. Nothing: there is no whole line left.
  Result<std::optional<std::string>> read_line(std::size_t& length) {
    std::string line;
    for (int c; (c = std::getc(file_.get())) != EOF;) {
      ++length;
      if (c == '\n') return line;
      if (line.size() < longest_line) line += static_cast<char>(c);
    }
    if (std::ferror(file_.get())) return failure("cannot read " + path_);
    return std::nullopt;
  }

  const std::string path_;
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
  JournalFilter filter_;
  LetterReader letters_;
  ReplayPosition at_;
};

class JournalSupply final : public ReplaySupply {
 public:
  JournalSupply(const std::string& path, const journal::Recovered& found, const ReplayPosition& place,
                JournalFilter filter)
      : records_(path, found, place.next, ~0ull),
        identity_(identity_of_journal(found.id)),
        filter_(std::move(filter)),
        at_(place) {}

  Result<std::optional<ReplayItem>> next() override {
    const auto event = records_.next();
    if (!event) return std::unexpected(event.error());
    for (const auto& hole : records_.take_holes()) lost_ += hole.events;
    if (!*event) return std::nullopt;
    ReplayItem item{.number = (*event)->sequence, .at = (*event)->received, .event = std::string((*event)->text)};
    at_.next = item.number + 1;
    item.wanted = filter_.takes(**event);
    if (!(*event)->dead_letter) return item;
    if (auto letter = letters_.read(item.event)) {
      item.at = letter->at();
      item.event = std::move(letter->event);
    } else {
      item.unreadable = "it is no dead letter, though it is called one";
    }
    return item;
  }
  ReplayPosition place() const override { return at_; }
  std::string identity(const ReplayPosition&) override { return identity_; }
  std::string_view unit() const override { return "event"; }
  std::uint64_t lost() const override { return lost_; }

 private:
  JournalRecords records_;
  const std::string identity_;
  JournalFilter filter_;
  LetterReader letters_;
  ReplayPosition at_;
  std::uint64_t lost_ = 0;
};

}  // namespace

std::optional<ReplaySource> ReplaySource::open(const std::string& from, bool live) {
  ReplaySource source;
  source.path_ = from;
  std::error_code error;
  if (!std::filesystem::is_directory(from, error)) {
    if (std::filesystem::is_regular_file(from, error)) return source;
    complain(from + " is neither a file of dead letters nor the folder of a journal");
    return std::nullopt;
  }
  auto folder = open_journal(from, live ? Live::yes : Live::no);
  if (!folder) return std::nullopt;
  auto found = look_into(*folder);
  if (!found) return std::nullopt;
  source.path_ = folder->path;
  source.lock_ = std::move(folder->lock);
  source.journal_ = std::move(*found);
  return source;
}

std::string ReplaySource::identity(const ReplayPosition& place) {
  return journal_ ? identity_of_journal(journal_->id) : identity_of_file(path_, place);
}

std::unique_ptr<ReplaySupply> ReplaySource::begin(const ReplayPosition& place, JournalFilter filter) {
  if (journal_) return std::make_unique<JournalSupply>(path_, *journal_, place, std::move(filter));
  return std::make_unique<FileSupply>(path_, place, std::move(filter));
}

}  // namespace weir::app
