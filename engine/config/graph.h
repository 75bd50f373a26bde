#pragma once
/// Which part reaches which. Made from a configuration whose names resolve and whose `from` has no cycles; dead letters
/// are paths too, so the sources that reach a dead-letter target are those that reach a part that names it.
///
/// Thread: immutable; points into the Config, which must outlive it unmoved. Cost: O(parts x sources) once.
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"

namespace weir::config {

class Graph {
 public:
  explicit Graph(const Config& config);

  /// By `from` only.
  const std::vector<const Source*>& sources_of(std::string_view part) const;  ///< of a stage, or what `from` may name
  const std::vector<const Source*>& sources_of(const Sink& sink) const;
  /// By `from` and by dead letters.
  std::vector<const Source*> all_sources_of(const Sink& sink) const;
  /// The sinks a source reaches by `from`, in the order of the file.
  std::vector<const Sink*> sinks_of(const Source& source) const;
  /// Whether events of this part can reach the sink by `from`.
  bool leads_to(std::string_view part, const Sink& sink) const { return leads_to(part, sink.name); }
  /// The same up to any part. A journal ends the way: what comes out of it is another.
  bool leads_to(std::string_view part, std::string_view end) const;
  /// The stages on some way from a source to a sink.
  std::vector<const Stage*> stages_between(const Source& source, const Sink& sink) const;
  /// Whether anything reads from this source or stage.
  bool is_read(std::string_view part) const;
  const Sink* sink(std::string_view name) const;
  /// The priorities that can come out of this source or stage; at least 1.
  int priorities_of(std::string_view part) const;

 private:
  const std::vector<const Source*>& resolve(const std::string& part);
  std::vector<const Source*> collect(const std::string& part, const std::vector<std::string>& from);
  bool may_pass(const Source& source, const std::string& part) const;
  bool is_root(std::string_view part) const;

  const Config& config_;
  std::unordered_map<std::string, const std::vector<std::string>*> from_;
  std::unordered_map<std::string, std::vector<const Source*>> sources_;  // of what can be read
  std::unordered_map<std::string, std::vector<const Source*>> into_;     // of sinks
};

}  // namespace weir::config
