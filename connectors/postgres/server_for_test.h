#pragma once
/// A PostgreSQL for one test, started by scripts/postgres and stopped with the object, and queries to it.
///
/// Thread: one. Cost: about 2 s to start, for tests.
#include <libpq-fe.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::postgres {

class TestServer {
 public:
  /// Why there can be none here; empty: there can.
  static std::string missing() {
    const char* bin = std::getenv("WEIR_POSTGRES_BIN");
    const std::string initdb = (bin ? bin : std::string("/usr/lib/postgresql/15/bin")) + "/initdb";
    return std::filesystem::exists(initdb) ? "" : "there is no PostgreSQL here: " + initdb + " is missing";
  }

  explicit TestServer(std::string source_dir, const std::string& how = "") : source_(std::move(source_dir)) {
    std::string pattern = std::filesystem::temp_directory_path() / "weir-postgres-XXXXXX";
    base_ = mkdtemp(pattern.data());
    // Its owner is another user when this one is root.
    std::filesystem::permissions(base_, std::filesystem::perms(0711));
    url = script("up " + folder() + " " + how);
    if (url.empty()) throw std::runtime_error("scripts/postgres up failed");
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    script("down " + folder() + " --mode immediate");
    std::filesystem::remove_all(base_);
  }

  void restart(const std::string& mode) {
    script("down " + folder() + " --keep --mode " + mode);
    script("up " + folder());
    asking_.reset();
  }
  std::string folder() const { return base_ + "/cluster"; }

  /// Rows with '|' between the columns.
  std::vector<std::string> query(const std::string& sql) { return rows(sql, {}); }
  std::vector<std::string> query(const std::string& sql, const std::string& value) { return rows(sql, {value}); }

  std::string url;

 private:
  struct Free {
    void operator()(PGconn* c) const { PQfinish(c); }
    void operator()(PGresult* r) const { PQclear(r); }
  };
  std::vector<std::string> rows(const std::string& sql, const std::vector<std::string>& values) {
    if (!asking_) asking_.reset(PQconnectdb(url.c_str()));
    std::vector<const char*> given;
    for (const auto& value : values) given.push_back(value.c_str());
    // Without values several statements are allowed.
    const std::unique_ptr<PGresult, Free> result(given.empty() ? PQexec(asking_.get(), sql.c_str())
                                                               : PQexecParams(asking_.get(), sql.c_str(),
                                                                              static_cast<int>(given.size()), nullptr,
                                                                              given.data(), nullptr, nullptr, 0));
    std::vector<std::string> all;
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
      return {"error: " + std::string(PQerrorMessage(asking_.get()))};
    for (int r = 0; r < PQntuples(result.get()); ++r) {
      auto& row = all.emplace_back();
      for (int c = 0; c < PQnfields(result.get()); ++c)
        row += (c ? "|" : "") + std::string(PQgetisnull(result.get(), r, c) ? "NULL" : PQgetvalue(result.get(), r, c));
    }
    return all;
  }
  /// The last line it prints.
  std::string script(const std::string& arguments) const {
    FILE* out = popen((source_ + "/scripts/postgres " + arguments).c_str(), "r");
    std::string line, last;
    std::array<char, 512> piece{};
    while (std::fgets(piece.data(), static_cast<int>(piece.size()), out)) last = piece.data();
    if (pclose(out) != 0) return {};
    while (last.ends_with('\n')) last.pop_back();
    return last;
  }

  const std::string source_;
  std::string base_;
  std::unique_ptr<PGconn, Free> asking_;
};

}  // namespace weir::postgres
