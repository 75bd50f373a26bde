#pragma once
/// The receipts of events that were merged into one (semantics A1, G1).
///
/// A merged event ends as an event of its own; its receipt is owed by its window from then on. Each window has a
/// Receipt of its own, which its output events carry; when the last of these is settled, everything that was merged
/// into the window ends with the worst fate among them. So a sender is told `stored` when the aggregate is stored.
///
///   events -> owe(window) ... outputs carry the window's receipt ... settled -> owed receipts settled
///
/// The number of receipts owed at once is bounded; at the bound the merging stage makes its sources wait.
///
/// Thread: any. Cost: a lock for each run of events of one receipt and window. On cancel: `abandon` ends what is owed.
#include <weir/component/receipt.h>
#include <weir/component/stage.h>

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "pipeline/report/left.h"

namespace weir::pipeline {

class MergeNode final : public ReceiptOwner {
 public:
  static constexpr std::size_t most_owed = 65536;  ///< 16 bytes each

  explicit MergeNode(Merger& merger) : merger_(merger) {}
  Merger& merger() { return merger_; }

  /// How long to wait before more may be merged; 0: now.
  Duration wait_for_room() const;
  /// n events of this receipt (which may be null) are part of this window from now on.
  void owe(std::uint64_t window, Receipt* receipt, std::uint32_t n);
  /// For an output of the window: carries one more.
  Receipt* receipt_for_output(std::uint64_t window);
  /// Nothing more comes of the window, into which so many events were merged.
  void ended(std::uint64_t window, std::uint64_t merged);

  bool empty() const;
  /// Ends what is owed with abandoned{shutdown}: the events that had been merged into windows that did not end.
  Left abandon();
  void on_settled(Receipt& receipt) noexcept override;
  /// Events without a receipt whose aggregate was given up: lost, since an aggregate holds what was merged into it.
  std::uint64_t lost() const { return lost_.load(); }
  std::uint64_t lost_outputs() const { return lost_outputs_.load(); }

 private:
  struct Window {
    explicit Window(ReceiptOwner& owner) : receipt(owner) {}
    struct Owed {
      Receipt* receipt;
      std::uint32_t events;
    };
    Receipt receipt;
    std::vector<Owed> owed;
    std::uint64_t attached = 0, unanswered = 0;
    std::optional<std::uint64_t> merged{};  // once it has ended
    bool complete() const { return merged && *merged == attached; }
  };
  Window& window(std::uint64_t id);
  std::unique_ptr<Window> take(const Receipt& receipt);

  Merger& merger_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::unique_ptr<Window>> windows_;
  std::size_t owed_ = 0;
  std::atomic<std::uint64_t> lost_{0}, lost_outputs_{0};
};

}  // namespace weir::pipeline
