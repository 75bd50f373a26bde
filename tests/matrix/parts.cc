#include "parts.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <thread>

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

void drive_http(const std::string& address, Sent& sent) {
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c)
    threads.emplace_back([&, c] {
      for (int r = 0; r < requests_each; ++r) post(address, c, r, sent);
    });
  for (auto& thread : threads) thread.join();
}

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

}  // namespace

std::string id_in(std::string_view event) {
  constexpr std::string_view mark = R"("id":")";
  const auto at = event.find(mark);
  if (at == event.npos) return {};
  event.remove_prefix(at + mark.size());
  return std::string(event.substr(0, event.find('"')));
}

std::map<std::string, SourcePart> source_parts() {
  return {
      {"http", {"listen: 127.0.0.1:0, max_connections: 16", drive_http}},
      {"generator",
       {fmt::format("rate: 20000/s, count: {}", generated),
        [](const std::string&, Sent& sent) {
          sent.ids_known = false;
          sent.accepted = 1;
        }}},
  };
}

std::map<std::string, SinkPart> sink_parts() {
  return {
      {"file", {[](const std::string& folder) { return "path: " + folder + "/out.ndjson"; }, lines_held}},
      {"sqlite", {[](const std::string& folder) { return "path: " + folder + "/out.db"; }, rows_held}},
      {"blackhole", {[](const std::string&) { return std::string("delay: 1ms"); }, nullptr}},
  };
}

// ---- trouble ----

class Trouble::TroubledSink final : public Sink {
 public:
  TroubledSink(std::unique_ptr<Sink> sink, Trouble& trouble) : sink_(std::move(sink)), trouble_(trouble) {}
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
    remember(batches, delivery);
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
};

void Trouble::install(Catalog& catalog, const Catalog& original) {
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
