#include <weir/component/batch.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace weir {

std::optional<std::int64_t> SourcePartition::mark_of(std::uint32_t number) const {
  const auto behind = std::ranges::upper_bound(marks, number, {}, &Mark::number);
  if (behind == marks.begin()) return std::nullopt;
  return std::prev(behind)->value;
}
namespace {

constexpr std::size_t padded(std::size_t bytes) { return (bytes + block_padding + 7) / 8 * 8; }

Batch::Block* allocate(std::size_t size) {
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return new (memory) Batch::Block;
}

bool lies_as_lines(const char* data, std::span<const Batch::Slot> index) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    const auto end = index[i].offset + index[i].length;
    if (data[end] != '\n') return false;
    if (i + 1 < index.size() && index[i + 1].offset != end + 1) return false;
  }
  return true;
}

}  // namespace

Bytes block_size(std::size_t bytes, std::size_t events, std::size_t runs) {
  // The index ends where runs, which hold pointers, may begin.
  const auto index =
      (events * sizeof(Batch::Slot) + alignof(Batch::Run) - 1) / alignof(Batch::Run) * alignof(Batch::Run);
  return Bytes(sizeof(Batch::Block) + padded(bytes) + index + runs * sizeof(Batch::Run));
}

Batch::Batch(Block* block, std::uint32_t first, std::uint32_t count, bool receipts)
    : block_(block), first_(first), count_(count), receipts_(receipts) {
  for (const Slot& slot : slots()) bytes_ += slot.length;
}
Batch::Batch(Batch&& o) noexcept
    : block_(std::exchange(o.block_, nullptr)),
      first_(o.first_),
      count_(std::exchange(o.count_, 0)),
      bytes_(std::exchange(o.bytes_, 0)),
      receipts_(std::exchange(o.receipts_, false)) {}
Batch& Batch::operator=(Batch&& o) noexcept {
  if (this == &o) return *this;
  WEIR_CHECK(empty());
  release();
  block_ = std::exchange(o.block_, nullptr);
  first_ = o.first_;
  count_ = std::exchange(o.count_, 0);
  bytes_ = std::exchange(o.bytes_, 0);
  receipts_ = std::exchange(o.receipts_, false);
  return *this;
}
Batch::~Batch() {
  // If an event vanished without a fate, its sender would wait for ever.
  WEIR_CHECK(empty());
  release();
}

void Batch::release() {
  if (block_ && block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->~Block();
    std::free(block_);
  }
  block_ = nullptr;
  count_ = 0;
  bytes_ = 0;
}

const BatchInfo& Batch::info() const { return block_->info; }
std::span<const Batch::Slot> Batch::slots() const {
  return block_ ? std::span<const Slot>(block_->index() + first_, count_) : std::span<const Slot>{};
}
std::span<const Batch::Run> Batch::runs() const {
  return block_ ? std::span<const Run>(block_->runs(), block_->run_count) : std::span<const Run>{};
}
std::string_view Batch::operator[](std::uint32_t i) const {
  const Slot& slot = block_->index()[first_ + i];
  return {block_->data() + slot.offset, slot.length};
}
std::string_view Batch::lines() const {
  if (empty() || !block_->single_lines) return {};
  const auto all = slots();
  return {block_->data() + all.front().offset, all.back().offset + all.back().length + 1 - all.front().offset};
}

std::uint32_t Batch::prefix(Load room) const {
  if (load().fits_in(room)) return count_;
  std::uint32_t n = 0;
  std::uint64_t bytes = 0;
  for (const Slot& slot : slots()) {
    bytes += slot.length;
    if (n + 1 > room.events || bytes > room.bytes.count()) break;
    ++n;
  }
  return n;
}

Batch Batch::split(std::uint32_t n) {
  WEIR_CHECK(n <= count_);
  if (n == 0) return {};
  if (n == count_) return std::move(*this);
  block_->refs.fetch_add(1, std::memory_order_relaxed);
  Batch front(block_, first_, n, receipts_);
  first_ += n;
  count_ -= n;
  bytes_ -= front.bytes_;
  return front;
}

Batch Batch::share(bool with_receipts) const {
  if (empty()) return {};
  block_->refs.fetch_add(1, std::memory_order_relaxed);
  if (with_receipts && receipts_)
    for_each_run([](Receipt* receipt, std::uint32_t n) {
      if (receipt) receipt->owe(n);
    });
  return Batch(block_, first_, count_, receipts_ && with_receipts);
}

void Batch::settle(Fate fate, Reason reason) {
  if (receipts_)
    for_each_run([&](Receipt* receipt, std::uint32_t n) {
      if (receipt) receipt->settle(n, fate, reason);
    });
  release();
}

void Batch::settle(Fate rest, std::span<const Ending> exceptions) {
  if (receipts_) {
    std::uint32_t at = 0;
    for_each_run([&](Receipt* receipt, std::uint32_t n) {
      const std::uint32_t end = at + n;
      std::uint32_t others = n;
      while (!exceptions.empty() && exceptions.front().index < end) {
        const Ending ending = exceptions.front();
        exceptions = exceptions.subspan(1);
        --others;
        if (receipt && !ending.moved) receipt->settle(1, ending.fate, ending.reason);
      }
      if (receipt) receipt->settle(others, rest);
      at = end;
    });
  }
  release();
}

Receipt* Batch::receipt_of(std::uint32_t i) const {
  Receipt* found = nullptr;
  std::uint32_t at = 0;
  for_each_run([&](Receipt* receipt, std::uint32_t n) {
    if (i >= at && i < at + n) found = receipt;
    at += n;
  });
  return found;
}

Batch make_batch(std::string_view bytes, std::span<const Batch::Slot> index, std::span<const Batch::Run> runs,
                 const BatchInfo& info, Ticket charge, bool receipts) {
  auto* block = allocate(block_size(bytes.size(), index.size(), runs.size()).count());
  block->bytes = static_cast<std::uint32_t>(bytes.size());
  block->events = static_cast<std::uint32_t>(index.size());
  block->run_count = static_cast<std::uint32_t>(runs.size());
  block->info = info;
  block->charge = std::move(charge);
  if (!bytes.empty()) std::memcpy(block->data(), bytes.data(), bytes.size());
  std::memset(block->data() + bytes.size(), 0, padded(bytes.size()) - bytes.size());
  if (!index.empty()) std::memcpy(block->index(), index.data(), index.size_bytes());
  if (!runs.empty()) std::memcpy(block->runs(), runs.data(), runs.size_bytes());
  block->single_lines = lies_as_lines(block->data(), index);
  return Batch(block, 0, block->events, receipts);
}

/// With room for the index of events of 128 bytes or more: without it sealing would move every byte to a larger block.
BlockWriter::BlockWriter(std::size_t capacity)
    : block_(allocate(block_size(capacity, capacity / 128, 1).count())), capacity_(capacity) {}
BlockWriter::BlockWriter(BlockWriter&& o) noexcept
    : block_(std::exchange(o.block_, nullptr)), capacity_(std::exchange(o.capacity_, 0)) {}
BlockWriter& BlockWriter::operator=(BlockWriter&& o) noexcept {
  std::swap(block_, o.block_);
  std::swap(capacity_, o.capacity_);
  return *this;
}
BlockWriter::~BlockWriter() {
  if (!block_) return;
  block_->~Block();
  std::free(block_);
}
std::span<char> BlockWriter::space() { return {block_->data() + block_->bytes, capacity_ - block_->bytes}; }
void BlockWriter::wrote(std::size_t n) { block_->bytes += static_cast<std::uint32_t>(n); }
std::span<char> BlockWriter::data() { return {block_->data(), block_->bytes}; }

Batch BlockWriter::seal(std::span<const Batch::Slot> index, Receipt* receipt, const BatchInfo& info, Ticket& charge) {
  const auto size = block_size(block_->bytes, index.size(), 1);
  auto* block = std::exchange(block_, nullptr);
  // Block is not a trivial type, but nothing points into it, so realloc may move it like the bytes behind it.
  block = static_cast<Batch::Block*>(std::realloc(static_cast<void*>(block), size.count()));
  if (!block) throw std::bad_alloc();
  std::memset(block->data() + block->bytes, 0, padded(block->bytes) - block->bytes);
  block->events = static_cast<std::uint32_t>(index.size());
  block->run_count = 1;
  block->info = info;
  block->charge = charge.split(size);
  if (!index.empty()) std::memcpy(block->index(), index.data(), index.size_bytes());
  block->runs()[0] = {receipt, block->events};
  // The byte behind the last event is padding when the body did not end its last line: make it one.
  if (!index.empty() && index.back().offset + index.back().length == block->bytes) block->data()[block->bytes] = '\n';
  block->single_lines = lies_as_lines(block->data(), index);
  return Batch(block, 0, block->events, true);
}

BatchBuilder::BatchBuilder(Limits limits) : limits_(limits) {}

bool BatchBuilder::fits(std::size_t event_bytes) const {
  if (index_.empty()) return true;
  return large_.empty() && index_.size() < limits_.events && used_ + event_bytes + 1 <= limits_.bytes.count();
}

void BatchBuilder::add(std::string_view event, Receipt* receipt) {
  if (event.size() + 1 > limits_.bytes.count()) {
    large_.assign(event).push_back('\n');
    index_.push_back({0, static_cast<std::uint32_t>(event.size()), 0});
  } else {
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<char[]>(limits_.bytes.count());
    std::memcpy(bytes_.get() + used_, event.data(), event.size());
    index_.push_back({static_cast<std::uint32_t>(used_), static_cast<std::uint32_t>(event.size()), size()});
    used_ += event.size();
    bytes_[used_++] = '\n';
  }
  if (!runs_.empty() && runs_.back().receipt == receipt)
    ++runs_.back().events;
  else
    runs_.push_back({receipt, 1});
}

Batch BatchBuilder::seal(const BatchInfo& info, Ticket* spare) { return seal(info, spare, true); }
Batch BatchBuilder::seal_unowed(const BatchInfo& info) { return seal(info, nullptr, false); }

Batch BatchBuilder::seal(const BatchInfo& info, Ticket* spare, bool receipts) {
  const std::string_view bytes = large_.empty() ? std::string_view(bytes_.get(), used_) : std::string_view(large_);
  const auto size = block_size(bytes.size(), index_.size(), runs_.size());
  // Tickets gathered here cover the block whenever the budget is in play; tests and footprint-backed edges pass none.
  Ticket charge = charge_.amount() >= size ? charge_.split(size) : std::move(charge_);
  if (spare) spare->absorb(std::move(charge_));
  charge_ = Ticket{};
  Batch batch = make_batch(bytes, index_, runs_, info, std::move(charge), receipts);
  used_ = 0;
  large_.clear();
  large_.shrink_to_fit();
  index_.clear();
  runs_.clear();
  return batch;
}

}  // namespace weir
