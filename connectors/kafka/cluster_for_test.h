#pragma once
/// A real Kafka for one test: one broker, started by scripts/kafka and stopped with the object.
///
/// Thread: one. Cost: about 4 s to start, for tests.
#include <string>

#include "mock_for_test.h"

namespace weir::kafka {

class RealCluster final : public TestCluster {
 public:
  /// Why there can be none here; empty: there can, or there must be (WEIR_REQUIRE_KAFKA=1).
  static std::string missing();

  explicit RealCluster(std::string source_dir);
  ~RealCluster() override;
  std::string address() const override { return address_; }
  void create(const std::string& topic, int partitions) override;

 private:
  /// The last line it prints.
  std::string script(const std::string& action) const;

  const std::string source_;
  std::string folder_, address_;
};

}  // namespace weir::kafka
