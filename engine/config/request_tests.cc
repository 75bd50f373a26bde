#include "config/request_tests.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/read_gateway_parts.h"
#include "config/reader.h"
#include "config/yaml_json.h"

namespace weir::config {
namespace {

constexpr std::size_t most_requests = 1000;
constexpr Duration longest_case = std::chrono::days(1);

Parsed<Duration> parse_case_time(std::string_view text) {
  const auto time = parse_duration(text);
  if (time && *time > longest_case) return std::unexpected("at most 24h in one case");
  return time;
}

class RequestReader {
 public:
  RequestReader(Reader& reader, YamlToJson& json, const Config& config)
      : reader_(reader), json_(json), config_(config) {}

  RequestStep read(const Yaml& node, const std::string& path) {
    RequestStep step{.location = node.location};
    Section section(reader_, &node, path);
    if (section.node() && section.find("advance")) {
      Duration time{0};
      if (section.value("advance", time, parse_case_time)) step.advance = time;
      section.finish();
      return step;
    }
    read_request(section, step);
    if (const Yaml* upstream = section.find("upstream"))
      step.upstream = read_script(*upstream, section.path("upstream"));
    read_endpoints(section, step);
    read_expect(section, step);
    section.finish();
    return step;
  }

 private:
  static Parsed<std::string> parse_line(std::string_view text) {
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; }))
      return std::unexpected("write it without blanks and control characters");
    return std::string(text);
  }
  std::string text_of(const Yaml& node) { return node.kind == Yaml::Kind::scalar ? node.text : json_.json(node); }
  ExpectedBody body_of(const Yaml& node) { return {node.kind == Yaml::Kind::scalar, text_of(node)}; }

  void read_request(Section& section, RequestStep& step) {
    const Yaml* node = section.find("request");
    if (!node)
      return reader_.error(step.location, section.path(), "sends nothing",
                           "write request: { path: /orders/7 }, or advance: 10s");
    Section request(reader_, node, section.path("request"));
    request.value("method", step.method, parse_line);
    request.value("path", step.path, parse_line);
    if (!step.path.starts_with('/'))
      reader_.error(node->location, request.path("path"), "is no path", "write path: /orders/7");
    step.headers = read_pairs(reader_, request, "headers");
    check_message_fields(reader_, request.path("headers"), step.headers);
    if (const Yaml* body = request.find("body")) step.body = text_of(*body);
    request.value("gateway", step.gateway, parse_line);
    name_gateway(request, step);
    request.finish();
  }

  void name_gateway(const Section& request, RequestStep& step) {
    std::vector<std::string> names;
    for (const Gateway& gateway : config_.gateways) names.push_back(gateway.name);
    if (names.empty())
      return reader_.error(step.location, request.path(), "there is no gateway", "write events: for a flow of events");
    if (step.gateway.empty() && names.size() == 1) step.gateway = names[0];
    if (step.gateway.empty())
      reader_.error(step.location, request.path("gateway"), "is missing where there are several gateways",
                    "write gateway: " + names[0]);
    else if (std::ranges::find(names, step.gateway) == names.end())
      reader_.error(step.location, request.path("gateway"), Section::not_one_of(step.gateway, names));
  }

  UpstreamScript read_script(const Yaml& node, const std::string& path) {
    using Does = UpstreamScript::Does;
    UpstreamScript script;
    if (node.kind == Yaml::Kind::scalar) {
      const std::vector<std::string> words{"refuse", "reset", "hang"};
      const auto at = std::ranges::find(words, node.text);
      if (at == words.end())
        reader_.error(node.location, path, Section::not_one_of(node.text, words), "or write what it answers as a map");
      else
        script.does = static_cast<Does>(at - words.begin() + 1);
      return script;
    }
    Section section(reader_, &node, path);
    section.count("status", script.status, 200, 599);
    script.headers = read_pairs(reader_, section, "headers");
    check_message_fields(reader_, section.path("headers"), script.headers);
    if (const Yaml* body = section.find("body")) script.body = text_of(*body);
    section.value("after", script.after, parse_case_time);
    section.finish();
    return script;
  }

  void read_endpoints(Section& section, RequestStep& step) {
    const Section map(reader_, section.find("endpoints"), section.path("endpoints"));
    if (!map.node()) return;
    std::vector<std::string> known;
    for (const Upstream& upstream : config_.upstreams)
      known.insert(known.end(), upstream.endpoints.begin(), upstream.endpoints.end());
    for (const YamlEntry& entry : map.node()->entries) {
      if (std::ranges::find(known, entry.key) == known.end())
        reader_.error(entry.location, map.path(entry.key), Section::not_one_of(entry.key, known));
      step.endpoints.emplace_back(entry.key, read_script(entry.value, map.path(entry.key)));
    }
  }

  ExpectedFields read_fields(Section& section) {
    return {read_pairs(reader_, section, "headers"), read_list(reader_, section, "without")};
  }

  void read_expect(Section& step_section, RequestStep& step) {
    const Yaml* node = step_section.find("expect");
    if (!node || (node->kind == Yaml::Kind::map && node->entries.empty()))
      return reader_.error(step.location, step_section.path("expect"), "expects nothing",
                           "write expect: { status: 200 }");
    Section section(reader_, node, step_section.path("expect"));
    ExpectedRequest& expect = step.expect;
    int number = 0;
    std::string text;
    bool flag = false;
    if (section.count("status", number, 100, 599)) expect.status = number;
    expect.headers = read_fields(section);
    if (const Yaml* body = section.find("body")) expect.body = body_of(*body);
    if (section.value("route", text, parse_line)) expect.route = text;
    if (section.value("endpoint", text, parse_line)) expect.endpoint = text;
    if (section.value("reason", text, [](std::string_view key) -> Parsed<std::string> {
          if (!reason_from_key(key))
            return std::unexpected(quote(key) + " is no reason; `weir explain` lists them all");
          return std::string(key);
        }))
      expect.reason = text;
    if (section.flag("cached", flag)) expect.cached = flag;
    if (section.count("attempts", number, 0, 100)) expect.attempts = number;
    if (const Yaml* sent = section.find("sent")) read_sent(*sent, section.path("sent"), expect);
    section.finish();
  }

  void read_sent(const Yaml& node, const std::string& path, ExpectedRequest& expect) {
    Section section(reader_, &node, path);
    std::string text;
    if (section.value("method", text, parse_line)) expect.sent_method = text;
    if (section.value("path", text, parse_line)) expect.sent_path = text;
    expect.sent_headers = read_fields(section);
    if (const Yaml* body = section.find("body")) expect.sent_body = body_of(*body);
    expect.says_what_is_sent = true;
    section.finish();
  }

  Reader& reader_;
  YamlToJson& json_;
  const Config& config_;
};

}  // namespace

std::vector<RequestStep> read_request_steps(Reader& reader, YamlToJson& json, const Config& config, const Yaml& node,
                                            const std::string& path) {
  std::vector<RequestStep> all;
  if (node.kind != Yaml::Kind::list || node.items.empty()) {
    reader.error(node.location, path, "has no requests", "write { request: { path: / }, expect: { status: 200 } }");
    return all;
  }
  RequestReader requests(reader, json, config);
  Duration passed{0};
  for (const Yaml& item : node.items) {
    const std::string at = fmt::format("{}[{}]", path, all.size() + 1);
    if (all.size() == most_requests) {
      reader.error(item.location, at, fmt::format("more than {} requests in one case", most_requests));
      break;
    }
    all.push_back(requests.read(item, at));
    passed += all.back().advance.value_or(Duration{0});
    if (passed > longest_case) {
      reader.error(item.location, at, "time moves more than a day in one case", "make the case shorter");
      break;
    }
  }
  return all;
}

}  // namespace weir::config
