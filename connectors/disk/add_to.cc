#include <weir/component/mode_option.h>

#include <algorithm>

#include "disk_journal.h"

namespace weir::disk {
namespace {

std::vector<OptionSpec> options() {
  using Kind = OptionKind;
  return {
      {.name = "path", .kind = Kind::path, .required = true, .help = "The folder it lives in; nothing else should."},
      {.name = "max_bytes",
       .kind = Kind::size,
       .fallback = "10GiB",
       .help = "What it may take of the disk, spare segments included."},
      {.name = "durability",
       .kind = Kind::choice,
       .fallback = "commit",
       .help = "When an event counts as stored: commit, once it is on the disk; interval, synced every `interval`; "
               "none, whenever the kernel writes it. Only commit carries acks: stored.",
       .choices = {"commit", "interval", "none"}},
      {.name = "interval",
       .kind = Kind::duration,
       .fallback = "1s",
       .help = "With durability: interval, how much a power loss may cost."},
      {.name = "when_full",
       .kind = Kind::choice,
       .fallback = "block",
       .help = "When max_bytes are full of what consumers have not read: block and reject hold the sources up, "
               "drop_newest loses what comes, drop_oldest whole segments that only optional consumers miss.",
       .choices = {"block", "reject", "drop_newest", "drop_oldest"}},
      {.name = "keep",
       .kind = Kind::duration,
       .help = "How long what every consumer has read stays, for replay, while there is room. Without it, it is given "
               "up at once."},
      {.name = "forget",
       .kind = Kind::texts,
       .help =
           "Consumers that are no longer in this file: what they have not read is given up. Without it, it is kept."},
      {.name = "segment",
       .kind = Kind::size,
       .help = "The size of its files: room is given back in such pieces. A sixteenth of max_bytes, at least 1MiB and "
               "at most 64MiB, if not said."},
      {.name = "read_ahead",
       .kind = Kind::size,
       .fallback = "4MiB",
       .help = "The memory of each consumer: what it has on the way to its sink; less where memory is small.",
       .shrinks = Shrinks{.least = "1MiB"}},
      mode_option("Who may read and write the files it makes; those that are there keep theirs."),
  };
}

std::vector<Footprint> footprint(const Options&, std::size_t consumers, Bytes largest_event) {
  // Events above the usual sizes have their record built, and read, in one piece.
  const Bytes large = largest_event > 1_MiB ? largest_event + 64_KiB : Bytes{};
  return {{1_MiB + large, {}, 0, "write buffer"}, {{}, 640_KiB + large, consumers, "consumer"}};
}

}  // namespace

void add_to(Catalog& catalog) {
  JournalType type;
  type.name = "disk";
  type.summary = "an append-only log on this machine's disk";
  type.options = options();
  type.ack = [](const Options& o) { return o.text("durability") == "commit" ? SinkAck::durable : SinkAck::sent; };
  type.why_weaker = [](const Options& o) -> std::string {
    return "durability: " + o.text("durability") + " may lose what it has said it has";
  };
  type.may_drop = [](const Options& o) { return o.text("when_full") == "drop_oldest"; };
  type.room = [](const Options& o) { return JournalRoom{"on the disk", o.size("max_bytes")}; };
  type.footprint = footprint;
  type.read_ahead = [](const Options& o) { return o.size("read_ahead"); };
  type.make = [](const JournalSetup& setup) -> std::shared_ptr<Journal> {
    return std::make_shared<DiskJournal>(setup.name, log_config(setup.options), setup.context,
                                         journal::system_disk(mode_of(setup.options)),
                                         setup.options.get_or<std::vector<std::string>>("forget", {}));
  };
  catalog.add(std::move(type));
}

}  // namespace weir::disk
