#include "envelope.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <charconv>

namespace weir::kafka {
namespace {

/// A letter holds bytes that are not text as hex.
void append_unhexed(std::string& out, std::string_view hex) {
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    out += static_cast<char>(byte);
  }
}

const Path event_path = *Path::parse(".event"), hex_path = *Path::parse(".event_hex");

}  // namespace

Result<void> EnvelopeMaker::add(Fields& to, std::string_view header, std::string_view path) {
  auto parsed = Path::parse(path);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  to.push_back({std::string(header), std::move(*parsed)});
  return {};
}

Result<EnvelopeMaker> EnvelopeMaker::compile(std::string_view key, const Options::Table& headers, Bytes largest) {
  EnvelopeMaker maker(largest);
  if (!key.empty())
    if (auto r = add(maker.key_, "", key); !r) return failure(fmt::format("key: {}", r.error().message));
  if (headers.size() > most_headers - letter_headers)
    return failure(fmt::format("headers: at most {}", most_headers - letter_headers));
  for (const auto& [name, path] : headers) {
    if (name.starts_with("weir"))
      return failure(fmt::format("headers: {} begins with weir: those are this sink's own", json_text(name)));
    if (auto r = add(maker.headers_, name, path); !r)
      return failure(fmt::format("headers: {}: {}", json_text(name), r.error().message));
  }
  for (const char* field : {"reason", "why", "origin", "place", "position", "attempts", "at_ms"}) {
    std::string name = fmt::format("weir-{}", field);
    if (name == "weir-at_ms") name = "weir-at-ms";
    (void)add(maker.letter_, name, fmt::format(".{}", field));
  }
  return maker;
}

void EnvelopeMaker::read(Fields& fields) {
  for (Field& field : fields) {
    const auto found = event_.at(field.path, unescaped_);
    using enum JsonValue::Kind;
    if (found.kind != text && found.kind != number && found.kind != boolean) continue;
    field.value = found.text;
    envelope_.headers.emplace_back(field.header, field.value);
  }
}

void EnvelopeMaker::open_letter(std::string_view letter) {
  event_.look_at(letter);
  read(letter_);
  opened_.clear();
  if (const auto text = event_.at(event_path, unescaped_); text.kind == JsonValue::Kind::text)
    opened_ = text.text;
  else if (const auto hex = event_.at(hex_path, unescaped_); hex.kind == JsonValue::Kind::text)
    append_unhexed(opened_, hex.text);
  else
    opened_ = letter;
  const auto size = opened_.size();
  opened_.append(block_padding, '\0');
  envelope_.value = std::string_view(opened_).substr(0, size);
}

const Envelope& EnvelopeMaker::make(const Batch& batch, std::uint32_t event) {
  envelope_.value = batch[event];
  envelope_.key.reset();
  envelope_.headers.clear();
  const bool letter = batch.info().dead_letter;
  if (letter) open_letter(batch[event]);
  if (keep_priorities_ && batch.info().priority != Priority::normal)
    envelope_.headers.emplace_back(priority_header, name(batch.info().priority));
  if (key_.empty() && headers_.empty() && !letter) return envelope_;
  event_.look_at(envelope_.value);
  read(key_);
  if (!key_.empty() && !envelope_.headers.empty() && envelope_.headers.back().first.empty()) {
    // An empty one is none: a topic that is compacted would keep one event of all that have it.
    if (!envelope_.headers.back().second.empty()) envelope_.key = envelope_.headers.back().second;
    envelope_.headers.pop_back();
  }
  read(headers_);
  return envelope_;
}

}  // namespace weir::kafka
