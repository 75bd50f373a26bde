#pragma once
/// The last hour of each part of a flow and its gateways, for the dashboard's plots: 360 points of 10 s, at most eight
/// series a part. Of the first 256 parts; of further ones nothing is kept, and the answer says so.
///
///   source    in/s, admitted/s, refused/s, pending, lag in events, lag in s
///   stage     in/s, out/s, pending
///   sink      waiting, in/s, stored/s, dropped/s, failures/s, oldest age in s, p50 and p99 in ms
///   gateway   in/s, answered/s, errors/s (5xx), refused/s, in flight
///   upstream  in flight, limit, waiting, retries/s
///   flow      memory reserved in %, events in transit
///
/// A time at which nobody looked is a gap and not a zero: null.
///
/// Thread: `look` from one; `json` any. Cost: a look every 10 s, under 1 us a part; 11.3 KiB a part, declared in the
/// memory table ("admin: history").
#include <weir/base/units.h>

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/status.h"
#include "pipeline/report/status.h"

namespace weir::observe {

class History {
 public:
  static constexpr Duration step = std::chrono::seconds(10);
  static constexpr std::size_t points = 360, most_series = 8;

  /// Does nothing until a step is over.
  void look(const pipeline::FlowStatus& flow, const gateway::Status& requests, TimePoint now);
  bool due(TimePoint now) const { return now >= next_; }

  /// {"step_s":10,"ago_s":3.1,"series":[{"name":"waiting","unit":"events","points":[null,4,...]},...]}: the oldest
  /// first, the newest `ago_s` ago. Of "sink/db"; empty: nothing is known of such a part.
  std::string json(std::string_view part, TimePoint now) const;
  std::size_t parts() const;

 private:
  /// What is looked at: a level as it is, or a count, of which its growth a second is kept.
  struct Figure {
    std::string_view name, unit;
    double value;
    bool counts;
  };
  struct Part {
    std::vector<float> values;  ///< points x figures; not a number: nobody looked
    std::array<std::string_view, most_series> names{}, units{};
    std::array<double, most_series> last{};  ///< counts at the last look
    std::size_t figures = 0;
    bool known = false;  ///< `last` is
    std::uint64_t seen = 0;
  };
  void note(const std::string& key, std::span<const Figure> figures);
  void begin_point(TimePoint now);
  void look_at(const pipeline::FlowStatus& flow);
  void look_at(const gateway::Status& requests);

  mutable std::mutex mutex_;  // of all
  std::map<std::string, Part, std::less<>> parts_;
  std::size_t at_ = 0;  ///< where the newest point stands
  std::uint64_t looks_ = 0;
  double passed_ = 0;  ///< seconds since the last look
  TimePoint next_{}, last_{};
};

}  // namespace weir::observe
