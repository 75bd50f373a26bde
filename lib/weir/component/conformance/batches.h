#pragma once
/// Batches of every shape a connector can meet, made from plain texts.
///
/// Thread: one. Cost: for tests. On cancel: what a Delivered holds is settled when it is destroyed.
#include <weir/component/batch.h>

#include <string>
#include <vector>

namespace weir::conformance {

/// How the events of a block lie in memory.
enum class Layout : std::uint8_t {
  lines,  ///< one after the other, each ended by '\n': Batch::lines() is there
  array,  ///< as in a JSON array, so Batch::lines() is empty
};

/// One block. It has one run and no receipt.
Batch batch_of(const std::vector<std::string>& events, std::uint64_t first_id, Layout layout = Layout::lines);

/// JSON events of about `bytes` bytes each, with ids "PREFIX-0", "PREFIX-1", ...
std::vector<std::string> json_events(std::string_view prefix, std::size_t count, std::size_t bytes = 200);

/// Batches for one deliver(); they are settled when this is destroyed.
class Delivered {
 public:
  Delivered() = default;
  explicit Delivered(Batch batch) { add(std::move(batch)); }
  Delivered(const Delivered&) = delete;
  Delivered& operator=(const Delivered&) = delete;
  ~Delivered() {
    for (Batch& batch : batches_) batch.settle(Fate::stored);
  }
  Delivered& add(Batch batch) {
    batches_.push_back(std::move(batch));
    return *this;
  }
  operator std::span<const Batch>() const { return batches_; }
  /// The texts of all its events, in order.
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Batch& batch : batches_)
      for (std::uint32_t i = 0; i < batch.size(); ++i) all.emplace_back(batch[i]);
    return all;
  }

 private:
  std::vector<Batch> batches_;
};

}  // namespace weir::conformance
