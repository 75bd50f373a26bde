#pragma once
/// What the matrix has to know of each type of component: a few options that make it small and fast, how a source is
/// made to send, and how a sink is asked what it holds. Everything else it learns from the catalog; a type that is
/// missing here fails the matrix.
///
/// Thread: one, but for drivers and faults, which say so. Cost: tests only.
#include <weir/component/catalog.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
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
  std::uint64_t events = 0;                 ///< what must have come in before a run ends; 0: whatever came
};

/// A folder for one run, gone with it.
struct Scratch {
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "weir-matrix-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(folder); }
  std::string folder;
};

/// Where a run has its files, and what its drivers are told.
struct Run {
  std::string folder, address;
  Level acks;
};

struct SourcePart {
  std::function<std::string(const std::string& folder)> options;  ///< YAML, in one line
  /// Sends until it has sent what one run takes, or waits until the source has made it. Several threads are its own.
  std::function<void(const Run& run, Sent& sent)> drive;
  /// What has to be there before the source opens, and for as long as it lives.
  std::function<std::shared_ptr<void>(const std::string& folder)> stand_up{};
  std::string missing{};  ///< why the other side cannot stand up on this machine; empty: it can
};

struct SinkPart {
  std::function<std::string(const std::string& folder)> options;
  /// The ids it holds, each as often as it holds it. Nothing: it keeps nothing, what it confirmed is taken for it.
  std::function<std::vector<std::string>(const std::string& folder)> held;
  SinkAck ack = SinkAck::durable;  ///< what it claims with these options
  /// The remote end, for as long as it is needed.
  std::function<std::shared_ptr<void>(const std::string& folder)> stand_up{};
  std::string missing{};  ///< why the other side cannot stand up on this machine; empty: it can
};

struct StagePart {
  std::string options;
  Level strongest = Level::stored;
  std::string output{};            ///< what the sink reads of it: "st.big"
  bool (*keeps)(int n) = nullptr;  ///< by the event's number; none: all go on
  bool keeps_ids = true;           ///< false: what goes on is not known beforehand
  bool merges = false;             ///< what goes on has `events`, the count of what is in it
};

std::map<std::string, SourcePart> source_parts();
std::map<std::string, SinkPart> sink_parts();
std::map<std::string, StagePart> stage_parts();
/// Why these two cannot be run on this machine; empty: they can.
std::string missing(const std::string& source, const std::string& sink);
/// The sum of a number in all events of out.db.
std::uint64_t sum_of_rows(const std::string& folder, const std::string& member);
/// The id in an event's JSON, or of a line that holds one.
std::string id_in(std::string_view event);

/// Stands between the flow and each sink of a catalog and makes faults in bursts: refuses before delivering, loses the
/// answer after it, is slow; before each journal too. Remembers what sinks confirmed.
class Trouble {
 public:
  void install(Catalog& catalog, const Catalog& original);
  std::vector<std::string> confirmed() const;
  std::uint64_t faults() const { return faults_.load(); }

 private:
  class TroubledSink;
  class TroubledJournal;
  mutable std::mutex mutex_;
  std::vector<std::string> confirmed_;
  std::atomic<std::uint64_t> calls_{0}, faults_{0};
};

}  // namespace weir::matrix
