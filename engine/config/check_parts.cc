// `weir check` refuses what `weir run` would refuse: each part is made, and asked, and nothing is opened.
#include "config/checks.h"

namespace weir::config {
void report_check(Reader& reader, const std::string& name, const std::string& path,
                  const std::vector<OptionSpec>& specs, const Result<void>& fit) {
  if (fit) return;
  std::string message = fit.error().message;
  for (const char* kind : {"source ", "sink ", "journal "})  // the place says whose it is
    if (const std::string who = kind + name + ": "; message.starts_with(who)) message.erase(0, who.size());
  report_at_option(reader, path, specs, message);
}

void check_parts(Reader& reader, const Catalog& catalog, const Draft& draft) {
  const Context here;  // what is made here is asked about its options, never run
  for (const Source& source : draft.config.sources) {
    const SourceType* type = source.is_consumer() ? nullptr : catalog.source(source.type);
    if (!type || !type->make || draft.broken.contains(source.name)) continue;
    const bool keeps = source.on_malformed == Source::OnMalformed::dead_letter;
    const auto made = type->make({source.name, source.options, source.acks, source.priorities, here, keeps});
    report_check(reader, source.name, source.path(), type->options, made->check());
  }
  for (const Sink& sink : draft.config.sinks) {
    if (draft.broken.contains(sink.name)) continue;
    if (const JournalType* type = sink.is_journal ? catalog.journal(sink.type) : nullptr; type && type->make)
      report_check(reader, sink.name, sink.path(), type->options, type->make({sink.name, sink.options, here})->check());
    if (const SinkType* type = sink.is_journal ? nullptr : catalog.sink(sink.type); type && type->make)
      report_check(reader, sink.name, sink.path(), type->options,
                   type->make({sink.name, sink.options, 0, here})->check());
  }
}

}  // namespace weir::config
