#include <weir/component/push_events.h>

#include <algorithm>

namespace weir {

void push_copy(SourceOutput& output, std::string_view text, std::span<const Batch::Slot> index, Receipt* receipt,
               const BatchInfo& info, Ticket& ticket) {
  const Batch::Run run{receipt, static_cast<std::uint32_t>(index.size())};
  const Bytes size = block_size(text.size(), index.size(), 1);
  const Bytes on_the_way = output.cost(text.size(), index.size()) - size;
  Ticket charge = ticket.split(std::min(size, ticket.amount()));
  Ticket spare = ticket.split(std::min(on_the_way, ticket.amount()));
  output.push(make_batch(text, index, {&run, 1}, info, std::move(charge)), std::move(spare));
}

bool PrioritySplit::pick(Priority priority, std::string_view text, std::span<const Batch::Slot> index,
                         std::span<const Priority> priorities) {
  text_.clear();
  index_.clear();
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (priorities[i] != priority) continue;
    index_.push_back({static_cast<std::uint32_t>(text_.size()), index[i].length, index[i].number});
    text_.append(text.substr(index[i].offset, index[i].length)).push_back('\n');
  }
  return !index_.empty();
}

void push_by_priority(SourceOutput& output, PrioritySplit& split, std::string_view text,
                      std::span<const Batch::Slot> index, std::span<const Priority> priorities, Receipt* receipt,
                      BatchInfo info, Ticket& ticket) {
  for (int c = priority_count; c-- > 0;) {
    info.priority = static_cast<Priority>(c);
    if (split.pick(info.priority, text, index, priorities))
      push_copy(output, split.text(), split.index(), receipt, info, ticket);
  }
}

}  // namespace weir
