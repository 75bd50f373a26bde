#include "gateway/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "gateway/edits.h"
#include "net/field_lines.h"

namespace weir::gateway {
namespace {

constexpr std::array<std::string_view, 9> of_one_connection{"connection", "keep-alive",     "proxy-connection",
                                                            "te",         "trailer",        "transfer-encoding",
                                                            "upgrade",    "http2-settings", "content-length"};
constexpr std::string_view via = "1.1 weir";

/// What the fields Connection name. Whether each line is one is looked at when it is passed on.
std::vector<std::string_view> named_by_connection(std::string_view fields) {
  constexpr std::string_view name = "Connection:";
  std::vector<std::string_view> names;
  while (!fields.empty()) {
    const std::string_view line = fields.substr(0, fields.find('\n'));
    fields.remove_prefix(std::min(line.size() + 1, fields.size()));
    if (!net::same_word(line.substr(0, name.size()), name)) continue;
    for (auto list = net::trimmed(line.substr(name.size(), line.size() - name.size() - 1)); !list.empty();)
      if (const auto token = net::next_token(list); !token.empty()) names.push_back(token);
  }
  return names;
}

/// Copies the fields that may be passed on, but those that `except` takes. False: a line is none.
template <typename Except>
bool pass_on(std::string& out, std::string_view fields, std::optional<net::Field> (*next)(std::string_view&),
             Except except) {
  const auto named = named_by_connection(fields);
  const auto is = [](std::string_view name) {
    return [name](std::string_view other) { return net::same_word(name, other); };
  };
  while (!fields.empty()) {
    const auto field = next(fields);
    if (!field) return false;
    if (std::ranges::any_of(of_one_connection, is(field->name)) || except(*field)) continue;
    if (std::ranges::any_of(named, is(field->name))) continue;
    out += field->line;
  }
  return true;
}

/// Programs behind CGI, WSGI and the like cannot tell X_Forwarded_For from X-Forwarded-For.
bool is_written_by_us(std::string_view name, const config::GatewayRoute& route) {
  std::string plain(name);
  std::ranges::replace(plain, '_', '-');
  const auto is = [&](std::string_view other) { return net::same_word(plain, other); };
  constexpr std::array<std::string_view, 7> written{
      "Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-Id", "Via"};
  return std::ranges::any_of(written, is) || std::ranges::any_of(of_one_connection, is) ||
         is_left_out(route.request_edits, plain);
}

}  // namespace

net::BodyFraming framing_of(const net::Head& head) {
  if (head.chunked) return net::BodyFraming::chunked;
  return head.content_length ? net::BodyFraming::length : net::BodyFraming::none;
}

std::string_view asked_upgrade(const net::Head& head) {
  if (head.method != "GET" || head.has_body() || head.version < 11) return {};
  std::string_view token;
  bool named = false;
  for (std::string_view rest = head.fields; !rest.empty();) {
    const auto field = net::next_field(rest);
    if (!field) return {};
    if (net::same_word(field->name, "HTTP2-Settings")) return {};
    if (net::same_word(field->name, "Connection")) named = named || net::has_token(field->value, "upgrade");
    if (!net::same_word(field->name, "Upgrade")) continue;
    if (!token.empty() || !net::is_token(field->value)) return {};
    token = field->value;
  }
  return named ? token : std::string_view();
}

std::optional<std::string> request_head(const net::Head& head, const Origin& origin, net::BodyFraming framing,
                                        const Passage& passage) {
  static const config::GatewayRoute plain;
  const config::GatewayRoute& route = passage.route ? *passage.route : plain;
  const std::string_view host = route.send_host.empty() ? head.authority : std::string_view(route.send_host);
  std::string out, vias;
  ForwardedFields forwarded;
  out.reserve(head.fields.size() + 320);
  out.append(head.method).append(" ").append(rewritten(route, head.target));
  if (!head.query.empty()) out.append("?").append(head.query);
  out.append(" HTTP/1.1\r\n");
  if (!host.empty()) out.append("Host: ").append(host).append("\r\n");
  const auto replaced = [&](const net::Field& field) {
    if (field.name.find('_') != field.name.npos && is_written_by_us(field.name, route)) return true;
    if (net::same_word(field.name, "Via")) return net::continue_list(vias, field.value), true;
    if (forwarded.take(field.name, field.value) || is_left_out(route.request_edits, field.name)) return true;
    if (!passage.conditions.empty() &&
        (net::same_word(field.name, "If-None-Match") || net::same_word(field.name, "If-Modified-Since")))
      return true;
    if (!passage.request_id.empty() && net::same_word(field.name, "X-Request-Id")) return true;
    if (!route.deadline_header.empty() && net::same_word(field.name, route.deadline_header)) return true;
    return net::same_word(field.name, "Host") || net::same_word(field.name, "Expect");
  };
  if (!pass_on(out, head.fields, net::next_field, replaced)) return std::nullopt;
  forwarded.write(out, origin, head.authority);
  if (!passage.request_id.empty()) out.append("X-Request-Id: ").append(passage.request_id).append("\r\n");
  net::continue_list(vias, via);
  out.append("Via: ").append(vias).append("\r\n");
  out += passage.conditions;
  add_fields(out, route.request_edits);
  if (!passage.upgrade.empty()) out.append("Connection: Upgrade\r\nUpgrade: ").append(passage.upgrade).append("\r\n");
  if (net::has_token(head.header("TE"), "trailers")) out += "TE: trailers\r\nConnection: TE\r\n";
  if (framing == net::BodyFraming::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == net::BodyFraming::length)
    out.append("Content-Length: ").append(fmt::format_int(head.content_length->count()).c_str()).append("\r\n");
  out += "\r\n";
  return out;
}

std::string answer_fields(const net::AnswerHead& head, const config::FieldEdits& edits) {
  std::string out, vias;
  out.reserve(head.fields.size() + 64);
  const auto replaced = [&](const net::Field& field) {
    if (!net::same_word(field.name, "Via")) return is_left_out(edits, field.name);
    net::continue_list(vias, field.value);
    return true;
  };
  (void)pass_on(out, head.fields, net::next_known_field, replaced);  // the parser has looked at them
  net::continue_list(vias, via);
  out.append("Via: ").append(vias).append("\r\n");
  add_fields(out, edits);
  return out;
}

}  // namespace weir::gateway
