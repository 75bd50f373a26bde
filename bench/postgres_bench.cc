/// What the postgres sink costs a row above the least that keeps the same promise: a blocking libpq loop that sends the
/// same INSERT .. SELECT unnest .. ON CONFLICT DO NOTHING with binary arrays. The loop knows where its ids are and
/// parses nothing.
///
/// Both write to one table with a primary key, on a server that this program starts (or to --url), in turn and slice by
/// slice, so that whatever else the machine does falls on both alike. One line of JSON: the client's CPU and wall clock
/// for each row of 200 bytes, medians over the pairs. Only CPU is judged: the server's is not in it, and rates are the
/// server's (which of two sessions emptied the table changes them by a third).
#include <fmt/format.h>
#include <libpq-fe.h>
#include <weir/component/catalog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "../connectors/postgres/server_for_test.h"
#include "log/log.h"
#include "support.h"

namespace weir::postgres {
void add_to(Catalog&);
}

namespace weir::bench {
namespace {

constexpr int slices = 6, deliveries = 10;
constexpr const char* insert =
    "INSERT INTO bench_events (id, event) SELECT * FROM unnest($1::text[], $2::jsonb[]) ON CONFLICT (id) DO NOTHING";

struct Spent {
  std::uint64_t wall = 0, cpu = 0, rows = 0;
  template <typename F>
  void on(std::uint64_t n, F&& work) {
    const auto w = wall_ns(), c = thread_cpu_ns();
    work();
    wall += wall_ns() - w;
    cpu += thread_cpu_ns() - c;
    rows += n;
  }
  double cpu_ns() const { return static_cast<double>(cpu) / static_cast<double>(rows); }
  double wall_ns_a_row() const { return static_cast<double>(wall) / static_cast<double>(rows); }
};

/// One array of texts, or of jsonb, which has its version before the text.
class BareArray {
 public:
  BareArray(std::int32_t type, bool version) : type_(type), version_(version) {}
  void begin(std::int32_t count) {
    bytes_.clear();
    for (const std::int32_t field : {1, 0, type_, count, 1}) put(field);
  }
  void add(std::string_view value) {
    put(static_cast<std::int32_t>(value.size()) + version_);
    if (version_) bytes_ += '\1';
    bytes_ += value;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void put(std::int32_t n) {
    const std::uint32_t swapped = __builtin_bswap32(static_cast<std::uint32_t>(n));
    bytes_.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  }
  const std::int32_t type_;
  const bool version_;
  std::string bytes_;
};

class Floor {
 public:
  explicit Floor(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(PQerrorMessage(connection_));
    run("SET client_min_messages = warning; DROP TABLE IF EXISTS bench_events; CREATE TABLE bench_events (id text "
        "PRIMARY KEY, "
        "event jsonb)");
  }
  ~Floor() { PQfinish(connection_); }
  Floor(const Floor&) = delete;
  void run(const char* sql) { must(PQexec(connection_, sql)); }
  void write(std::string_view lines, const EventText& text) {
    const auto rows = static_cast<std::int32_t>(lines.size() / EventText::event_size);
    ids_.begin(rows);
    events_.begin(rows);
    for (; !lines.empty(); lines.remove_prefix(EventText::event_size)) {
      ids_.add(lines.substr(text.id_offset(), text.id_size()));
      events_.add(lines.substr(0, EventText::event_size - 1));
    }
    const std::array values = {ids_.bytes().data(), events_.bytes().data()};
    const std::array lengths = {static_cast<int>(ids_.bytes().size()), static_cast<int>(events_.bytes().size())};
    const std::array formats = {1, 1};
    must(PQexecParams(connection_, insert, 2, nullptr, values.data(), lengths.data(), formats.data(), 0));
  }

 private:
  void must(PGresult* result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(PQerrorMessage(connection_));
    PQclear(result);
  }
  PGconn* connection_;
  BareArray ids_{25, false}, events_{3802, true};
};

Batch batch_of(std::string_view lines, std::uint64_t first_id) {
  std::vector<Batch::Slot> index;
  for (std::uint32_t i = 0; i * EventText::event_size < lines.size(); ++i)
    index.push_back({static_cast<std::uint32_t>(i * EventText::event_size), EventText::event_size - 1, i});
  const Batch::Run run{nullptr, static_cast<std::uint32_t>(index.size())};
  BatchInfo info;
  info.first_id = first_id;
  return make_batch(lines, index, {&run, 1}, info, Ticket{});
}

void deliver(Sink& sink, const Batch& batch) {
  const auto delivery = sink.deliver({&batch, 1});
  if (delivery.outcome != Delivery::Outcome::done || !delivery.refused.empty()) fail(delivery.error.message);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(const std::string& url, std::uint32_t rows, int pairs) {
  Catalog catalog;
  postgres::add_to(catalog);
  Options options;
  options.set("url", url);
  options.set("table", std::string("bench_events"));
  Floor floor(url);
  const Context context;
  const auto sink = catalog.sink("postgres")->make({"bench", options, 0, context});
  if (const auto opened = sink->open(); !opened) fail(opened.error().message);
  EventText text("bench", rows);
  std::uint64_t next = 0;
  std::vector<double> ratios, ours_cpu, floor_cpu, ours_wall, floor_wall;
  for (int pair = 0; pair <= pairs; ++pair) {
    floor.run("TRUNCATE bench_events");
    Spent ours, bare;
    for (int i = 0; i < 2 * slices * deliveries; ++i, next += rows) {
      const auto lines = text.with_ids(next);
      Batch batch = batch_of(lines, next);
      if ((i / deliveries + pair) % 2)
        ours.on(rows, [&] { deliver(*sink, batch); });
      else
        bare.on(rows, [&] { floor.write(lines, text); });
      batch.settle(Fate::stored);
    }
    if (pair == 0) continue;  // warm
    ratios.push_back(ours.cpu_ns() / bare.cpu_ns());
    ours_cpu.push_back(ours.cpu_ns());
    floor_cpu.push_back(bare.cpu_ns());
    ours_wall.push_back(ours.wall_ns_a_row());
    floor_wall.push_back(bare.wall_ns_a_row());
  }
  sink->close();
  fmt::print(
      "{{\"rows\":{},\"pairs\":{},\"cpu_ratio\":{:.2f},\"lowest\":{:.2f},\"highest\":{:.2f},\"cpu_ns\":{:.0f},"
      "\"floor_cpu_ns\":{:.0f},\"rows_per_s\":{:.0f},\"floor_rows_per_s\":{:.0f}}}\n",
      rows, pairs, median(ratios), std::ranges::min(ratios), std::ranges::max(ratios), median(ours_cpu),
      median(floor_cpu), 1e9 / median(ours_wall), 1e9 / median(floor_wall));
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  std::string url;
  std::uint32_t rows = 1000;
  int pairs = 7;
  CLI::App app("What the postgres sink costs a row, against a bare libpq loop.");
  app.add_option("--url", url, "a server to write to: its table `bench_events` is replaced");
  app.add_option("--rows", rows, "a statement")->check(CLI::Range(1, 5000));
  app.add_option("--pairs", pairs)->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  weir::log::set_level(weir::log::Level::warn);
  if (!url.empty()) {
    weir::bench::measure(url, rows, pairs);
    return 0;
  }
  if (const auto why = weir::postgres::TestServer::missing(); !why.empty()) weir::bench::fail(why);
  const weir::postgres::TestServer server(WEIR_SOURCE_DIR);
  weir::bench::measure(server.url, rows, pairs);
}
