#pragma once
/// For tests: a source on a reactor and a clock of the test's.
///
/// Thread: one. Cost: for tests.
#include <weir/base/until_for_test.h>
#include <weir/component/conformance/fake_outlet.h>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

#include "tcp.h"

namespace weir::tcp {

Options source_options();

/// One intake of a source.
class TestSource {
 public:
  explicit TestSource(const Options& options = source_options(), Bytes budget = 64_MiB, const PriorityRule& rule = {});
  ~TestSource();

  /// Without the warning that the certificate is from this clock's future.
  std::string address() const { return source->address().substr(0, source->address().find(' ')); }
  void step();
  template <typename Done>
  bool run_until(Done done) {
    return until(done, [this] { step(); });
  }
  /// Enough for everything that is on its way to arrive.
  void settle();
  bool brings(std::size_t n);
  /// Lets time pass as the sweeper sees it.
  void pass(Duration d);

  ManualClock clock;

 private:
  Context context_;

 public:
  boost::asio::io_context reactor;
  conformance::FakeOutput output;
  Result<void> opened;
  std::unique_ptr<Source> source;
  std::unique_ptr<Intake> intake;
};

}  // namespace weir::tcp
