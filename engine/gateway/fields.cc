#include "gateway/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr std::array<std::string_view, 9> of_one_connection{"connection", "keep-alive",     "proxy-connection",
                                                            "te",         "trailer",        "transfer-encoding",
                                                            "upgrade",    "http2-settings", "content-length"};
constexpr std::string_view via = "1.1 weir";

/// What the fields Connection name.
std::vector<std::string_view> named_by_connection(std::string_view fields) {
  std::vector<std::string_view> names;
  for (auto field = net::next_field(fields); field; field = net::next_field(fields)) {
    if (!net::same_word(field->name, "Connection")) continue;
    for (auto list = field->value; !list.empty();)
      if (const auto name = net::next_token(list); !name.empty()) names.push_back(name);
  }
  return names;
}

/// Copies the fields that may be passed on, but those that `except` takes. False: a line is none.
template <typename Except>
bool pass_on(std::string& out, std::string_view fields, Except except) {
  const auto named = named_by_connection(fields);
  const auto is = [](std::string_view name) {
    return [name](std::string_view other) { return net::same_word(name, other); };
  };
  while (!fields.empty()) {
    const auto field = net::next_field(fields);
    if (!field) return false;
    if (std::ranges::any_of(of_one_connection, is(field->name)) || except(*field)) continue;
    if (std::ranges::any_of(named, is(field->name))) continue;
    out += field->line;
  }
  return true;
}

void continue_list(std::string& list, std::string_view value) {
  if (!list.empty() && !value.empty()) list += ", ";
  list += value;
}

}  // namespace

net::BodyFraming framing_of(const net::Head& head) {
  if (head.chunked) return net::BodyFraming::chunked;
  return head.content_length ? net::BodyFraming::length : net::BodyFraming::none;
}

std::optional<std::string> request_head(const net::Head& head, const Origin& origin, net::BodyFraming framing) {
  std::string out, vias, forwarded_for;
  out.reserve(head.fields.size() + 256);
  out.append(head.method).append(" ").append(head.target);
  if (!head.query.empty()) out.append("?").append(head.query);
  out.append(" HTTP/1.1\r\nHost: ").append(head.authority).append("\r\n");
  const auto replaced = [&](const net::Field& field) {
    if (net::same_word(field.name, "Via")) return continue_list(vias, field.value), true;
    if (net::same_word(field.name, "X-Forwarded-For")) return continue_list(forwarded_for, field.value), true;
    for (const std::string_view name : {"Host", "Expect", "X-Forwarded-Proto", "X-Forwarded-Host"})
      if (net::same_word(field.name, name)) return true;
    return false;
  };
  if (!pass_on(out, head.fields, replaced)) return std::nullopt;
  continue_list(forwarded_for, origin.peer);
  continue_list(vias, via);
  fmt::format_to(std::back_inserter(out), "X-Forwarded-For: {}\r\nX-Forwarded-Proto: {}\r\nX-Forwarded-Host: {}\r\n",
                 forwarded_for, origin.tls ? "https" : "http", head.authority);
  fmt::format_to(std::back_inserter(out), "Via: {}\r\n", vias);
  if (framing == net::BodyFraming::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == net::BodyFraming::length)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", head.content_length->count());
  out += "\r\n";
  return out;
}

std::string answer_fields(const net::AnswerHead& head) {
  std::string out, vias;
  out.reserve(head.fields.size() + 64);
  const auto replaced = [&](const net::Field& field) {
    if (!net::same_word(field.name, "Via")) return false;
    continue_list(vias, field.value);
    return true;
  };
  (void)pass_on(out, head.fields, replaced);  // its lines were read when the head was parsed
  continue_list(vias, via);
  fmt::format_to(std::back_inserter(out), "Via: {}\r\n", vias);
  return out;
}

}  // namespace weir::gateway
