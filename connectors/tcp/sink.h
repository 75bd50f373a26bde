#pragma once
/// Sends events over one kept TCP or TLS connection (see README.md for what that promises).
///
/// Thread: its worker. Cost: blocks that lie as lines are sent as they are; anything else is copied once. On cancel:
/// `deliver` returns when the receiver takes less than 4 KiB in `write_timeout`.
#include <weir/component/catalog.h>

#include <string>
#include <vector>

#include "framing.h"
#include "link.h"

namespace weir::tcp {

class TcpSink final : public Sink {
 public:
  explicit TcpSink(const SinkSetup& setup);
  Result<void> check() const override;
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  Result<std::string> on_hangup() override;
  void close() override;

 private:
  Result<void> put(const Batch& batch, std::uint32_t number, std::vector<Delivery::Refused>& refused);
  Result<void> put_event(std::string_view event);
  Result<void> write(std::string_view bytes);
  Result<void> flush();

  std::string name_;
  const Context& context_;
  LinkConfig config_;
  bool wants_tls_;
  std::string ca_;
  net::TlsPair own_;
  Framing framing_;
  std::unique_ptr<Link> link_;
  std::string out_;  // not sent yet
};

SinkType sink_type();

}  // namespace weir::tcp
