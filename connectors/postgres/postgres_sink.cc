#include "postgres_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "connection.h"
#include "log/log.h"

namespace weir::postgres {
namespace {

/// What the answer to an INSERT or COPY says; a server that does not say it has added them all.
std::uint64_t rows_added(const Answer::value_type& answer, std::uint64_t sent) {
  if (answer.empty() || answer.front().empty()) return sent;
  const auto& text = answer.front().front();
  std::uint64_t added = sent;
  std::from_chars(text.data(), text.data() + text.size(), added);
  return added;
}

}  // namespace

PostgresSink::PostgresSink(const SinkSetup& setup, std::unique_ptr<Session> session)
    : name_(setup.name),
      worker_(setup.worker),
      context_(setup.context),
      config_(config_of(setup.options)),
      session_(std::move(session)) {}

Result<void> PostgresSink::check() const {
  if (config_) return {};
  return failure(fmt::format("sink {}: {}", name_, config_.error().message));
}

Result<void> PostgresSink::open() {
  if (auto fit = check(); !fit) return fit;
  if (config_->missing) return failure(fmt::format("sink {}: {}", name_, config_->missing->message));
  if (!session_)
    session_ = std::make_unique<Connection>(ConnectionConfig{config_->connection, config_->connect_timeout,
                                                             config_->statement_timeout, config_->password_file},
                                            context_);
  session_->reset();
  insert_ = insert_sql(config_->table, config_->columns, config_->key);
  copy_ = copy_sql(config_->table, config_->columns);
  // What libpq sends is all of it, and its buffer is a power of two: it has to fit.
  const auto around = insert_.size() + 64 * config_->columns.size() + 64;
  rows_ = std::make_unique<Rows>(config_->columns, config_->max_statement - Bytes(around));
  to_ = {config_->where, config_->table.quoted, fmt::format("{}", fmt::join(config_->key, ", "))};
  unsent_.clear();
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

/// A session that is there needs neither: the server has let it in.
Result<std::string> PostgresSink::on_hangup() {
  const auto is_file = [](const auto& keyword) { return keyword.first == "sslrootcert" || keyword.first == "sslcert"; };
  if (!config_) return {};
  if (!config_->password_file.empty())
    if (auto password = read_password(config_->password_file); !password)
      return failure(password.error().message + ": it keeps the password it has");
  if (config_->password_file.empty() && std::ranges::none_of(config_->connection, is_file)) return {};
  return "reads its certificates and password with its next connection";
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

Delivery PostgresSink::again(const Failure& failure) const {
  return Delivery::again(Error{Error::Kind::overloaded, explain(failure, to_), Duration{0}, reason_of(failure.state)});
}

Delivery PostgresSink::deliver(std::span<const Batch> batches) {
  if (unsent_.empty()) {
    unsent_.begin(batches);
    there_ = {};
    doubted_.reset();
  }
  if (unsent_.empty()) return next();
  if (const auto failed = prepare()) return again(*failed);
  while (!unsent_.empty()) {
    gather(batches);
    if (rows_->count() > 0) return send();
  }
  return next();
}

/// Makes rows of what is left, as far as they fit.
void PostgresSink::gather(std::span<const Batch> batches) {
  using Added = UnsentEvents::Added;
  rows_->begin(copies(unsent_.most_next()) ? Rows::Form::stream : Rows::Form::arrays);
  unsent_.gather([&](UnsentEvents::Number number, UnsentEvents::Index at) {
    WEIR_CHECK(at.batch < batches.size());
    auto added = rows_->add(batches[at.batch], at.event);
    if (added) return *added ? Added::yes : Added::full;
    unsent_.refuse(number, std::move(added.error()));
    return Added::no;
  });
}

Delivery PostgresSink::send() {
  const bool copies = rows_->form() == Rows::Form::stream;
  const auto values = rows_->finish();
  crash_point("postgres.before_send");
  const auto answer = copies ? session_->run({.sql = copy_, .copy = values.front()}) : session_->run({insert_, values});
  crash_point("postgres.after_send");
  if (!answer) return heed(answer.error());
  there_.sent(rows_->count(), rows_added(*answer, rows_->count()));
  there_.new_ids(rows_->new_ids());
  unsent_.done();
  return next();
}

Delivery PostgresSink::heed(const Failure& failure) {
  const auto verdict = judge(failure.state);
  const auto part = unsent_.part();
  if (verdict == Verdict::again) {
    // It may be too much at once: what takes too long in one piece would do so for ever.
    if (is_too_much(failure.state) && part.size() > 1) unsent_.halve();
    return again(failure);
  }
  if (verdict == Verdict::unclear) {
    checked_ = false;
    if (const auto wrong = prepare()) return again(*wrong);
    // The table may have been put right between the two questions: only the second time it is the row.
    if (part.size() == 1 && std::exchange(doubted_, part.front()) != part.front()) return next();
  }
  if (part.size() > 1) {
    unsent_.halve();
  } else {
    unsent_.refuse(part.front(), fmt::format("{} refused it: {} ({})", to_.where, failure.message, failure.state));
    unsent_.done();
  }
  return next();
}

Delivery PostgresSink::next() {
  if (!unsent_.empty()) return {.outcome = Delivery::Outcome::more};
  Delivery done{.outcome = Delivery::Outcome::done, .refused = unsent_.take_refused()};
  there_.tell(done);
  return done;
}

}  // namespace weir::postgres
