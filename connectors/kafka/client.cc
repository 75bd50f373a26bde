#include "client.h"

#include <fmt/format.h>
#include <syslog.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>
#include <thread>

#include "log/log.h"

namespace weir::kafka {
namespace {

using Conf = std::unique_ptr<rd_kafka_conf_t, Destroy<rd_kafka_conf_destroy>>;

constexpr int first_that_checks = 0x02030000;
constexpr auto ask_again = std::chrono::milliseconds(250);
constexpr auto new_topic = std::chrono::seconds(3);  // the time until each broker knows a new topic

/// Those that cannot be destroyed are not lost: a search for leaks finds them here.
constinit std::array<std::atomic<rd_kafka_t*>, 64> kept_handles{};

int milliseconds(Duration d) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(std::max(d, Duration{0})).count());
}

Client& client_of(void* opaque) { return *static_cast<Client*>(opaque); }

}  // namespace

PartitionList make_partition_list(std::size_t room) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(room)));
}
std::string_view text_of(rd_kafka_resp_err_t error) { return rd_kafka_err2str(error); }

Result<std::unique_ptr<Client>> Client::create(rd_kafka_type_t type, const ClientConfig& config, ClientHooks& hooks,
                                               const Context& context) {
  if (auto checked = check_overrides(config); !checked) return std::unexpected(std::move(checked.error()));
  if (config.missing) return std::unexpected(*config.missing);
  std::unique_ptr<Client> client(new Client(config, hooks, context));
  if (auto opened = client->open(type, config); !opened) return std::unexpected(std::move(opened.error()));
  return client;
}

Client::Client(const ClientConfig& config, ClientHooks& hooks, const Context& context)
    : part_(config.part), hooks_(hooks), context_(context), lines_({0.1}, 10) {
  for (const auto& broker : config.brokers) brokers_ += (brokers_.empty() ? "" : ", ") + terminal_text(broker);
}

std::atomic<int> Client::kept_{0};

Client::~Client() {
  if (!handle_) return;
  if (can_be_destroyed()) {
    rd_kafka_destroy(handle_);
    return;
  }
  const auto place = static_cast<std::size_t>(kept_.fetch_add(1, std::memory_order_relaxed));
  if (place < kept_handles.size()) kept_handles[place] = handle_;
  rd_kafka_set_log_level(handle_, LOG_EMERG);  // its threads have no one to tell any more
}

/// Up to 2.2 librdkafka aborts the process for a consumer that has joined its group and has not heard yet what is its
/// own: its assignor has no state then. That one is kept, with its threads, until the process ends.
/// Ref: librdkafka issue 4312.
bool Client::can_be_destroyed() const {
  return !joining_.load(std::memory_order_relaxed) || rd_kafka_version() >= first_that_checks;
}

Result<void> Client::subscribe(const std::vector<std::string>& topics) {
  const PartitionList places = make_partition_list(topics.size());
  for (const auto& topic : topics)
    rd_kafka_topic_partition_list_add(places.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  joining_ = true;
  if (const auto error = rd_kafka_subscribe(handle_, places.get()))
    return failure(fmt::format("cannot subscribe: {}", text_of(error)));
  return {};
}

Result<void> Client::open(rd_kafka_type_t type, const ClientConfig& config) {
  Conf conf(rd_kafka_conf_new());
  if (auto set = configure(conf.get(), config); !set) return set;
  set_callbacks(conf.get(), type);
  char why[512] = "";
  handle_ = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (!handle_) return failure(fmt::format("librdkafka refuses these settings: {}", terminal_text(why)));
  (void)conf.release();  // the handle's now
  return {};
}

Result<void> Client::check(const ClientConfig& config) {
  if (auto checked = check_overrides(config); !checked) return checked;
  const Conf conf(rd_kafka_conf_new());
  return configure(conf.get(), config);
}

Result<void> Client::configure(rd_kafka_conf_t* conf, const ClientConfig& config) {
  char why[512] = "";
  for (const auto& [key, value, option] : config.settings) {
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK) continue;
    if (key == "sasl.password") return failure("librdkafka does not take the password");
    return failure(fmt::format("{}: {}", option.empty() ? key : option, terminal_text(why)));
  }
  for (const auto& [key, value] : config.overrides) {
    const auto result = rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why, sizeof why);
    if (result == RD_KAFKA_CONF_OK) continue;
    // Its own text holds the value, which may be a secret.
    return failure(fmt::format("librdkafka: {} {}: see its CONFIGURATION.md", terminal_text(key),
                               result == RD_KAFKA_CONF_UNKNOWN ? "is no setting of it" : "does not take this value"));
  }
  return {};
}

void Client::set_callbacks(rd_kafka_conf_t* conf, rd_kafka_type_t type) {
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t* handle, int level, const char* kind, const char* text) {
    // What on_error is told as well.
    if (std::string_view(kind) == "FAIL" || std::string_view(kind) == "ERROR") return;
    if (void* opaque = rd_kafka_opaque(handle)) client_of(opaque).log(level, text);
  });
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int error, const char* text, void* opaque) {
    client_of(opaque).on_error(static_cast<rd_kafka_resp_err_t>(error), text);
  });
  rd_kafka_conf_set_stats_cb(conf, [](rd_kafka_t*, char* json, std::size_t size, void* opaque) {
    client_of(opaque).hooks_.on_statistics({json, size});
    return 0;
  });
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
      client_of(opaque).hooks_.on_delivered(*message);
    });
    return;
  }
  rd_kafka_conf_set_rebalance_cb(
      conf, [](rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* places, void* opaque) {
        if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) client_of(opaque).joining_ = false;
        client_of(opaque).hooks_.on_rebalance(what, *places);
      });
  rd_kafka_conf_set_offset_commit_cb(
      conf, [](rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* places, void* opaque) {
        client_of(opaque).hooks_.on_committed(what, places);
      });
}

Result<void> Client::await_topics(std::span<const std::string> topics, Duration within) {
  const TimePoint begin = context_.now();
  starting_ = true;  // stays so when it fails: the error says it all
  for (const auto& topic : topics)
    for (;;) {
      const Duration waited = context_.now() - begin;
      const auto found = look_for(topic, std::min<Duration>(ask_again, within - waited));
      if (!found) return std::unexpected(found.error());
      if (*found == Topic::there) break;
      if (*found == Topic::unknown) {
        if (waited >= std::min<Duration>(within, new_topic))
          return failure(fmt::format("there is no topic {} at {}: create it, or correct the name", terminal_text(topic),
                                     brokers_));
        std::this_thread::sleep_for(ask_again);
      } else if (waited >= within) {
        const auto why = trouble();
        return failure(fmt::format("brokers {} do not answer: {}", brokers_,
                                   why.empty() ? "check the address, and whether it wants TLS or a login" : why),
                       Error::Kind::disconnected);
      }
    }
  starting_ = false;
  return {};
}

Result<Client::Topic> Client::look_for(const std::string& topic, Duration within) {
  const std::unique_ptr<rd_kafka_topic_t, Destroy<rd_kafka_topic_destroy>> handle(
      rd_kafka_topic_new(handle_, topic.c_str(), nullptr));
  if (!handle) return failure(fmt::format("topic {}: {}", terminal_text(topic), text_of(rd_kafka_last_error())));
  const rd_kafka_metadata_t* told = nullptr;
  const auto error = rd_kafka_metadata(handle_, 0, handle.get(), &told, std::max(1, milliseconds(within)));
  rd_kafka_poll(handle_, 0);  // errors of connections come this way
  if (refused_.load(std::memory_order_relaxed)) return failure(trouble());
  if (error) return Topic::unanswered;
  const std::unique_ptr<const rd_kafka_metadata_t, Destroy<rd_kafka_metadata_destroy>> metadata(told);
  const auto what = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (what == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return Topic::unknown;
  if (what == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || what == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
    return failure(fmt::format("topic {} at {}: {}", terminal_text(topic), brokers_, text_of(what)));
  if (what || metadata->topic_cnt != 1) return Topic::unanswered;  // its leader is being elected
  well();
  return Topic::there;
}

void Client::on_error(rd_kafka_resp_err_t error, std::string_view text) {
  // librdkafka's text about a refused login says which of its calls failed; the message says what to do.
  const bool refused = error == RD_KAFKA_RESP_ERR__AUTHENTICATION;
  const auto plain = terminal_text(text.substr(0, text.find(" (after ")));  // else each attempt reads anew
  const auto line =
      refused ? fmt::format("brokers {} refuse the login: {}: check user and password", brokers_, plain) : plain;
  {
    std::lock_guard lock(mutex_);
    if (refused) refused_ = true;
    // "All brokers are down" says less than why the last one is.
    if (line == trouble_ || (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !trouble_.empty())) return;
    trouble_ = line;
    troubled_ = true;
  }
  log(LOG_WARNING, line);
}

std::string Client::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

void Client::clear_trouble() {
  std::lock_guard lock(mutex_);
  trouble_.clear();
  troubled_ = refused_ = false;
}

void Client::log(int syslog_level, std::string_view text) {
  if (starting_.load(std::memory_order_relaxed)) return;
  std::uint64_t left_out = 0;
  // The name of the library's thread is left out.
  if (const auto end = text.find("]: "); text.starts_with("[thrd:") && end != text.npos) text.remove_prefix(end + 3);
  {
    std::lock_guard lock(mutex_);
    if (!lines_.try_take(1, context_.now())) {
      ++left_out_;
      return;
    }
    left_out = std::exchange(left_out_, 0);
  }
  const auto level = syslog_level <= LOG_ERR       ? log::Level::error
                     : syslog_level == LOG_WARNING ? log::Level::warn
                     : syslog_level < LOG_DEBUG    ? log::Level::info
                                                   : log::Level::debug;
  log::say(level, {part_, ""}, "{}{}", terminal_text(text),
           left_out ? fmt::format(" ({} lines before it were left out)", left_out) : "");
}

}  // namespace weir::kafka
