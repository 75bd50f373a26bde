#include "postgres_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "connection.h"
#include "log/log.h"

namespace weir::postgres {

PostgresSink::PostgresSink(const SinkSetup& setup, std::unique_ptr<Session> session)
    : name_(setup.name),
      worker_(setup.worker),
      context_(setup.context),
      config_(config_of(setup.options)),
      session_(std::move(session)) {}

Result<void> PostgresSink::open() {
  if (!config_) return failure(fmt::format("sink {}: {}", name_, config_.error().message));
  if (!session_)
    session_ = std::make_unique<Connection>(
        ConnectionConfig{config_->connection, config_->connect_timeout, config_->statement_timeout}, context_);
  session_->reset();
  insert_ = insert_sql(config_->table, config_->columns, config_->key);
  copy_ = copy_sql(config_->table, config_->columns);
  // What libpq sends is all of it, and its buffer is a power of two: it has to fit.
  const auto around = insert_.size() + 64 * config_->columns.size() + 64;
  rows_ = std::make_unique<Rows>(config_->columns, config_->max_statement - Bytes(around));
  to_ = {config_->where, config_->table.quoted, fmt::format("{}", fmt::join(config_->key, ", "))};
  left_.clear();
  checked_ = false;
  // One check is enough: with a server that does not answer, every check takes the whole connect_timeout.
  const auto wrong = worker_ == 0 ? prepare() : std::nullopt;
  if (!wrong) return {};
  if (is_final_at_start(wrong->state)) return failure(fmt::format("sink {}: {}", name_, explain(*wrong, to_)));
  log::warn({"sink", name_}, "{}; starting without it", explain(*wrong, to_));
  return {};
}

void PostgresSink::cancel() {
  if (session_) session_->cancel();
}

void PostgresSink::close() {
  if (session_) session_->close();
}

std::optional<Failure> PostgresSink::prepare() {
  if (!session_->connected()) {
    if (auto failed = session_->connect()) return failed;
    if (auto failed = begin_session()) {
      session_->close();
      return failed;
    }
  }
  if (!checked_)
    if (auto failed = check_table()) return failed;
  checked_ = true;
  return std::nullopt;
}

std::optional<Failure> PostgresSink::begin_session() {
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(config_->statement_timeout).count();
  const auto sql = fmt::format(
      "SET statement_timeout = {}; SELECT current_setting('synchronous_commit'), current_setting('fsync')", limit);
  const auto answer = session_->run({sql});
  if (!answer) return answer.error();
  for (std::size_t i = 0; !checked_ && !answer->empty() && i < 2; ++i)
    if (answer->front()[i] == "off")
      log::warn({"sink", name_}, "{}: {} is off there: a crash of the server may undo what it confirmed", to_.where,
                i ? "fsync" : "synchronous_commit");
  return std::nullopt;
}

std::optional<Failure> PostgresSink::check_table() {
  std::optional<Failure> not_made;
  if (config_->create) {
    const auto sql = create_sql(config_->table, config_->columns, config_->key);
    const auto made = session_->run({sql});
    if (!made && judge(made.error().state) == Verdict::again) return made.error();
    // Another process may have created the table at the same moment, or this user may only write to it: only its
    // existence matters.
    if (!made) not_made = made.error();
  }
  rows_->begin(Rows::Form::arrays);
  const auto asked = config_->mode == Config::Mode::copy ? Answer() : session_->run({insert_, rows_->finish()});
  if (!asked) return not_made && asked.error().state == "42P01" ? not_made : asked.error();
  return copies(Config::copy_from) ? check_types() : std::nullopt;
}

/// COPY reads the bytes of a value as whatever type its column has.
std::optional<Failure> PostgresSink::check_types() {
  const auto sql = types_sql(config_->table);
  const auto answer = session_->run({sql});
  if (!answer) return answer.error();
  for (const Column& column : config_->columns) {
    const auto row = std::ranges::find(*answer, column.name, [](const auto& r) { return r[0]; });
    if (row == answer->end())
      return Failure{"42703", fmt::format("column {} of {} does not exist", column.name, config_->table.shown)};
    const auto& type = (*row)[1];
    const bool text = column.type->kind == Type::Kind::text && (type == "character varying" || type == "character");
    if (type != column.type->long_name && !text)
      return Failure{"42804", fmt::format("column {} is of type {} and COPY would send {}", column.name, type,
                                          column.type->long_name)};
  }
  rows_->begin(Rows::Form::stream);
  const auto asked = session_->run({.sql = copy_, .copy = rows_->finish().front()});
  if (!asked) return asked.error();
  return std::nullopt;
}

bool PostgresSink::copies(std::size_t rows) const {
  return config_->mode == Config::Mode::copy ||
         (config_->mode == Config::Mode::automatic && config_->key.empty() && rows >= Config::copy_from);
}

Delivery PostgresSink::again(const Failure& failure) const { return Delivery::again(explain(failure, to_)); }

Delivery PostgresSink::deliver(std::span<const Batch> batches) {
  if (left_.empty()) begin(batches);
  if (left_.empty()) return next();
  if (const auto failed = prepare()) return again(*failed);
  while (!left_.empty()) {
    gather(batches);
    if (rows_->count() > 0) return send();
  }
  return next();
}

void PostgresSink::begin(std::span<const Batch> batches) {
  places_.clear();
  why_.clear();
  doubted_.reset();
  for (std::uint32_t b = 0; b < batches.size(); ++b)
    for (std::uint32_t e = 0; e < batches[b].size(); ++e) places_.push_back({b, e});
  refused_.assign(places_.size(), 0);
  if (!places_.empty()) left_.push_back({0, static_cast<std::uint32_t>(places_.size())});
}

/// Makes rows of the next range, as far as they fit; what does not becomes a range of its own.
void PostgresSink::gather(std::span<const Batch> batches) {
  sent_.clear();
  const Range range = left_.back();
  rows_->begin(copies(range.to - range.from) ? Rows::Form::stream : Rows::Form::arrays);
  std::uint32_t i = range.from;
  for (; i < range.to; ++i) {
    if (refused_[i]) continue;
    WEIR_CHECK(places_[i].batch < batches.size());
    auto added = rows_->add(batches[places_[i].batch], places_[i].event);
    if (!added) {
      refuse(i, std::move(added.error()));
      continue;
    }
    if (!*added) break;
    sent_.push_back(i);
  }
  left_.pop_back();
  if (i < range.to) left_.push_back({i, range.to});
  if (!sent_.empty()) left_.push_back({range.from, i});
}

Delivery PostgresSink::send() {
  const bool copies = rows_->form() == Rows::Form::stream;
  const auto values = rows_->finish();
  crash_point("postgres.before_send");
  const auto answer = copies ? session_->run({.sql = copy_, .copy = values.front()}) : session_->run({insert_, values});
  crash_point("postgres.after_send");
  if (!answer) return heed(answer.error());
  left_.pop_back();
  return next();
}

Delivery PostgresSink::heed(const Failure& failure) {
  const auto verdict = judge(failure.state);
  if (verdict == Verdict::again) {
    // The statement may be too large: one that takes too long as a whole would do so for ever.
    if (is_too_much(failure.state) && sent_.size() > 1) halve();
    return again(failure);
  }
  if (verdict == Verdict::unclear) {
    checked_ = false;
    if (const auto wrong = prepare()) return again(*wrong);
    // The table may have been repaired between the two statements: only the second failure proves that it is the row.
    if (sent_.size() == 1 && std::exchange(doubted_, sent_.front()) != sent_.front()) return next();
  }
  if (sent_.size() > 1) {
    halve();
  } else {
    refuse(sent_.front(), fmt::format("{} refused it: {} ({})", to_.where, failure.message, failure.state));
    left_.pop_back();
  }
  return next();
}

void PostgresSink::halve() {
  const Range range = left_.back();
  const auto middle = sent_[sent_.size() / 2];
  left_.back() = {middle, range.to};
  left_.push_back({range.from, middle});
}

void PostgresSink::refuse(std::uint32_t number, std::string why) {
  refused_[number] = 1;
  why_.push_back({places_[number].batch, places_[number].event, std::move(why)});
}

Delivery PostgresSink::next() {
  if (!left_.empty()) return {.outcome = Delivery::Outcome::more};
  std::ranges::sort(why_, {}, [](const Delivery::Refused& r) { return std::pair(r.batch, r.event); });
  return {.outcome = Delivery::Outcome::done, .refused = std::exchange(why_, {})};
}

}  // namespace weir::postgres
