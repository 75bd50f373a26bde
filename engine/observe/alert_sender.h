#pragma once
/// Tells one receiver of alerts: a sink of its own, on a thread of its own, so that a receiver that hangs holds up
/// neither the flow nor the other receivers.
///
/// What could not be delivered is tried again, its last state (alert_outbox.h). What the other side refuses for good is
/// counted, said in the log, and not sent again.
///
/// Thread: any for `tell` and `status`. Cost: nothing while nothing changes. On cancel: `stop`.
#include <weir/component/catalog.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "observe/alert_outbox.h"
#include "observe/alerts.h"

namespace weir::observe {

class AlertSender {
 public:
  AlertSender(const config::AlertReceiver& receiver, const SinkType& type, Duration repeat, const Context& context);
  ~AlertSender();
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  /// Opens the sink and begins. The error names the receiver.
  Result<void> start();
  void tell(std::span<const AlertNews> news);
  ReceiverStatus status() const;
  /// Delivers what waits for at most so long. False: the sink did not return; the process has to end without it.
  bool stop(Duration most);

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
  std::thread thread_;
};

/// All receivers of a configuration.
class AlertSenders {
 public:
  AlertSenders(const config::Alerts& alerts, const Catalog& catalog, const Context& context);

  Result<void> start();
  void tell(std::span<const AlertNews> news);
  std::vector<ReceiverStatus> status() const;
  bool stop(Duration most);

 private:
  std::vector<std::unique_ptr<AlertSender>> senders_;
};

}  // namespace weir::observe
