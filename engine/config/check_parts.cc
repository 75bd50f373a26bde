// `weir check` refuses what `weir run` would refuse: each part is made, and asked, and nothing is opened.
#include "config/checks.h"

namespace weir::config {
namespace {

template <typename Part>
void ask(Reader& reader, const Node& node, const std::string& path, const std::vector<OptionSpec>& specs,
         const Part& part) {
  const auto fit = part->check();
  if (fit) return;
  std::string message = fit.error().message;
  for (const char* kind : {"source ", "sink ", "journal "})  // the place says whose it is
    if (const std::string who = kind + node.name + ": "; message.starts_with(who)) message.erase(0, who.size());
  report_at_option(reader, path, specs, message);
}

}  // namespace

void check_parts(Reader& reader, const Catalog& catalog, const Draft& draft) {
  const Context here;  // what is made here is asked about its options, never run
  for (const Source& source : draft.config.sources) {
    const SourceType* type = source.is_consumer() ? nullptr : catalog.source(source.type);
    if (!type || !type->make || draft.broken.contains(source.name)) continue;
    const bool keeps = source.on_malformed == Source::OnMalformed::dead_letter;
    const auto made = type->make({source.name, source.options, source.acks, source.priorities, here, keeps});
    ask(reader, source, source.path(), type->options, made);
  }
  for (const Sink& sink : draft.config.sinks) {
    if (draft.broken.contains(sink.name)) continue;
    if (const JournalType* type = sink.is_journal ? catalog.journal(sink.type) : nullptr; type && type->make)
      ask(reader, sink, sink.path(), type->options, type->make({sink.name, sink.options, here}));
    if (const SinkType* type = sink.is_journal ? nullptr : catalog.sink(sink.type); type && type->make)
      ask(reader, sink, sink.path(), type->options, type->make({sink.name, sink.options, 0, here}));
  }
}

}  // namespace weir::config
