#pragma once
/// A simulated server: it keeps what it was sent, and refuses what the test tells it to.
///
/// Thread: one. Cost: for tests.
#include <algorithm>
#include <functional>
#include <string>

#include "session.h"

namespace weir::postgres {

/// The values of the last column of arrays, as texts, without jsonb's version byte.
inline std::vector<std::string> last_column(const Request& request) {
  std::vector<std::string> all;
  auto bytes = request.values.back();
  if (bytes.size() <= 20) return all;
  bytes.remove_prefix(20);
  while (!bytes.empty()) {
    std::uint32_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    all.emplace_back(bytes.substr(5, length - 1));
    bytes.remove_prefix(4 + length);
  }
  return all;
}

struct FakeServer {
  /// What it says to rows; without one it takes them. Without rows: about its table.
  std::function<std::optional<Failure>(const std::vector<std::string>& rows)> judge = [](const auto&) {
    return std::nullopt;
  };
  std::optional<Failure> refuses_connection{};
  bool up = false;
  int connections = 0, statements = 0;  ///< statements with rows
  std::size_t held = 0;                 ///< of the rows of each statement, how many it has by their key
  std::vector<std::string> sql, stored;
  std::vector<std::vector<std::string>> types{{"id", "text"}, {"event", "jsonb"}};
};

class FakeSession final : public Session {
 public:
  explicit FakeSession(FakeServer& server) : server_(server) {}
  bool connected() override { return server_.up; }
  std::optional<Failure> connect() override {
    if (server_.refuses_connection) return server_.refuses_connection;
    ++server_.connections;
    server_.up = true;
    return std::nullopt;
  }
  Answer run(const Request& request) override {
    server_.sql.push_back(request.sql);
    if (request.sql.contains("pg_attribute")) return server_.types;
    if (request.values.empty()) return Answer(std::in_place);
    const auto rows = last_column(request);
    if (!rows.empty()) ++server_.statements;
    if (auto failed = server_.judge(rows)) {
      if (failed->state.empty()) server_.up = false;
      return std::unexpected(*failed);
    }
    const auto held = std::min(server_.held, rows.size());
    server_.stored.insert(server_.stored.end(), rows.begin() + static_cast<std::ptrdiff_t>(held), rows.end());
    Answer added(std::in_place);
    added->push_back({std::to_string(rows.size() - held)});
    return added;
  }
  void cancel() override {}
  void reset() override {}
  void close() override { server_.up = false; }

 private:
  FakeServer& server_;
};

}  // namespace weir::postgres
