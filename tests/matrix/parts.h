#pragma once
/// What the matrix has to know of each type of component: a few options that make it small and fast, how a source is
/// made to send, and how a sink is asked what it holds. Everything else it learns from the catalog; a type that is
/// missing here fails the matrix.
///
/// Thread: one, but for drivers and faults, which say so. Cost: tests only.
#include <weir/component/catalog.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace weir::matrix {

/// What the senders of one run know.
struct Sent {
  std::mutex mutex;
  std::set<std::string> sent, told_stored;  ///< ids
  bool ids_known = true;                    ///< false: the source makes its own events
  std::uint64_t accepted = 0, refused = 0;  ///< units
};

struct SourcePart {
  std::string options;  ///< YAML, one option a line
  /// Sends until it has sent what one run takes, or waits until the source has made it. Several threads are its own.
  std::function<void(const std::string& address, Sent& sent)> drive;
};

struct SinkPart {
  std::function<std::string(const std::string& folder)> options;
  /// The ids it holds, each as often as it holds it. Nothing: it keeps nothing, what it confirmed is taken for it.
  std::function<std::vector<std::string>(const std::string& folder)> held;
  bool durable_if_asked = true;  ///< these options claim more than `sent`
};

std::map<std::string, SourcePart> source_parts();
std::map<std::string, SinkPart> sink_parts();
/// The id in an event's JSON, or of a line that holds one.
std::string id_in(std::string_view event);

/// Stands between the flow and each sink of a catalog and makes trouble in bursts: refuses before delivering, loses the
/// answer after it, is slow. Remembers what was confirmed.
class Trouble {
 public:
  void install(Catalog& catalog, const Catalog& original);
  std::vector<std::string> confirmed() const;
  std::uint64_t faults() const { return faults_.load(); }

 private:
  class TroubledSink;
  mutable std::mutex mutex_;
  std::vector<std::string> confirmed_;
  std::atomic<std::uint64_t> calls_{0}, faults_{0};
};

}  // namespace weir::matrix
