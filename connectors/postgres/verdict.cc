#include "verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::postgres {
namespace {

bool in_priority(std::string_view state, std::initializer_list<std::string_view> priorities) {
  return std::ranges::find(priorities, state.substr(0, 2)) != priorities.end();
}

std::string advice(std::string_view state, const Destination& to) {
  if (state == "42P01") return fmt::format("create {}, say `create: true`, or correct `table`", to.table);
  if (state == "3F000") return "create the schema, or correct `table`";
  if (state == "42703") return "add the column, or correct `columns`";
  if (state == "42804" || state == "22P03") return "correct its type in `columns`";
  if (state == "42P10")
    return fmt::format("`key` needs a unique index: ALTER TABLE {} ADD PRIMARY KEY ({}), or another `key`", to.table,
                       to.key);
  if (state == "42501") return fmt::format("grant INSERT and SELECT on {} to the user of `url`", to.table);
  if (state == "42P07" || state == "42809") return "correct `table`";
  if (state.starts_with("28")) return "check the user in `url` and its password (`password_env`, `password_file`)";
  if (state == "3D000") return "create the database, or correct `url`";
  if (state == "53300") return "it has no connection to spare: lower `workers`, or raise its max_connections";
  if (state == "57014") return "`statement_timeout` was reached, or somebody cancelled it";
  if (state == "25006") return "this is a standby, or a read-only database";
  return {};
}

}  // namespace

Verdict judge(std::string_view state) {
  if (in_priority(state, {"22", "23"})) return Verdict::rows;
  if (in_priority(state, {"42", "44", "21", "0A", "P0", "54", "38", "39"})) return Verdict::unclear;
  return Verdict::again;
}

std::optional<Reason> reason_of(std::string_view state) {
  if (state == "53100") return Reason::disk_full;
  if (state == "55P03") return Reason::destination_locked;  // lock_not_available: lock_timeout was reached
  return std::nullopt;
}

bool is_too_much(std::string_view state) { return state == "57014" || state == "53200"; }

bool is_final_at_start(std::string_view state) {
  return judge(state) != Verdict::again || in_priority(state, {"28", "3D", "3F"});
}

std::string explain(const Failure& failure, const Destination& to) {
  const auto what = advice(failure.state, to);
  return fmt::format("{}: {}{}{}", to.where, failure.message, what.empty() ? "" : ": ", what);
}

}  // namespace weir::postgres
