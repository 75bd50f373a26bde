#pragma once
/// Which Host names a listener answers to.
///
/// A web page may give its own name the address of somebody's machine (DNS rebinding): the browser then asks this
/// listener as if it belonged to the page, and hands the answer to it. The Host field tells, since it is the page's
/// name. An address in numbers cannot be rebound, nor can localhost; other names have to be given.
///
/// Thread: const. Cost: under 1 us.
#include <string>
#include <string_view>
#include <vector>

namespace weir::observe {

class HostNames {
 public:
  /// The host of `listen`, and `names`, which have no ports.
  HostNames(const std::string& listen, std::vector<std::string> names);
  /// `host` as the client sent it, perhaps with a port; none is what HTTP/1.0 may send, and no browser does.
  bool answers(std::string_view host) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace weir::observe
