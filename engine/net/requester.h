#pragma once
/// What guards may ask about a request (async::Caller), of an HTTP exchange.
///
/// Thread: the exchange's. Cost: that of what is asked. Lives no longer than its exchange.
#include <weir/async/client_key.h>

#include <string>
#include <string_view>

#include "net/http.h"

namespace weir::net {

class Requester final : public async::Caller {
 public:
  explicit Requester(const Exchange& exchange) : exchange_(exchange) {}
  std::string_view header(std::string_view name) const override { return exchange_.head().header(name); }
  std::string_view path() const override { return exchange_.head().target; }
  std::string peer() const override { return exchange_.peer(); }
  std::string tls_subject() const override { return exchange_.tls_subject(); }

 private:
  const Exchange& exchange_;
};

}  // namespace weir::net
