#pragma once
/// The contract of sinks, checked in the same way for all: a connector's test makes a SinkUnderTest and expects no
/// problems. The pipeline relies on a sink's declaration without checking it, so this kit does.
///
///   level       what deliver() called done is there: at once, without close, when the ack is received or durable;
///               after close otherwise
///   shapes      1 event, 1024, one of 256 KiB, blocks that do not lie as lines, split blocks, several batches,
///               line feeds inside events, nothing at all
///   drain       close after deliver loses nothing; opening again adds to what is there
///   refusal     an event that can never be taken is reported by its index, and its neighbours are stored
///   idempotence where declared: delivering again, also after opening again, doubles nothing
///   footprint   what stays allocated after a full batch is within the declared memory (measured with mallinfo2, so
///               not under a sanitizer; what is freed within one call is not seen)
///
/// Thread: one. Cost: for tests.
#include <weir/component/catalog.h>

#include <functional>
#include <string>
#include <vector>

namespace weir::conformance {

struct SinkUnderTest {
  const SinkType& type;
  /// Options of a destination that holds nothing yet: another one each time.
  std::function<Options()> fresh;
  /// The events the destination holds, in any order. Absent where it cannot be read back.
  std::function<std::vector<std::string>(const Options&)> read_back{};
  /// How an event is read back, where a format must change it without changing its meaning.
  std::function<std::string(std::string_view)> as_stored = [](std::string_view event) { return std::string(event); };
  /// Events that this sink must refuse permanently.
  std::vector<std::string> refuses{};
  Bytes largest_event = 256_KiB;
};

/// One sentence for each broken promise; empty when all are kept.
std::vector<std::string> check_sink(const SinkUnderTest& sink);

}  // namespace weir::conformance
