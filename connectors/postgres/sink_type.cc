#include <algorithm>
#include <bit>

#include "postgres_sink.h"

namespace weir::postgres {
namespace {

std::vector<OptionSpec> options() {
  using enum OptionKind;
  return {
      {.name = "url",
       .required = true,
       .help = "The database, as postgresql://USER@HOST:PORT/DATABASE or KEYWORD=VALUE pairs; what is not said is as "
               "libpq has it."},
      {.name = "password_env", .help = "The environment variable that holds the password."},
      {.name = "password_file", .kind = path, .help = "A file whose first line is the password."},
      {.name = "table", .fallback = "events", .help = "NAME or SCHEMA.NAME, taken as written."},
      {.name = "create", .kind = boolean, .fallback = "false", .help = "Make the table if it is not there."},
      {.name = "columns",
       .kind = table,
       .help = "NAME: FROM [TYPE] [required | default VALUE]; FROM is a path, `event` or `received`. Without it: "
               "`event`, the whole event as jsonb, and its `id`."},
      {.name = "key",
       .kind = texts,
       .help = "The columns of the primary key or unique index; a row that is there already stays as it is. Without "
               "`columns` it is [id]; [] only adds."},
      {.name = "id",
       .kind = expression,
       .help = "Without `columns`: the path of an event's id, .id if it is not said; without one, or with an empty "
               "one, it gets a number."},
      {.name = "mode",
       .kind = choice,
       .fallback = "insert",
       .help =
           "insert: INSERT of whole arrays. copy: binary COPY, only without a key. auto: COPY from 5000 rows on, if "
           "there is no key.",
       .choices = {"insert", "copy", "auto"}},
      {.name = "max_statement",
       .kind = size,
       .fallback = "2MiB",
       .help =
           "Largest statement; a larger batch is sent as several, and an event may have a quarter of it. Less where "
           "memory is small.",
       .shrinks = Shrinks{.least = "512KiB", .events = 5}},
      {.name = "statement_timeout",
       .kind = duration,
       .fallback = "30s",
       .help = "The server ends a statement that takes longer; then it is tried again."},
      {.name = "connect_timeout", .kind = duration, .fallback = "5s", .help = "How long connecting may take."},
      {.name = "tls",
       .kind = choice,
       .help = "As libpq's sslmode, and instead of it: verify-full checks the certificate and the name.",
       .choices = {"disable", "prefer", "require", "verify-ca", "verify-full"}},
      {.name = "tls_ca", .kind = path, .help = "PEM file of the certificates to trust."},
      {.name = "tls_certificate", .kind = path, .help = "PEM file of our own certificate."},
      {.name = "tls_key", .kind = path, .help = "PEM file of its key, which nobody else may read."},
  };
}

std::vector<Footprint> footprint(const Options& options, Load batch) {
  const Bytes statement = std::clamp(options.get_or<Bytes>("max_statement", 2_MiB), 64_KiB, 256_MiB);
  constexpr Bytes session = 256_KiB;       // measured: TLS, what libpq has read, an error with its context
  constexpr std::uint64_t per_event = 32;  // its place, whether it is refused, whether it was sent; doubling vectors
  return {{statement * 2 + session + Bytes(batch.events * per_event), {}, 0, "statement"},
          // It doubles its buffer as it needs to, and never gives it back.
          {Bytes(std::bit_ceil(statement.count())), {}, 0, "libpq", true},
          {{}, Rows::largest_event(statement) * 5, 1, "event being read"}};
}

}  // namespace

SinkType sink_type() {
  SinkType type;
  type.name = "postgres";
  type.summary = "inserts each event once, by its key, into a table of a PostgreSQL database";
  type.options = options();
  type.ack = [](const Options&) { return SinkAck::durable; };
  type.max_workers = [](const Options&) { return 100; };
  type.idempotent = true;
  type.footprint = footprint;
  type.make = [](const SinkSetup& setup) { return std::make_unique<PostgresSink>(setup); };
  return type;
}

void add_to(Catalog& catalog) { catalog.add(sink_type()); }

}  // namespace weir::postgres
