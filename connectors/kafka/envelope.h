#pragma once
/// The form of an event as a message: its value, its key, its headers.
///
/// A dead letter is opened: the message's value is the event as it was, so that a consumer of the dead-letter topic
/// reads what it reads elsewhere and a flow back needs no unpacking. The reason is in headers:
///
///   weir-reason, weir-why, weir-origin, weir-attempts, weir-at-ms      of each letter
///   weir-place, weir-position      "orders/3" and the offset, if the event came from Kafka
///
/// Thread: one. Cost: nothing for an event without key and headers; else one look at its JSON. Memory: one event.
#include <weir/component/batch.h>
#include <weir/component/expression/field_reader.h>
#include <weir/component/options.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::kafka {

/// Views live until the next event is looked at, or the event goes.
struct Envelope {
  std::string_view value;
  std::optional<std::string_view> key;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

class EnvelopeMaker {
 public:
  static constexpr std::size_t letter_headers = 8, most_headers = 40;  ///< the priority is one of ours

  /// `key` and the values of `headers` are paths in events. Empty: none.
  static Result<EnvelopeMaker> compile(std::string_view key, const Options::Table& headers, Bytes largest);
  /// The priority of each event stands in this header; a record of a journal keeps it.
  void keep_priorities() { keep_priorities_ = true; }
  static constexpr const char* priority_header = "weir-priority";
  const Envelope& make(const Batch& batch, std::uint32_t event);

 private:
  struct Field {
    std::string header;
    Path path;
    std::string value{};
  };
  using Fields = std::vector<Field>;
  explicit EnvelopeMaker(Bytes largest) : event_(largest) {}
  static Result<void> add(Fields& to, std::string_view header, std::string_view path);
  void open_letter(std::string_view letter);
  void read(Fields& fields);

  Fields key_, headers_, letter_;
  JsonEvent event_;
  std::string opened_, unescaped_;
  Envelope envelope_;
  bool keep_priorities_ = false;
};

}  // namespace weir::kafka
