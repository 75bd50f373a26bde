#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>
#include <weir/component/batch.h>
#include <weir/component/expression/expression.h>

#include <charconv>
#include <optional>
#include <thread>

#include "ask.h"
#include "commands.h"
#include "exit_codes.h"

namespace weir::app {
namespace {

constexpr auto tap_poll = std::chrono::milliseconds(200);

/// "1/100" or "100": one of so many.
std::optional<std::uint64_t> one_of(std::string_view text) {
  if (text.starts_with("1/")) text.remove_prefix(2);
  std::uint64_t n = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), n);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || n == 0) return std::nullopt;
  return n;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

struct Page {
  std::uint64_t next = 0, missed = 0;
  std::vector<std::string> events;
};

/// The head of a page has the length of each event behind it.
std::optional<Page> parsed(const std::string& body) {
  const auto end = body.find('\n');
  if (end == std::string::npos) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element head;
  simdjson::dom::array rows;
  Page page;
  if (parser.parse(body.data(), end).get(head) || head["next"].get(page.next) || head["missed"].get(page.missed) ||
      head["events"].get(rows))
    return std::nullopt;
  std::size_t at = end + 1;
  for (simdjson::dom::element row : rows) {
    std::uint64_t length = 0;
    if (row["length"].get(length) || length > body.size() - at) return std::nullopt;
    page.events.push_back(body.substr(at, length));
    at += length;
  }
  return page;
}

/// Shows events until the limit is reached.
class Show {
 public:
  Show(const TapOptions& options, std::optional<Expression> where)
      : limit_(options.limit), where_(std::move(where)), terminal_(::isatty(STDOUT_FILENO) == 1) {}

  /// False: the limit is reached, or the reader of the output has gone.
  bool page(Page page) {
    for (std::string& event : page.events) {
      if (!matches(event)) continue;
      if (terminal_) event = terminal_text(event);
      event += '\n';
      if (std::fwrite(event.data(), 1, event.size(), stdout) != event.size()) return false;
      if (++shown_ == limit_) return std::fflush(stdout), false;
    }
    if (terminal_ && page.missed > missed_)
      fmt::print(stderr, "weir: {} events were not copied: too many a second; --sample takes fewer\n",
                 page.missed - missed_);
    missed_ = page.missed;
    return std::fflush(stdout) == 0;
  }

 private:
  bool matches(const std::string& event) {
    if (!where_) return true;
    const std::string padded = event + std::string(block_padding, '\0');
    return where_->matches(std::string_view(padded).substr(0, event.size()));
  }

  std::uint64_t limit_, shown_ = 0, missed_ = 0;
  std::optional<Expression> where_;
  bool terminal_;
};

/// Asks until enough is shown.
int follow(const AdminPeer& admin, const std::string& query, Show& show) {
  for (std::uint64_t after = 0;;) {
    const auto reply = admin.request(fmt::format("/api/tap?{}&after={}", query, after), std::chrono::seconds(5));
    if (!reply) {
      fmt::print(stderr, "weir: no running weir answers at {} ({}); is it running, and is that its admin.listen?\n",
                 terminal_text(admin.address), terminal_text(reply.error().message));
      return not_reachable;
    }
    if (reply->status == 401) {
      say_unknown(admin);
      return not_reachable;
    }
    if (reply->status != 200) {
      Answer answer;
      std::string_view message;
      const bool said = !answer.parser.parse(reply->body).get(answer.json) && !answer.json["message"].get(message);
      fmt::print(stderr, "weir: {}\n", said ? terminal_text(message) : "this weir has no taps");
      return reply->status == 404 ? bad_usage : failed;
    }
    auto page = parsed(reply->body);
    if (!page) {
      fmt::print(stderr, "weir: {} did not answer as weir does; --admin names another server\n",
                 terminal_text(admin.address));
      return not_reachable;
    }
    after = page->next;
    const bool more = !page->events.empty();
    if (!show.page(std::move(*page))) return ok;
    if (!more) std::this_thread::sleep_for(tap_poll);
  }
}

}  // namespace

int tap(const AdminPeer& admin, const TapOptions& options) {
  const auto every = one_of(options.sample);
  if (!every) {
    fmt::print(stderr, "weir: --sample {} is no share: write 1/100 for one event of a hundred\n",
               terminal_text(options.sample));
    return bad_usage;
  }
  std::optional<Expression> where;
  if (!options.where.empty()) {
    auto compiled = Expression::compile(options.where);
    if (!compiled) {
      fmt::print(stderr, "weir: --where: {}\n", compiled.error().message);
      return bad_usage;
    }
    where = std::move(*compiled);
  }
  std::string redact;
  for (const std::string& field : options.redact) redact += (redact.empty() ? "" : ",") + percent_encoded(field);
  const std::string query = fmt::format("edge={}&every={}&redact={}", percent_encoded(options.edge), *every, redact);
  Show show(options, std::move(where));
  return follow(admin, query, show);
}

}  // namespace weir::app
