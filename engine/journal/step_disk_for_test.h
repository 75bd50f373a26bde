#pragma once
/// Stands in front of a PowerDisk and tells after each of its steps, so that one run shows every place where the power
/// may go: the test takes a disk after_power_loss there and goes on with it, while the run itself goes on undisturbed.
///
/// Thread: one. Cost: a virtual call and a step count beside the call.
#include <functional>
#include <type_traits>
#include <utility>

#include "journal/disk_for_test.h"

namespace weir::journal {

class StepDisk : public Disk {
 public:
  explicit StepDisk(PowerDisk& disk) : disk_(disk) {}
  std::function<void()> on_step;
  /// The next sync of this name is put off until a folder has been synced: an order of two steps turned round.
  std::string put_off;

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    auto file = watch([&] { return disk_.open(path, how); });
    if (!file) return file;
    return std::make_unique<Watched>(*this, std::move(*file));
  }
  Result<void> rename(const std::string& from, const std::string& to, std::string_view barrier) override {
    return watch([&] { return disk_.rename(from, to, barrier); });
  }
  Result<void> remove(const std::string& path) override {
    return watch([&] { return disk_.remove(path); });
  }
  Result<void> make_folder(const std::string& path) override {
    return watch([&] { return disk_.make_folder(path); });
  }
  Result<void> sync_folder(const std::string& path, std::string_view barrier) override {
    auto done = watch([&] { return disk_.sync_folder(path, barrier); });
    for (const auto& file : std::exchange(late_, {})) (void)watch([&] { return file->sync(put_off); });
    return done;
  }
  Result<std::vector<std::string>> list(const std::string& folder) override { return disk_.list(folder); }
  Result<std::optional<FileLook>> look(const std::string& path) override { return disk_.look(path); }
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    return watch([&] { return disk_.lock(path); });
  }
  Result<Bytes> free_space(const std::string& folder) override { return disk_.free_space(folder); }

 private:
  class Watched : public File {
   public:
    Watched(StepDisk& disk, std::shared_ptr<File> file) : disk_(disk), file_(std::move(file)) {}
    Result<std::size_t> read(std::span<char> to, std::uint64_t at) override { return file_->read(to, at); }
    Result<void> write(std::string_view bytes, std::uint64_t at) override {
      return disk_.watch([&] { return file_->write(bytes, at); });
    }
    Result<void> sync(std::string_view barrier) override {
      if (barrier == disk_.put_off) {
        disk_.late_.push_back(file_);
        return {};
      }
      return disk_.watch([&] { return file_->sync(barrier); });
    }
    Result<void> allocate(std::uint64_t length) override {
      return disk_.watch([&] { return file_->allocate(length); });
    }
    Result<void> truncate(std::uint64_t length) override {
      return disk_.watch([&] { return file_->truncate(length); });
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    Result<FileLook> look() override { return file_->look(); }

   private:
    StepDisk& disk_;
    std::shared_ptr<File> file_;
  };

  template <typename Call>
  std::invoke_result_t<Call> watch(Call call) {
    const auto before = disk_.steps();
    auto result = call();
    if (on_step && disk_.steps() != before) on_step();
    return result;
  }

  PowerDisk& disk_;
  std::vector<std::shared_ptr<File>> late_;
};

}  // namespace weir::journal
