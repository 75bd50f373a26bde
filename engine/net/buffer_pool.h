#pragma once
/// Buffers of one size for the connections of one server: taken when there is something to read, given back when it is
/// used up, so an idle connection holds none. A few are kept for the next connection; more are freed.
///
/// Thread: one owner. Cost: a push or a pop. Its bound is that of its users: each connection takes at most one.
#include <weir/base/units.h>

#include <memory>
#include <vector>

namespace weir::net {

using Buffer = std::unique_ptr<char[]>;

class BufferPool {
 public:
  BufferPool(Bytes size, std::size_t keep) : size_(size.count()), keep_(keep) { free_.reserve(keep); }

  std::size_t size() const { return size_; }
  Buffer take() {
    if (free_.empty()) return std::make_unique_for_overwrite<char[]>(size_);
    Buffer b = std::move(free_.back());
    free_.pop_back();
    return b;
  }
  void give(Buffer b) {
    if (b && free_.size() < keep_) free_.push_back(std::move(b));
  }

 private:
  std::size_t size_, keep_;
  std::vector<Buffer> free_;
};

}  // namespace weir::net
