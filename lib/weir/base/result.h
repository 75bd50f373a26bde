#pragma once
/// What can come back from an operation.
///
/// Two kinds of failure are kept apart because callers react differently:
///   - `Result<T>`: I/O that went wrong. `Error::kind` says what the caller can do about it, not what happened.
///   - `Admitted<T>`: overload is a normal answer, not an exception. A `Rejection` says why and when to come back.
/// Exceptions are for bad configuration at start-up only. A broken invariant is WEIR_CHECK: it says where, and ends the
/// process.
///
/// Thread: values. Cost: an Error allocates its message; a Rejection allocates nothing.
#include <weir/base/reason.h>
#include <weir/base/units.h>

#include <expected>
#include <optional>
#include <string>

namespace weir {

struct Error {
  /// Named by the reaction: try again later; connect again; do it another way; give up on this work.
  enum class Kind : std::uint8_t { overloaded, disconnected, unsupported, failed };
  Kind kind = Kind::failed;
  std::string message;             ///< one line: what, where, what to do
  Duration retry_after{0};         ///< overloaded only: the Retry-After that the remote end named, or 0
  std::optional<Reason> reason{};  ///< what work is refused with while this lasts; absent: the caller knows only that
                                   ///< it fails
};

/// A class of its own, not an alias, so that a call whose Result is dropped does not compile without a warning.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> failure(std::string message, Error::Kind kind = Error::Kind::failed) {
  return std::unexpected(Error{kind, std::move(message), Duration{0}});
}

struct Rejection {
  Reason reason = Reason::flow_full;
  Duration retry_after{0};  ///< 0: coming back at once is as good as later
};

template <typename T>
class [[nodiscard]] Admitted : public std::expected<T, Rejection> {
 public:
  using std::expected<T, Rejection>::expected;
};

inline std::unexpected<Rejection> rejected(Reason reason, Duration retry_after = Duration{0}) {
  return std::unexpected(Rejection{reason, retry_after});
}

[[noreturn]] void die(const char* expression, const char* file, int line);

}  // namespace weir

/// An invariant of this code. The check stays on in release builds: a wrong ledger is worse than a restart.
#define WEIR_CHECK(expression) ((expression) ? void() : ::weir::die(#expression, __FILE__, __LINE__))
