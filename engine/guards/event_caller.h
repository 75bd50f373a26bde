#pragma once
/// What guards may ask about an event: its fields, and of whoever brought it everything else (async::Caller).
///
/// A text counts by what it says, however it is escaped; a number or boolean as it is written. Null, an object, an
/// array, a field that is missing and an event that is not JSON are all missing.
///
/// Thread: one owner; one for each thread. Cost: about 150 ns for an event of 200 bytes, for each path; a path is
/// parsed when it is first asked for. Memory: as component/expression/field_reader.h, for each path.
#include <weir/async/client_key.h>
#include <weir/component/expression/field_reader.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::guards {

class EventCaller final : public async::Caller {
 public:
  /// The event is readable for `block_padding` bytes behind its end; both live until the next call. Null: nobody is
  /// known who brought it.
  void look_at(std::string_view event, const async::Caller* sender = nullptr) {
    event_ = event;
    sender_ = sender;
  }
  std::string_view header(std::string_view name) const override {
    return sender_ ? sender_->header(name) : std::string_view{};
  }
  std::string_view path() const override { return sender_ ? sender_->path() : std::string_view{}; }
  std::string peer() const override { return sender_ ? sender_->peer() : std::string(); }
  std::string tls_subject() const override { return sender_ ? sender_->tls_subject() : std::string(); }
  std::string_view field(std::string_view path) const override;

 private:
  std::string_view event_;
  const async::Caller* sender_ = nullptr;
  mutable std::vector<std::pair<std::string, FieldReader>> readers_;  // by path
};

}  // namespace weir::guards
