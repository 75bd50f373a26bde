#pragma once
/// One random case, run through the engine and through the reference model at the same time: the same graph, the same
/// policies, the same units offered, the same reactor turns, worker steps, clock and faults. After every step they must
/// agree about everything that can be seen: who is refused at the door and what is under way, what waits where and of
/// which priority, pauses, who is ready, fates of every receipt, every counter of the ledger, what the remote end holds
/// and in which order, and what a worker needs next.
///
/// Nothing is approximated. Chance inside the engine (the draws of drop_random) comes from the same seed on both sides,
/// backoff is drawn without jitter, and the retry budget, CoDel and bounds sized by time are left out: they have tests
/// of their own.
///
/// Thread: one. Cost: about a millisecond a case; tests only.
#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>

#include "pipeline/entry/reactor_output.h"
#include "pipeline/graph/flow.h"
#include "pipeline/model/model.h"

namespace weir::model {

/// The remote end of a scripted sink: behaves as it is told and remembers what it confirmed.
struct OtherSide {
  Behaviour behaviour;
  std::vector<std::uint64_t> held;
};

Graph draw_graph(Rng& rng);
config::Config config_of(const Graph& graph);
/// Stage "modulo", source and sink "scripted" (sides by sink name; sources are driven from outside).
void add_scripted(Catalog& catalog, std::map<std::string, OtherSide>& sides);
std::unique_ptr<weir::Sink> scripted_sink(OtherSide& side);
/// An event as text: its number, padded to so many bytes. And back, also out of a dead letter.
std::string text_of(const Event& event);
std::uint64_t id_of(std::string_view text);

class Lockstep {
 public:
  explicit Lockstep(std::uint64_t seed);
  ~Lockstep();
  /// Empty: they agreed to the end. Else where they first differed.
  std::string run();
  std::uint64_t events() const { return next_id_; }

 private:
  struct RealUnit final : ReceiptOwner {
    void on_settled(Receipt&) noexcept override { settled = true; }
    Receipt receipt{*this};
    std::vector<Event> events;
    async::Permit permit;  // of its source's guards
    bool settled = false, witnessed = false;
  };
  /// What a source has read and not yet given.
  struct Offer {
    std::vector<Event> events;
    std::size_t given = 0;
    bool whole = false;  // one batch instead of event by event
    int unit = nobody;
    async::Permit permit;  // of one without a receipt: until it is given
  };
  struct RealSource {
    boost::asio::io_context io;
    std::unique_ptr<pipeline::ReactorOutput> output;
    std::optional<Offer> offer;
  };
  pipeline::SinkNode& node(std::size_t sink) { return flow_->sink("sink" + std::to_string(sink)); }
  void step();
  void offer(int source);
  void give(int source);
  void end_settled();
  void turn(int source);
  void work(int sink, int worker);
  void misbehave();
  void advance(Duration d);
  void finish();
  void drain();
  void abandon();
  bool idle() const;
  std::string left() const;  ///< for people: where the rest is
  void compare();
  void compare_source(std::size_t source);
  void compare_stage(std::size_t stage);
  void compare_line(std::size_t sink);
  void compare_sink(std::size_t sink);
  void compare_unit(std::size_t unit);
  void witness(std::size_t unit);
  void differ(const std::string& what);
  /// Records the first difference only: what follows it means nothing.
  template <typename A, typename B>
  void same(std::string_view what, const A& engine, const B& model) {
    if (difference_.empty() && engine != static_cast<A>(model))
      differ(fmt::format("{}: the engine says {}, the model {}", what, engine, model));
  }

  Rng rng_;
  Graph graph_;
  ManualClock clock_;
  Context context_;
  Catalog catalog_;
  std::map<std::string, OtherSide> sides_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<pipeline::Flow> flow_;
  std::vector<std::unique_ptr<RealUnit>> units_;
  std::vector<std::unique_ptr<RealSource>> sources_;
  std::vector<std::vector<std::unique_ptr<pipeline::Worker>>> workers_;  // by sink
  std::uint64_t next_id_ = 0;
  int steps_ = 0;
  std::string last_step_, difference_;
};

}  // namespace weir::model
