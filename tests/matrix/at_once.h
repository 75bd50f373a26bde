#pragma once
/// Runs cells several at a time: they wait far more than they work. What takes the whole process (its standard input
/// or output) runs alone, afterwards.
///
/// Thread: the caller's and `lanes` of its own. Cost: tests only.
#include <atomic>
#include <thread>
#include <vector>

#include "parts.h"

namespace weir::matrix {

inline bool takes_the_process(std::string_view source, std::string_view sink) {
  return source == "stdin" || sink == "stdout";
}

template <typename Cell, typename Run>
void run_at_once(const std::vector<Cell>& cells, const Run& run) {
  constexpr int lanes = 8;
  const auto alone = [](const Cell& cell) { return takes_the_process(cell.source->name, cell.sink->name); };
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < lanes; ++i)
      threads.emplace_back([&] {
        for (auto at = next++; at < cells.size(); at = next++)
          if (!alone(cells[at])) run(cells[at]);
      });
  }
  for (const Cell& cell : cells)
    if (alone(cell)) run(cell);
}

}  // namespace weir::matrix
