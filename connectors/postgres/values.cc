#include "values.h"

#include <fmt/format.h>
#include <weir/component/expression/timestamp.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "numeric.h"

namespace weir::postgres {
namespace {

using enum Type::Kind;
using Kind = JsonValue::Kind;

constexpr std::array types = {
    Type{text, "text", "text", 25},
    Type{integer, "int", "integer", 23},
    Type{bigint, "bigint", "bigint", 20},
    Type{float8, "float8", "double precision", 701},
    Type{numeric, "numeric", "numeric", 1700},
    Type{boolean, "bool", "boolean", 16},
    Type{timestamptz, "timestamptz", "timestamp with time zone", 1184},
    Type{uuid, "uuid", "uuid", 2950},
    Type{jsonb, "jsonb", "jsonb", 3802},
    Type{bytea, "bytea", "bytea", 17},
};

template <typename T>
void append_big_endian(T n, std::string& out) {
  const auto swapped = std::byteswap(n);
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof n];
  std::memcpy(bytes, &swapped, sizeof n);
  out.append(bytes, sizeof n);
}

std::string_view kind_name(Kind kind) {
  constexpr std::string_view names[] = {"no JSON value", "null",      "a boolean", "a number",
                                        "a text",        "an object", "an array",  "no value that can be stored"};
  return names[static_cast<std::size_t>(kind)];
}

std::string wrong(const Type& type, const JsonValue& value) {
  if (value.kind == Kind::text || value.kind == Kind::number)
    return fmt::format("{} is no {}", value.raw.substr(0, 60), type.name);
  return fmt::format("it is {} and the column takes {}", kind_name(value.kind), type.name);
}

/// Senders write large numbers as texts, because of readers whose only number is a double.
JsonValue number_of(const JsonValue& value) {
  if (value.kind != Kind::text) return value;
  auto number = parse_json_number(value.text);
  number.raw = value.raw;
  return number;
}

template <typename T>
bool append_whole(long double number, std::string& out) {
  constexpr auto end = static_cast<long double>(std::uint64_t{1} << (8 * sizeof(T) - 1));
  if (number != std::trunc(number) || number < -end || number >= end) return false;
  append_int32(sizeof(T), out);
  append_big_endian(static_cast<T>(number), out);
  return true;
}

bool append_float(long double number, std::string& out) {
  append_int32(8, out);
  append_big_endian(std::bit_cast<std::uint64_t>(static_cast<double>(number)), out);
  return true;
}

bool append_number(const Type& type, const JsonValue& value, std::string& out) {
  const JsonValue number = number_of(value);
  if (number.kind != Kind::number) return false;
  switch (type.kind) {
    case integer: return append_whole<std::int32_t>(number.number, out);
    case bigint: return append_whole<std::int64_t>(number.number, out);
    case float8: return append_float(number.number, out);
    default: return append_numeric(number.text, out);
  }
}

bool append_text(const JsonValue& value, std::string& out) {
  if (value.kind != Kind::text && value.kind != Kind::number && value.kind != Kind::boolean) return false;
  append_bytes(value.text, out);
  return true;
}

bool append_timestamp(const JsonValue& value, std::string& out) {
  std::optional<WallTime> when;
  if (value.kind == Kind::text) when = parse_timestamp(value.text);
  if (value.kind == Kind::number) when = timestamp_of(value.number);
  if (when) append_time(*when, out);
  return when.has_value();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool decode_hex(std::string_view digits, std::string& out) {
  if (digits.size() % 2) return false;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
  }
  return true;
}

bool append_uuid(std::string_view text, std::string& out) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  char digits[32];
  std::size_t n = 0;
  for (const char c : text) {
    if (c == '-') continue;
    if (n == sizeof digits) return false;
    digits[n++] = c;
  }
  append_int32(16, out);
  return n == sizeof digits && decode_hex({digits, n}, out);
}

bool decode_base64(std::string_view text, std::string& out) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr auto values = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
      table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return table;
  }();
  if (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  if (text.size() % 4 == 1) return false;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if ((have += 6) < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xff);
  }
  return true;
}

bool append_bytea(std::string_view text, std::string& out) {
  const auto start = out.size();
  append_int32(0, out);
  if (text.starts_with("\\x") ? !decode_hex(text.substr(2), out) : !decode_base64(text, out)) return false;
  put_int32(static_cast<std::int32_t>(out.size() - start - 4), out.data() + start);
  return true;
}

bool append_boolean(bool flag, std::string& out) {
  append_int32(1, out);
  out += flag ? '\1' : '\0';
  return true;
}

bool append(const Type& type, const JsonValue& value, std::string& out) {
  switch (type.kind) {
    case text: return append_text(value, out);
    case boolean: return value.kind == Kind::boolean && append_boolean(value.flag, out);
    case timestamptz: return append_timestamp(value, out);
    case uuid: return value.kind == Kind::text && append_uuid(value.text, out);
    case bytea: return value.kind == Kind::text && append_bytea(value.text, out);
    case jsonb: append_jsonb(value.raw, out); return value.kind != Kind::missing && value.kind != Kind::opaque;
    default: return append_number(type, value, out);
  }
}

}  // namespace

const Type* find_type(std::string_view name) {
  for (const Type& type : types)
    if (type.name == name) return &type;
  return nullptr;
}

std::string type_names() {
  std::string all;
  for (const Type& type : types) all += (all.empty() ? "" : ", ") + std::string(type.name);
  return all;
}

void append_int16(std::int16_t n, std::string& out) { append_big_endian(n, out); }
void append_int32(std::int32_t n, std::string& out) { append_big_endian(n, out); }
void put_int32(std::int32_t n, char* at) {
  const auto swapped = std::byteswap(n);
  std::memcpy(at, &swapped, sizeof swapped);
}

void append_null(std::string& out) { append_int32(-1, out); }

void append_bytes(std::string_view bytes, std::string& out) {
  append_int32(static_cast<std::int32_t>(bytes.size()), out);
  out += bytes;
}

void append_jsonb(std::string_view json, std::string& out) {
  append_int32(static_cast<std::int32_t>(json.size()) + 1, out);
  out += '\1';
  out += json;
}

void append_time(WallTime when, std::string& out) {
  constexpr auto epoch = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
  append_int32(8, out);
  append_big_endian(std::chrono::floor<std::chrono::microseconds>(when - epoch).count(), out);
}

std::string append_value(const Type& type, const JsonValue& value, std::string& out) {
  if (value.kind == Kind::null) {
    append_null(out);
    return {};
  }
  if (type.kind == text && value.kind == Kind::text && value.text.find('\0') != value.text.npos)
    return "it holds a zero character, and PostgreSQL's text cannot";
  if (append(type, value, out)) return {};
  return wrong(type, value);
}

}  // namespace weir::postgres
