#include <simdjson.h>
#include <weir/component/batch.h>
#include <weir/component/expression/json_event.h>

namespace weir {
namespace {

namespace od = simdjson::ondemand;
static_assert(simdjson::SIMDJSON_PADDING <= block_padding);

bool step_into(od::value& value, const Path::Step& step) {
  od::value next;
  const auto error = step.index ? value.at(*step.index).get(next) : value.find_field_unordered(step.key).get(next);
  if (error) return false;
  value = next;
  return true;
}

bool step_into(od::document& document, const Path::Step& step, od::value& value) {
  return (step.index ? document.at(*step.index).get(value) : document.find_field_unordered(step.key).get(value)) ==
         simdjson::SUCCESS;
}

std::string_view trimmed(std::string_view token) {
  const auto last = token.find_last_not_of(" \t\r\n");
  return last == token.npos ? std::string_view{} : token.substr(0, last + 1);
}

JsonValue text_of(od::value value, std::string& unescaped) {
  const auto token = trimmed(value.raw_json_token());
  if (token.size() < 2 || token.back() != '"') return {};
  const auto raw = token.substr(1, token.size() - 2);
  if (raw.find('\\') == raw.npos) return {.kind = JsonValue::Kind::text, .text = raw};
  std::string_view text;
  if (value.get_string().get(text)) return {};
  unescaped.assign(text);  // the parser's own copy is overwritten by the next path
  return {.kind = JsonValue::Kind::text, .text = unescaped};
}

JsonValue number_of(od::value value) {
  JsonValue result{.kind = JsonValue::Kind::number, .text = trimmed(value.raw_json_token())};
  od::number number;
  if (!value.get_number().get(number)) {
    if (number.is_int64())
      result.number = number.get_int64();
    else if (number.is_uint64())
      result.number = number.get_uint64();
    else
      result.number = number.get_double();
    return result;
  }
  double large = 0;  // an integer beyond 64 bits
  if (value.get_double().get(large)) return {};
  result.number = large;
  return result;
}

JsonValue read(od::value value, std::string& unescaped) {
  od::json_type type{};
  if (value.type().get(type)) return {};
  switch (type) {
    case od::json_type::array: return {.kind = JsonValue::Kind::array};
    case od::json_type::object: return {.kind = JsonValue::Kind::object};
    case od::json_type::number: return number_of(value);
    case od::json_type::string: return text_of(value, unescaped);
    case od::json_type::boolean: {
      bool flag = false;
      if (value.get_bool().get(flag)) return {};
      return {.kind = JsonValue::Kind::boolean, .flag = flag, .text = flag ? "true" : "false"};
    }
    case od::json_type::null: {
      bool is_null = false;  // false, or an error, for what only begins with an n
      if (value.is_null().get(is_null) || !is_null) return {};
      return {.kind = JsonValue::Kind::null};
    }
  }
  return {};
}

}  // namespace

struct JsonEvent::Parser {
  explicit Parser(Bytes largest) : parser(largest.count()) {}
  od::parser parser;
  od::document document;
  std::string_view event;
  enum class State : std::uint8_t { unread, indexed, not_json } state = State::not_json;
};

JsonEvent::JsonEvent(Bytes largest) : parser_(std::make_unique<Parser>(largest)) {}
JsonEvent::JsonEvent(JsonEvent&&) noexcept = default;
JsonEvent& JsonEvent::operator=(JsonEvent&&) noexcept = default;
JsonEvent::~JsonEvent() = default;

void JsonEvent::look_at(std::string_view event) {
  parser_->event = event;
  parser_->state = Parser::State::unread;
}

JsonValue JsonEvent::at(const Path& path, std::string& unescaped) {
  auto& [parser, document, event, state] = *parser_;
  // A document in which a path ran into an error is dead and must not be rewound. It is indexed anew, so that what a
  // path finds never depends on which paths were asked for before it.
  if (state == Parser::State::unread || (state == Parser::State::indexed && !document.is_alive())) {
    const auto error = parser.iterate(event.data(), event.size(), event.size() + block_padding).get(document);
    state = error ? Parser::State::not_json : Parser::State::indexed;
  } else if (state == Parser::State::indexed) {
    document.rewind();
  }
  if (state != Parser::State::indexed || path.steps.empty()) return {};
  od::value value;
  if (!step_into(document, path.steps.front(), value)) return {};
  for (std::size_t i = 1; i < path.steps.size(); ++i)
    if (!step_into(value, path.steps[i])) return {};
  return read(value, unescaped);
}

}  // namespace weir
