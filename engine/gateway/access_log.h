#pragma once
/// A line of JSON for each request that has ended, or for a share of them, in a file of its own:
///
///   {"time":"2026-01-31T12:00:00.123Z","gateway":"edge","id":"..","trace":"..","peer":"10.0.0.9","method":"GET",
///    "host":"shop.example","path":"/orders/7","route":"/orders/**","end":"answered","status":200,"reason":"",
///    "upstream":"shop","endpoint":"127.0.0.1:9001","attempts":1,"hedge":"","received":0,"sent":512,"head_ms":3.1,"ms":3.4}
///
/// No secrets: neither query, nor cookies, nor any other field of the header; a path is written as it came, at most
/// 1024 bytes of it. Whoever puts secrets into paths should not have it written.
///
/// The file has mode 0600, is appended to, and `reopen` opens it anew after somebody has moved it. Lines are written by
/// a thread of its own, because a slow disk must not hold requests up: what it has not written yet is at most 256 KiB,
/// and lines that do not fit are dropped and counted.
///
/// Thread: `add` one; the others any. Cost: about 1 us a line. On cancel: the destructor writes what is there.
#include <weir/base/result.h>
#include <weir/base/rng.h>
#include <weir/base/units.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "config/gateways.h"

namespace weir::gateway {

struct AccessLine {
  WallTime time{};
  /// `end`: answered, cached (answered from a cache), refused or abandoned.
  std::string_view gateway, id, trace, peer, method, host, path, route, end, reason, upstream, endpoint;
  int status = 0, attempts = 0;
  std::string_view hedge{};              ///< "won", "lost", or there was none
  std::uint64_t received = 0, sent = 0;  ///< bytes of bodies
  Duration to_head{0}, all{0};
};

std::string to_json(const AccessLine& line);

class AccessLog {
 public:
  static constexpr std::size_t most_unwritten = 256 << 10;

  AccessLog(config::AccessLogConfig config, Rng rng) : config_(std::move(config)), rng_(rng) {}
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog();

  /// The error names the file. Then its thread runs.
  Result<void> open();
  /// The file that has the name now; when it cannot be opened, the old one stays.
  Result<void> reopen();
  /// Whether this request is one of the share that is told.
  bool wants() { return config_.sample >= 1 || rng_.uniform() < config_.sample; }
  void add(const AccessLine& line);
  const std::string& path() const { return config_.path; }

  struct Stats {
    std::uint64_t written = 0, dropped = 0, failed = 0;  ///< failed: lines that the disk did not take
  };
  Stats stats() const;

 private:
  Result<int> open_file() const;
  void write_all();
  bool write(const std::string& lines) const;

  const config::AccessLogConfig config_;
  Rng rng_;
  mutable std::mutex mutex_, file_mutex_;
  std::condition_variable more_;
  std::string unwritten_;
  std::uint64_t lines_ = 0;
  Stats stats_;
  int file_ = -1;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace weir::gateway
