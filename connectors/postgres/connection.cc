#include "connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir/base/result.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "config.h"

namespace weir::postgres {
namespace {

constexpr std::size_t copy_piece = 64 * 1024;
constexpr std::size_t longest_message = 300;

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Owned = std::unique_ptr<PGresult, Clear>;

std::string one_line(std::string_view text) {
  text = text.substr(0, std::min(text.find('\n'), longest_message));
  return terminal_text(text);
}

std::string field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value ? value : "";
}

Failure failure_of(const PGresult* result) {
  auto state = field(result, PG_DIAG_SQLSTATE);
  auto message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  return {std::move(state), one_line(message.empty() ? PQresultErrorMessage(result) : message)};
}

/// What libpq says about connecting, several lines with several hosts: "... FATAL:  28P01: password authentication
/// failed for user "x"". The last SQLSTATE counts.
Failure connect_failure(std::string_view text) {
  const auto is_state = [](std::string_view word) {
    return word.size() == 7 && word.ends_with(": ") && std::ranges::all_of(word.substr(0, 5), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
  };
  Failure failure{"", one_line(text)};
  for (auto at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 1)) {
    if (!is_state(text.substr(at + 3, 7))) continue;
    failure = {std::string(text.substr(at + 3, 5)), one_line(text.substr(at + 10))};
  }
  return failure;
}

}  // namespace

Connection::Connection(ConnectionConfig config, const Context& context)
    : config_(std::move(config)), context_(context), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  WEIR_CHECK(wake_ >= 0);
}

Connection::~Connection() {
  close();
  ::close(wake_);
}

void Connection::close() { PQfinish(std::exchange(connection_, nullptr)); }
void Connection::cancel() { ::eventfd_write(wake_, 1); }
void Connection::reset() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
}

Connection::Waited Connection::wait(short events, TimePoint until) {
  pollfd fds[] = {{PQsocket(connection_), events, 0}, {wake_, POLLIN, 0}};
  while (true) {
    const Duration left = until - context_.now();
    if (left <= Duration{0}) return Waited::late;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(left, std::chrono::hours(1)));
    ::poll(fds, 2, static_cast<int>(ms.count()));
    if (fds[1].revents) return Waited::cancelled;
    if (fds[0].revents) return Waited::ready;
  }
}

std::optional<Failure> Connection::connect() {
  close();
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : config_.keywords) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  const auto password =
      config_.password_file.empty() ? Result<std::string>(failure("none")) : read_password(config_.password_file);
  if (password) {  // the last one of a keyword counts
    keywords.push_back("password");
    values.push_back(password->c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  const TimePoint until = context_.now() + config_.connect_timeout;
  connection_ = PQconnectStartParams(keywords.data(), values.data(), 0);
  WEIR_CHECK(connection_);
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);  // with SQLSTATE, for which there is no other way here
  PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
  auto state = PQstatus(connection_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    const auto waited = wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until);
    if (waited != Waited::ready) return give_up(waited, "no connection");
    state = PQconnectPoll(connection_);
  }
  if (state == PGRES_POLLING_OK) {
    PQsetnonblocking(connection_, 1);
    return std::nullopt;
  }
  auto failed = connect_failure(PQerrorMessage(connection_));
  if (failed.state.empty() && PQconnectionNeedsPassword(connection_)) failed.state = "28P01";
  close();
  return failed;
}

bool Connection::connected() {
  if (!connection_ || PQstatus(connection_) != CONNECTION_OK) return false;
  // The server may have ended the connection while it was idle: its last message is read first, then the end.
  pollfd fd{PQsocket(connection_), POLLIN, 0};
  for (int looks = 0; looks < 8 && ::poll(&fd, 1, 0) > 0; ++looks)
    if (!PQconsumeInput(connection_) || PQstatus(connection_) != CONNECTION_OK) {
      close();
      return false;
    }
  return true;
}

Failure Connection::give_up(Waited why, std::string_view doing) {
  tell_server();
  close();
  if (why == Waited::cancelled) return {"", "interrupted, because this process stops"};
  return {"", fmt::format("{} in time", doing)};
}

Failure Connection::lost() {
  Failure failure{"", one_line(PQerrorMessage(connection_))};
  close();
  return failure;
}

void Connection::tell_server() {
  if (PQstatus(connection_) != CONNECTION_OK) return;  // it has not got that far yet
  PGcancel* cancel = PQgetCancel(connection_);
  if (!cancel) return;
  std::thread([cancel] {
    char why[256];
    PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
  }).detach();
}

std::optional<Failure> Connection::flush(TimePoint until) {
  while (PQflush(connection_) == 1) {
    // The server may have to send something before it takes more.
    const auto waited = wait(POLLIN | POLLOUT, until);
    if (waited != Waited::ready) return give_up(waited, "it does not read");
    pollfd fd{PQsocket(connection_), POLLIN, 0};
    if (::poll(&fd, 1, 0) > 0 && !PQconsumeInput(connection_)) return lost();
  }
  return std::nullopt;  // what went wrong shows when the result is read
}

std::optional<Failure> Connection::send(const Request& request) {
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const auto value : request.values) {
    values.push_back(value.data());
    lengths.push_back(static_cast<int>(value.size()));
    formats.push_back(1);
  }
  const int sent = values.empty() ? PQsendQuery(connection_, request.sql.c_str())
                                  : PQsendQueryParams(connection_, request.sql.c_str(), static_cast<int>(values.size()),
                                                      nullptr, values.data(), lengths.data(), formats.data(), 0);
  if (!sent) return lost();
  return std::nullopt;
}

std::optional<Failure> Connection::send_copy(std::string_view data, TimePoint until) {
  while (!data.empty()) {
    const auto piece = data.substr(0, copy_piece);
    if (PQputCopyData(connection_, piece.data(), static_cast<int>(piece.size())) != 1) return lost();
    if (auto failed = flush(until)) return failed;
    data.remove_prefix(piece.size());
  }
  if (PQputCopyEnd(connection_, nullptr) != 1) return lost();
  return flush(until);
}

std::expected<PGresult*, Failure> Connection::next_result(TimePoint until) {
  while (PQisBusy(connection_)) {
    const auto waited = wait(POLLIN, until);
    if (waited != Waited::ready) return std::unexpected(give_up(waited, "it did not answer"));
    if (!PQconsumeInput(connection_)) break;  // PQgetResult knows why, and what came before
  }
  return PQgetResult(connection_);
}

Answer Connection::collect(const Request& request, TimePoint until) {
  Answer answer;
  while (true) {
    auto next = next_result(until);
    if (!next) return answer ? std::unexpected(next.error()) : answer;
    const Owned result(*next);
    if (!result) return answer;
    switch (PQresultStatus(result.get())) {
      case PGRES_COPY_IN:
        if (auto failed = send_copy(request.copy.value_or(std::string_view()), until)) return std::unexpected(*failed);
        break;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
        if (!answer) break;
        answer->clear();
        for (int r = 0; r < PQntuples(result.get()); ++r) {
          auto& row = answer->emplace_back();
          for (int c = 0; c < PQnfields(result.get()); ++c) row.emplace_back(PQgetvalue(result.get(), r, c));
        }
        if (PQnfields(result.get()) == 0) answer->push_back({PQcmdTuples(result.get())});
        break;
      default:
        if (answer) answer = std::unexpected(failure_of(result.get()));
    }
    if (PQstatus(connection_) == CONNECTION_BAD && !answer) {
      close();
      return answer;
    }
  }
}

Answer Connection::run(const Request& request) {
  WEIR_CHECK(connection_);
  const TimePoint until = context_.now() + config_.statement_timeout + config_.connect_timeout;
  if (auto failed = send(request)) return std::unexpected(std::move(*failed));
  if (auto failed = flush(until)) return std::unexpected(std::move(*failed));
  return collect(request, until);
}

}  // namespace weir::postgres
