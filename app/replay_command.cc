// weir replay: sends dead letters again, at a bounded rate, and remembers its position.
#include <fmt/format.h>
#include <weir/base/terminal_text.h>
#include <weir/component/expression/timestamp.h>
#include <weir/flow/admit/token_bucket.h>

#include <algorithm>
#include <thread>

#include "commands.h"
#include "config/units_parse.h"
#include "exit_codes.h"
#include "interruption.h"
#include "journal_folder.h"
#include "replay_progress.h"
#include "replay_sender.h"

namespace weir::app {
namespace {

constexpr std::uint64_t most_events = 500;        // of a batch: what an interrupted replay may send twice
constexpr std::size_t request_bytes = 512 << 10;  // half of what an http source takes, unless told otherwise
constexpr std::uint64_t most_told = 100;          // refused events with a line each
constexpr Duration look_again = std::chrono::milliseconds(50);

/// What was answered before an interruption is remembered.
bool wait(Duration time) {
  for (; time > Duration{0} && !interrupted(); time -= std::min(time, look_again))
    std::this_thread::sleep_for(std::min(time, look_again));
  return !interrupted();
}

/// "2h": so long ago; or a point in time.
std::optional<WallTime> point_in_time(const std::string& text, WallTime now) {
  if (const auto ago = config::parse_duration(text)) return now - *ago;
  return parse_timestamp(text);
}

struct Plan {
  HttpUrl url;
  std::string token;
  double rate = 0;
  Duration patience{};
  std::optional<WallTime> since, until;
  JournalFilter filter;
};

std::optional<Plan> understand(const ReplayOptions& options, WallTime now) {
  const auto wrong = [](std::string_view what) { return complain(what), std::nullopt; };
  Plan plan;
  auto token = find_token(options.token_file, "WEIR_TOKEN");
  if (!token) return std::nullopt;
  plan.token = std::move(*token);
  if (!options.to.empty() || !options.dry_run) {
    auto url = parse_replay_url(options.to);
    if (!url) return wrong(url.error().message);
    plan.url = std::move(*url);
  }
  const auto rate = config::parse_rate(options.rate);
  if (!rate) return wrong("--rate: " + rate.error());
  if (rate->value <= 0) return wrong("--rate: must be more than 0");
  plan.rate = std::min(rate->value, 1e9);
  const auto patience = config::parse_duration(options.patience);
  if (!patience) return wrong("--patience: " + patience.error());
  plan.patience = *patience;
  for (const auto& [text, time, name] :
       {std::tuple{&options.since, &plan.since, "--since"}, {&options.until, &plan.until, "--until"}}) {
    if (text->empty()) continue;
    *time = point_in_time(*text, now);
    if (!*time) return wrong(fmt::format("{} {}: write 2026-11-21T05:10:00Z, or 2h for two hours ago", name, *text));
  }
  auto filter = JournalFilter::make(options.where);
  if (!filter) return wrong("--where: " + filter.error().message);
  plan.filter = std::move(*filter);
  return plan;
}

/// What a progress file belongs to.
std::string what_of(const ReplayOptions& options) {
  return fmt::format("to {} where {} from {} to {} since {} until {}", options.to, options.where, options.from_seq,
                     options.to_seq, options.since, options.until);
}
/// A dry run need not say where to: then it is that of the last replay.
bool belongs_to(const std::string& what, const ReplayOptions& options) {
  const std::string ours = what_of(options);
  return options.to.empty() ? what.ends_with(ours.substr(3)) : what == ours;
}

/// Events that the other side has taken and that ended there without being delivered: they died again.
std::uint64_t died_again(const std::map<std::string, std::uint64_t>& fates) {
  std::uint64_t n = 0;
  for (const char* fate : {"dead_lettered", "dropped", "failed"})
    if (const auto at = fates.find(fate); at != fates.end()) n += at->second;
  return n;
}

class Replay {
 public:
  Replay(const std::string& from, const ReplayOptions& options, Plan plan, const Context& context)
      : from_(from), options_(options), plan_(std::move(plan)), context_(context) {}

  int run() {
    auto source = ReplaySource::open(from_, options_.live);
    if (!source) return failed;
    if (const auto code = find_place(*source)) return *code;
    supply_ = source->begin(progress_.place, std::move(plan_.filter));
    if (options_.dry_run) return dry_run();
    auto sender = make_sender();
    if (!sender) return complain(sender.error().message), failed;
    watch_for_interruption();
    const int code = send_all(**sender);
    summary(**sender);
    return code;
  }

 private:
  /// Where it begins, or the code to end with.
  std::optional<int> find_place(ReplaySource& source) {
    progress_.what = what_of(options_);
    const std::string path = progress_path(from_);
    const auto before = options_.restart ? Result<std::optional<ReplayProgress>>{} : load_progress(path);
    if (!before) return complain(before.error().message), failed;
    if (*before) {
      if (!belongs_to((*before)->what, options_))
        return complain(fmt::format("{} remembers another replay ({}); --restart forgets it", path, (*before)->what)),
               bad_usage;
      if ((*before)->identity != source.identity((*before)->place))
        return complain(fmt::format("{} remembers a place in another {}; --restart begins anew", path, from_)),
               bad_usage;
      progress_ = **before;
      fmt::print(stderr, "goes on at {}; --restart would begin anew\n", progress_.place.next);
    }
    return std::nullopt;
  }

  Result<std::unique_ptr<ReplaySender>> make_sender() {
    ReplaySender::Setup setup{.url = plan_.url,
                              .session = {.address = plan_.url.address},
                              .token = plan_.token,
                              .patience = plan_.patience,
                              .wait = wait,
                              .refused = [this](auto n, const auto& why) { refused(n, why); }};
    if (plan_.url.tls) {
      auto tls = net::TlsContext::client(options_.tls_ca);
      if (!tls) return std::unexpected(tls.error());
      setup.session.tls = std::move(*tls);
      setup.session.server_name = plan_.url.host;
    }
    return std::make_unique<ReplaySender>(std::move(setup), context_);
  }

  void refused(std::uint64_t number, const std::string& why) {
    ++refused_;
    if (refused_ <= most_told) complain(fmt::format("{} {}: {}", supply_->unit(), number, why));
    if (refused_ == most_told) complain("more that are refused are only counted");
  }

  /// Nothing: no more.
  Result<std::optional<ReplayEvent>> next_wanted() {
    for (;;) {
      const auto before = supply_->place();
      auto item = supply_->next();
      if (!item) return std::unexpected(item.error());
      if (!*item) return std::nullopt;
      if (options_.to_seq > 0 && (*item)->number > options_.to_seq) {
        end_ = before;
        return std::nullopt;
      }
      const bool in_time =
          (!plan_.since || (*item)->at >= *plan_.since) && (!plan_.until || (*item)->at <= *plan_.until);
      if ((*item)->number < options_.from_seq || !in_time || (!(*item)->wanted && (*item)->unreadable.empty())) {
        ++skipped_;
      } else if (auto why = unfit(**item); !why.empty()) {
        refused((*item)->number, why);
      } else {
        return ReplayEvent{(*item)->number, std::move((*item)->event)};
      }
    }
  }

  /// Why it cannot go into a body of one line an event. In JSON a line feed can only stand between its parts.
  std::string unfit(ReplayItem& item) {
    if (!item.unreadable.empty()) return item.unreadable;
    if (item.event.find_first_of("\n\r") == item.event.npos) return {};
    if (!json_.is_json(item.event)) return "it has line feeds and is no JSON";
    std::ranges::replace(item.event, '\n', ' ');
    std::ranges::replace(item.event, '\r', ' ');
    return {};
  }

  Result<std::vector<ReplayEvent>> gather(std::uint64_t most) {
    std::vector<ReplayEvent> events;
    for (std::size_t bytes = 0; events.size() < most && bytes < request_bytes;) {
      auto event = next_wanted();
      if (!event) return std::unexpected(event.error());
      if (!*event) break;
      bytes += (*event)->text.size();
      events.push_back(std::move(**event));
    }
    return events;
  }

  int send_all(ReplaySender& sender) {
    const auto batch = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(plan_.rate / 4), 1, most_events);
    flow::TokenBucket bucket({plan_.rate}, batch);
    const std::uint64_t replayed = progress_.replayed, refused = progress_.refused;
    for (;;) {
      const auto events = gather(batch);
      if (!events) return complain(events.error().message), failed;
      if (!events->empty()) {
        for (auto go = bucket.try_take(events->size(), context_.now()); !go;
             go = bucket.try_take(events->size(), context_.now()))
          if (!wait(go.error().retry_after)) return unsettled;
        if (interrupted()) return unsettled;
        if (const auto outcome = sender.send(*events); outcome != ReplaySender::Outcome::done)
          return told(outcome, sender);
      }
      progress_.place = end_.value_or(supply_->place());
      progress_.identity = supply_->identity(progress_.place);
      progress_.replayed = replayed + sender.taken();
      progress_.refused = refused + refused_;
      if (const auto saved = save_progress(progress_path(from_), progress_); !saved)
        return complain(saved.error().message + "; without it a replay cannot go on where it was"), failed;
      if (events->empty())
        return refused_ > 0 || supply_->lost() > 0 || died_again(sender.fates()) > 0 ? not_all_replayed : ok;
    }
  }

  int told(ReplaySender::Outcome outcome, const ReplaySender& sender) {
    if (outcome == ReplaySender::Outcome::interrupted) return unsettled;
    const bool gave_up = outcome == ReplaySender::Outcome::gave_up;
    complain(fmt::format("{} {}{}; the same command goes on from here", options_.to, sender.why(),
                         gave_up ? fmt::format(", and took nothing for {}", options_.patience) : ""));
    return gave_up ? not_reachable : failed;
  }

  int dry_run() {
    std::uint64_t n = 0;
    for (;; ++n) {
      const auto event = next_wanted();
      if (!event) return complain(event.error().message), failed;
      if (!*event) break;
    }
    fmt::print("would replay {}, refuse {}, skip {}; nothing was sent\n", n, refused_, skipped_);
    return std::fflush(stdout) == 0 ? ok : failed;
  }

  void summary(const ReplaySender& sender) {
    std::string fates;
    for (const auto& [fate, n] : sender.fates())
      fates += fmt::format("{}{} {}", fates.empty() ? " (" : ", ", terminal_text(fate), n);
    fmt::print("replayed {}{}, refused {}, skipped {}", sender.taken(), fates.empty() ? "" : fates + ")", refused_,
               skipped_);
    if (supply_->lost()) fmt::print(", lost on the disk {}", supply_->lost());
    fmt::print("; {}goes on at {} {}\n", interrupted() ? "interrupted, " : "", supply_->unit(), progress_.place.next);
  }

  const std::string& from_;
  const ReplayOptions& options_;
  Plan plan_;
  const Context& context_;
  std::unique_ptr<ReplaySupply> supply_;
  LetterReader json_;
  ReplayProgress progress_;
  std::optional<ReplayPosition> end_;  // --to-seq was reached there
  std::uint64_t refused_ = 0, skipped_ = 0;
};

}  // namespace

int replay(const std::string& from, const ReplayOptions& options) {
  auto plan = understand(options, system_clock().wall());
  if (!plan) return bad_usage;
  const Context context(system_clock(), random_seed());
  return Replay(from, options, std::move(*plan), context).run();
}

}  // namespace weir::app
