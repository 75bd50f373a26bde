#pragma once
/// A batch on its way through the stages of a Route: which of its events the stages have been asked about, and the
/// verdict of each stage on each.
///
/// Stages are asked about an event once, however long it then waits for room: a stage may count, remember or spend a
/// token. So the answers stay here, beside the batch, until the event has gone. They are made a chunk at a time (1024
/// events, or as many as fill an output buffer), which bounds what a batch of any size may hold here.
///
/// Thread: one reactor. Cost: one virtual call per event and stage; 24 bytes per event and stage. Memory: for each
/// stage a buffer of at most `batch_bytes` and one event, kept for the next chunk.
#include <weir/component/expression/json_event.h>

#include "pipeline/route/route.h"

namespace weir::pipeline {

/// What became of one event at one stage.
struct Outcome {
  enum class End : std::uint8_t { emitted, ended, merged };
  End end = End::ended;
  bool reached = false;  ///< false: no input let it through; `fate` is why
  std::uint8_t output = 0;
  Fate fate = Fate::filtered;  ///< with ended
  Reason reason = Reason::sink_failed;
  std::int16_t owner = Route::raw;  ///< whose buffer holds its bytes
  std::uint32_t offset = 0, length = 0;
  std::uint64_t window = 0;  ///< with merged
};

class StagedBatch {
 public:
  static constexpr std::uint32_t chunk_events = 1024;
  StagedBatch(const Route& route, Bytes chunk_bytes);

  bool empty() const { return batch.empty(); }
  void board(Batch b, Ticket s);
  /// Asks the stages about the next chunk, unless the answers about the last one are not used up. How long to wait when
  /// a stage says later; 0: it did not.
  /// `json` is what the stages share; what it spoke about before is forgotten.
  Duration look(std::span<const std::unique_ptr<Stage>> stages, JsonEvent& json, TimePoint now, WallTime wall);
  /// How many events at the front have all their answers.
  std::uint32_t known() const { return route_.steps.empty() ? batch.size() : looked_ - gone_; }

  const Outcome& at(std::size_t step, std::uint32_t event) const { return outcomes_[step][gone_ + event]; }
  /// The version of an event that comes out of these inputs; nothing: none. `batch` must not have been split yet.
  struct Version {
    bool arrives = false;
    std::string_view bytes{};
    Fate fate = Fate::filtered;  ///< when it does not arrive
    Reason reason = Reason::sink_failed;
    const Outcome* from = nullptr;  ///< whose output it is; null: the origin's own
  };
  Version version(const Batch& front, const std::vector<Route::Input>& inputs, std::uint32_t event) const;
  /// The first n have left the batch.
  void went(std::uint32_t n);

  Batch batch;   ///< what has not gone yet
  Ticket spare;  ///< for the copies that are made of it

 private:
  Duration ask(std::size_t step, Stage& stage, JsonEvent& json, TimePoint now, WallTime wall);
  Outcome outcome_of(const Verdict& verdict, std::size_t step, const Version& input, std::size_t before);
  std::size_t make_room(std::size_t step, std::size_t input);
  std::string_view bytes_of(const Batch& front, const Outcome& o, std::uint32_t event) const;
  bool full() const;
  void forget();

  const Route& route_;
  const std::size_t chunk_bytes_;
  std::vector<std::vector<Outcome>> outcomes_;  // for each step, of the events of this chunk
  std::vector<std::string> buffers_;            // for each step, what it rewrote
  std::uint32_t looked_ = 0, gone_ = 0;         // events of the chunk: with all answers; sent on
  std::size_t next_step_ = 0;                   // of the event that was told to come later
};

}  // namespace weir::pipeline
