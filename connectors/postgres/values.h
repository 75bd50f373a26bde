#pragma once
/// A JSON value in PostgreSQL's binary format, which is the same in an element of an array and in a COPY row.
///
///   int32 length | bytes          -1: NULL
///
///   text         UTF-8 without a zero character; a number or boolean as written
///   int, bigint  4 and 8 bytes, big-endian; a whole number, or a text that is one
///   float8       IEEE 754
///   numeric      {digits, weight, sign, scale} and base-10000 digits: no digit is lost
///   bool         1 byte
///   timestamptz  microseconds since 2000-01-01 UTC; a text or number as timestamp.h reads it
///   uuid         16 bytes; a text of 32 hexadecimal digits, with or without hyphens and braces
///   jsonb        version 1 and the text as it came; the server parses it
///   bytea        a text: base64 (RFC 4648), or \x and hexadecimal digits
///
/// Nothing is converted that could have another meaning: "7" is no bool, an object is no text. JSON's null is NULL for
/// every type.
///
/// Thread: pure functions. Cost: 5 to 30 ns and a copy. Ref: PostgreSQL 15, src/backend/utils/adt/*.c (the functions
/// called TYPE_recv); RFC 4648 section 4.
#include <weir/base/units.h>
#include <weir/component/expression/json_event.h>

#include <string>
#include <string_view>

namespace weir::postgres {

struct Type {
  enum class Kind : std::uint8_t { text, integer, bigint, float8, numeric, boolean, timestamptz, uuid, jsonb, bytea };
  Kind kind;
  std::string_view name;       ///< in the configuration and in SQL
  std::string_view long_name;  ///< what the server's catalogue calls it
  std::uint32_t oid;           ///< fixed in every server (pg_type.dat)
};

/// By its name in the configuration; nullptr: there is none of that name.
const Type* find_type(std::string_view name);
/// "text, int, ..." for messages.
std::string type_names();

/// Appends it. Empty, or why this value cannot be one of that type ("it is an object, and the column takes int"); then
/// what was appended is of no use.
std::string append_value(const Type& type, const JsonValue& value, std::string& out);
void append_null(std::string& out);
void append_bytes(std::string_view bytes, std::string& out);
void append_time(WallTime when, std::string& out);
void append_jsonb(std::string_view json, std::string& out);

void append_int16(std::int16_t n, std::string& out);
void append_int32(std::int32_t n, std::string& out);
void put_int32(std::int32_t n, char* at);

}  // namespace weir::postgres
