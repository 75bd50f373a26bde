#include "parts.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "../../connectors/kafka/cluster_for_test.h"
#include "../../connectors/postgres/server_for_test.h"
#include "net/http_client.h"

namespace weir::matrix {
namespace {

using namespace std::chrono_literals;

constexpr int clients = 3, requests_each = 12, events_each = 9;
constexpr int generated = 250;

void post(const std::string& address, int client, int request, Sent& sent) {
  const auto slash = address.find('/', 7);
  const std::string host = address.substr(7, slash - 7), path = address.substr(slash);
  std::string body;
  std::vector<std::string> ids;
  for (int e = 0; e < events_each; ++e) {
    ids.push_back(fmt::format("{}-{}-{}", client, request, e));
    body += fmt::format("{{\"id\":\"{}\",\"n\":{}}}\n", ids.back(), e);
  }
  {
    std::lock_guard lock(sent.mutex);
    sent.sent.insert(ids.begin(), ids.end());
  }
  const auto reply = net::http_request("POST", host, path, body, 20s);
  std::lock_guard lock(sent.mutex);
  if (!reply || reply->status >= 300) {
    ++sent.refused;
    return;
  }
  ++sent.accepted;
  // What is told is one sentence about the whole unit: stored, or what became of it instead.
  if (reply->status == 200 && reply->body.find("\"fate\":\"stored\"") != std::string::npos)
    sent.told_stored.insert(ids.begin(), ids.end());
}

void drive_http(const Run& run, Sent& sent) {
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      for (int r = 0; r < requests_each; ++r) post(run.address, c, r, sent);
    });
  for (auto& thread : threads) thread.join();
}

/// Lines of events that the driver knows, for sources that give no answers.
std::string known_lines(Sent& sent) {
  std::lock_guard lock(sent.mutex);
  std::string lines;
  for (int n = 0; n < clients * requests_each * events_each; ++n) {
    const auto id = fmt::format("line-{}-{}", n / events_each, n % events_each);
    sent.sent.insert(id);
    lines += fmt::format("{{\"id\":\"{}\",\"n\":{}}}\n", id, n % events_each);
  }
  sent.accepted = 1;
  sent.events = sent.sent.size();
  return lines;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

int connect_to(const std::string& address) {
  const auto colon = address.rfind(':');
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  return fd;
}

void drive_tcp(const Run& run, Sent& sent) {
  const int fd = connect_to(run.address);
  write_all(fd, known_lines(sent));
  ::close(fd);
}

void drive_file(const Run& run, Sent& sent) {
  const std::string lines = known_lines(sent);
  std::ofstream(run.folder + "/in.ndjson", std::ios::app) << lines;
  // Nobody is answered: what a run that ends well has read to the end with acks: stored is stored.
  if (run.acks == Level::stored) sent.told_stored = sent.sent;
}

/// The process's own standard input, for as long as it lives.
struct StandardInput {
  StandardInput() : kept(::dup(0)) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    ::dup2(ends[0], 0);
    ::close(ends[0]);
    in = ends[1];
  }
  ~StandardInput() {
    close_in();
    ::dup2(kept, 0);
    ::close(kept);
  }
  void close_in() {
    if (in >= 0) ::close(std::exchange(in, -1));
  }
  int kept, in = -1;
};
std::weak_ptr<StandardInput> standard_input;

void drive_stdin(const Run&, Sent& sent) {
  const auto to = standard_input.lock();
  write_all(to->in, known_lines(sent));
  to->close_in();
}

/// The process's own standard output goes to a file for as long as it lives.
struct StandardOutput {
  explicit StandardOutput(const std::string& path) : kept(::dup(1)) {
    std::fflush(stdout);
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::close(fd);
  }
  ~StandardOutput() {
    std::fflush(stdout);
    ::dup2(kept, 1);
    ::close(kept);
  }
  int kept;
};

/// A server that writes what it is sent to out.ndjson: lines as they come, or the bodies of HTTP requests, each stored
/// before it is answered.
class OtherSide {
 public:
  OtherSide(const std::string& folder, bool http) : http_(http), out_(folder + "/out.ndjson") {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&here), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
    std::ofstream(folder + "/port") << ntohs(here.sin_port);
    accepting_ = std::thread([this] {
      for (int fd; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;)
        connections_.emplace_back([this, fd] { serve(fd); });
    });
  }
  ~OtherSide() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    ::close(listener_);
    for (auto& connection : connections_) connection.join();
  }

 private:
  void serve(int fd) {
    std::string bytes;
    char piece[4096];
    for (ssize_t n; (n = ::read(fd, piece, sizeof piece)) > 0;) {
      bytes.append(piece, static_cast<std::size_t>(n));
      while (http_ && answer(fd, bytes)) {
      }
    }
    if (!http_) store(bytes);
    ::close(fd);
  }
  bool answer(int fd, std::string& bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return false;
    std::string head = bytes.substr(0, end);
    std::ranges::transform(head, head.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const auto length = head.find("content-length: ");
    if (length == head.npos) return false;
    const auto size = static_cast<std::size_t>(std::stoul(head.substr(length + 16)));
    if (bytes.size() < end + 4 + size) return false;
    store(bytes.substr(end + 4, size));
    bytes.erase(0, end + 4 + size);
    write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return true;
  }
  void store(const std::string& lines) {
    std::lock_guard lock(mutex_);
    std::ofstream(out_, std::ios::app) << lines;
  }

  const bool http_;
  const std::string out_;
  int listener_ = -1;
  std::mutex mutex_;
  std::thread accepting_;
  std::vector<std::thread> connections_;
};

std::vector<std::string> lines_held(const std::string& folder) {
  std::vector<std::string> ids;
  std::ifstream in(folder + "/out.ndjson");
  for (std::string line; std::getline(in, line);) ids.push_back(id_in(line));
  return ids;
}

std::vector<std::string> rows_held(const std::string& folder) {
  std::vector<std::string> ids;
  sqlite3* database = nullptr;
  if (sqlite3_open_v2((folder + "/out.db").c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK)
    sqlite3_exec(
        database, "SELECT id FROM events",
        [](void* to, int, char** values, char**) {
          static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
          return 0;
        },
        &ids, nullptr);
  sqlite3_close(database);
  return ids;
}

/// Of the servers below, when runs go on beside each other.
std::mutex servers_mutex;

/// One for all runs of the process, started by the first; each run has a table of its own.
std::unique_ptr<postgres::TestServer> postgres_server;

std::string table_of(const std::string& folder) { return "t" + std::to_string(std::hash<std::string>()(folder)); }

std::string postgres_options(const std::string& folder) {
  return fmt::format("url: \"{}\"\n    table: {}\n    create: true",
                     postgres_server ? postgres_server->url : "postgresql://127.0.0.1:9/nobody", table_of(folder));
}

std::shared_ptr<void> stand_up_postgres(const std::string&) {
  const std::lock_guard lock(servers_mutex);
  if (!postgres_server) postgres_server = std::make_unique<postgres::TestServer>(WEIR_SOURCE_DIR);
  return nullptr;
}

std::vector<std::string> ids_in_table(const std::string& folder) {
  const std::lock_guard lock(servers_mutex);
  return postgres_server->query("SELECT id FROM " + table_of(folder));
}

/// One cluster for all runs, a topic and a group for each.
std::unique_ptr<kafka::RealCluster> kafka_cluster;

std::string topic_of(const std::string& folder) { return std::filesystem::path(folder).filename(); }

std::string kafka_options(const std::string& folder) {
  return fmt::format("brokers: [{0}], topics: [{1}], group: {1}, commit_interval: 50ms",
                     kafka_cluster ? kafka_cluster->address() : "127.0.0.1:9", topic_of(folder));
}

std::shared_ptr<void> make_topic(const std::string& topic) {
  const std::lock_guard lock(servers_mutex);
  if (!kafka_cluster) kafka_cluster = std::make_unique<kafka::RealCluster>(WEIR_SOURCE_DIR);
  kafka_cluster->create(topic, 2);
  return nullptr;
}

std::shared_ptr<void> stand_up_kafka(const std::string& folder) { return make_topic(topic_of(folder)); }

std::string kafka_sink_options(const std::string& folder) {
  return fmt::format("brokers: [\"{}\"]\n    topic: \"{}-out\"\n    key: .id",
                     kafka_cluster ? kafka_cluster->address() : "127.0.0.1:9", topic_of(folder));
}

std::shared_ptr<void> stand_up_kafka_sink(const std::string& folder) { return make_topic(topic_of(folder) + "-out"); }

std::vector<std::string> messages_held(const std::string& folder) {
  std::vector<std::string> ids;
  for (const auto& event : kafka_cluster->read(topic_of(folder) + "-out", 2)) ids.push_back(id_in(event));
  return ids;
}

void drive_kafka(const Run& run, Sent& sent) {
  std::istringstream lines(known_lines(sent));
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n)
    kafka_cluster->produce(topic_of(run.folder), n % 2, line.c_str());
  kafka_cluster->flush();
  if (run.acks == Level::stored) sent.told_stored = sent.sent;
}

}  // namespace

std::uint64_t sum_of_rows(const std::string& folder, const std::string& member) {
  std::uint64_t sum = 0;
  sqlite3* database = nullptr;
  if (sqlite3_open_v2((folder + "/out.db").c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK)
    sqlite3_exec(
        database, fmt::format("SELECT sum(event ->> '$.{}') FROM events", member).c_str(),
        [](void* to, int, char** values, char**) {
          if (values[0]) *static_cast<std::uint64_t*>(to) = std::stoull(values[0]);
          return 0;
        },
        &sum, nullptr);
  sqlite3_close(database);
  return sum;
}

std::string id_in(std::string_view event) {
  constexpr std::string_view mark = R"("id":")";
  const auto at = event.find(mark);
  if (at == event.npos) return {};
  event.remove_prefix(at + mark.size());
  return std::string(event.substr(0, event.find('"')));
}

std::map<std::string, SourcePart> source_parts() {
  const auto always = [](std::string options) { return [options](const std::string&) { return options; }; };
  return {
      {"http", {always("listen: 127.0.0.1:0, max_connections: 16"), drive_http}},
      {"generator",
       {always(fmt::format("rate: 20000/s, count: {}", generated)),
        [](const Run&, Sent& sent) {
          sent.ids_known = false;
          sent.accepted = 1;
          sent.events = generated;
        }}},
      {"tcp", {always("listen: 127.0.0.1:0, max_connections: 16"), drive_tcp}},
      {"file",
       {[](const std::string& folder) { return "path: " + folder + "/in.ndjson, mode: follow, poll: 10ms"; },
        drive_file}},
      {"stdin",
       {always("max_event: 64KiB"), drive_stdin,
        [](const std::string&) {
          const auto input = std::make_shared<StandardInput>();
          standard_input = input;
          return input;
        }}},
      {"kafka", {kafka_options, drive_kafka, stand_up_kafka, kafka::RealCluster::missing()}},
  };
}

std::map<std::string, SinkPart> sink_parts() {
  const auto told_port = [](const std::string& folder) {
    std::string port = "9";  // where nobody is asked to connect
    std::ifstream(folder + "/port") >> port;
    return port;
  };
  return {
      {"file", {[](const std::string& folder) { return "path: " + folder + "/out.ndjson"; }, lines_held}},
      {"sqlite", {[](const std::string& folder) { return "path: " + folder + "/out.db"; }, rows_held}},
      {"postgres",
       {postgres_options, ids_in_table, SinkAck::durable, stand_up_postgres, postgres::TestServer::missing()}},
      {"kafka",
       {kafka_sink_options, messages_held, SinkAck::received, stand_up_kafka_sink, kafka::RealCluster::missing()}},
      {"blackhole", {[](const std::string&) { return std::string("delay: 1ms"); }, nullptr, SinkAck::received}},
      {"stdout",
       {[](const std::string&) { return std::string("format: json"); }, lines_held, SinkAck::sent,
        [](const std::string& folder) { return std::make_shared<StandardOutput>(folder + "/out.ndjson"); }}},
      {"tcp",
       {[=](const std::string& folder) { return "address: 127.0.0.1:" + told_port(folder); }, lines_held, SinkAck::sent,
        [](const std::string& folder) { return std::make_shared<OtherSide>(folder, false); }}},
      {"http",
       {[=](const std::string& folder) { return "url: http://127.0.0.1:" + told_port(folder) + "/events"; }, lines_held,
        SinkAck::received, [](const std::string& folder) { return std::make_shared<OtherSide>(folder, true); }}},
  };
}

std::map<std::string, StagePart> stage_parts() {
  const auto big = [](int n) { return n > 3; };
  return {
      {"filter", {.options = "where: .n > 3", .keeps = big}},
      {"map", {.options = "set: { .seen: true }, rename: { .n: .number }"}},
      {"route", {.options = "outputs: { big: .n > 3 }", .output = "st.big", .keeps = big}},
      {"parse", {.options = "format: regex, pattern: '\"id\":\"(?P<id>[^\"]*)\"'"}},
      {"sample", {.options = "rate: 50%", .keeps_ids = false}},
      {"throttle", {.options = "rate: 5000/s, burst: 10, when_over: slow"}},
      {"dedupe", {.options = "by: [.id], window: 1m, max_keys: 10000", .strongest = Level::processed}},
      {"aggregate",
       {.options = "window: 50ms, by: [.n], values: { events: count() }", .keeps_ids = false, .merges = true}},
  };
}

std::string missing(const std::string& source, const std::string& sink) {
  const auto why = source_parts().at(source).missing;
  return why.empty() ? sink_parts().at(sink).missing : why;
}

// ---- trouble ----

class Trouble::TroubledSink final : public Sink {
 public:
  TroubledSink(std::unique_ptr<Sink> sink, Trouble& trouble, bool remembers = true)
      : sink_(std::move(sink)), trouble_(trouble), remembers_(remembers) {}
  Result<void> open() override { return sink_->open(); }
  void close() override { sink_->close(); }
  Delivery deliver(std::span<const Batch> batches) override {
    const auto call = trouble_.calls_.fetch_add(1);
    const bool in_burst = call < 60;  // then it is well, so that a run ends
    if (in_burst && call % 5 == 1) return fault("refuses to begin");
    if (in_burst && call % 7 == 3) std::this_thread::sleep_for(5ms);
    Delivery delivery = sink_->deliver(batches);
    if (delivery.outcome != Delivery::Outcome::done) return delivery;
    if (in_burst && call % 5 == 0) return fault("the answer was lost");  // the first one too: every run meets a fault
    if (remembers_) remember(batches, delivery);
    return delivery;
  }

 private:
  Delivery fault(std::string why) {
    trouble_.faults_.fetch_add(1);
    return Delivery::again(std::move(why));
  }
  void remember(std::span<const Batch> batches, const Delivery& delivery) {
    std::lock_guard lock(trouble_.mutex_);
    auto refused = delivery.refused.begin();
    for (std::uint32_t b = 0; b < batches.size(); ++b)
      for (std::uint32_t e = 0; e < batches[b].size(); ++e) {
        if (refused != delivery.refused.end() && refused->batch == b && refused->event == e) {
          ++refused;
          continue;
        }
        trouble_.confirmed_.push_back(id_in(batches[b][e]));
      }
  }

  std::unique_ptr<Sink> sink_;
  Trouble& trouble_;
  const bool remembers_;
};

/// A journal whose writer meets the same trouble as any sink; its readers are left alone.
class Trouble::TroubledJournal final : public Journal {
 public:
  TroubledJournal(std::shared_ptr<Journal> journal, Trouble& trouble)
      : journal_(std::move(journal)), trouble_(trouble) {}
  Result<void> open(std::span<const JournalConsumer> consumers) override { return journal_->open(consumers); }
  std::unique_ptr<Sink> writer() override {
    return std::make_unique<TroubledSink>(journal_->writer(), trouble_, false);
  }
  std::unique_ptr<Source> reader(std::string_view consumer) override { return journal_->reader(consumer); }
  JournalStatus status() const override { return journal_->status(); }
  void close() override { journal_->close(); }

 private:
  const std::shared_ptr<Journal> journal_;
  Trouble& trouble_;
};

void Trouble::install(Catalog& catalog, const Catalog& original) {
  for (JournalType journal : original.journals()) {
    journal.make = [this, make = journal.make](const JournalSetup& setup) -> std::shared_ptr<Journal> {
      return std::make_shared<TroubledJournal>(make(setup), *this);
    };
    catalog.add(std::move(journal));
  }
  for (const auto& source : original.sources()) catalog.add(source);
  for (const auto& stage : original.stages()) catalog.add(stage);
  for (SinkType sink : original.sinks()) {
    sink.make = [this, make = sink.make](const SinkSetup& setup) {
      return std::make_unique<TroubledSink>(make(setup), *this);
    };
    catalog.add(std::move(sink));
  }
}

std::vector<std::string> Trouble::confirmed() const {
  std::lock_guard lock(mutex_);
  return confirmed_;
}

}  // namespace weir::matrix
