// The time that events take, as metrics and as JSON.
#include <gmock/gmock.h>

#include "observe/json.h"
#include "observe/metrics.h"

namespace weir::observe {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

pipeline::FlowStatus status_of(const flow::Sojourn& sojourn) {
  pipeline::FlowStatus status;
  pipeline::SinkStatus& sink = status.sinks.emplace_back();
  sink.name = "out";
  sink.workers = 4;
  sink.sojourn = sojourn;
  sink.latency = pipeline::describe_latency(sink);
  return status;
}

flow::Sojourn tail() {
  return {.now = {12ms, 4100ms},
          .batches = 900,
          .usual = flow::Sojourn::Times{10ms, 40ms},
          .events = 9000,
          .total = 450.5,
          .buckets = {0, 0, 0, 4000, 4900, 0, 0, 0, 0, 0, 0, 100},
          .under_way = 2s};
}

TEST(Pace, IsAHistogramForPrometheus) {
  EXPECT_THAT(prometheus_text(status_of(tail()), {}),
              AllOf(HasSubstr("# TYPE weir_sink_time_seconds histogram\n"),
                    HasSubstr("weir_sink_time_seconds_bucket{sink=\"out\",le=\"0.01\"} 4000\n"),
                    HasSubstr("weir_sink_time_seconds_bucket{sink=\"out\",le=\"0.025\"} 8900\n"),
                    HasSubstr("weir_sink_time_seconds_bucket{sink=\"out\",le=\"+Inf\"} 9000\n"),
                    HasSubstr("weir_sink_recent_time_seconds{sink=\"out\",quantile=\"0.5\"} 0.012\n"),
                    HasSubstr("weir_sink_recent_time_seconds{sink=\"out\",quantile=\"0.99\"} 4.1"),
                    HasSubstr("weir_sink_time_seconds_sum{sink=\"out\"} 450.5\n"),
                    HasSubstr("weir_sink_time_seconds_count{sink=\"out\"} 9000\n"),
                    HasSubstr("weir_sink_usual_time_seconds{sink=\"out\",quantile=\"0.5\"} 0.01\n"),
                    HasSubstr("weir_sink_usual_time_seconds{sink=\"out\",quantile=\"0.99\"} 0.04\n"),
                    HasSubstr("weir_sink_under_way_seconds{sink=\"out\"} 2\n")));
}

TEST(Pace, LeavesOutOfTheMetricsWhatIsNotKnown) {
  EXPECT_THAT(prometheus_text(status_of({}), {}),
              AllOf(HasSubstr("weir_sink_time_seconds_count{sink=\"out\"} 0\n"), Not(HasSubstr("quantile=")),
                    Not(HasSubstr("weir_sink_usual_time_seconds"))));
}

TEST(Pace, StandsInBothAnswersOfTheApiWithFiguresVerdictAndSentence) {
  const std::string latency =
      R"("latency":{"p50_s":0.012000,"p99_s":4.100000,"usual_p50_s":0.010000,"usual_p99_s":0.040000,"batches":900,)"
      R"("under_way_s":2.000,"verdict":"subset","sentence":"p99 4.1 s (usual 40 ms) but p50 still 12 ms: a subset is )"
      R"(stuck, look at what one of its 4 workers, key, host or kind of event has that the others have not"})";
  EXPECT_THAT(graph_json(status_of(tail())), HasSubstr(latency));
  EXPECT_THAT(pressure_json(status_of(tail())), HasSubstr(latency));
}

TEST(Pace, IsNullInTheApiWhereThereIsNothingToTellFrom) {
  EXPECT_THAT(pressure_json(status_of({})),
              HasSubstr(R"("latency":{"p50_s":null,"p99_s":null,"usual_p50_s":null,"usual_p99_s":null,"batches":0,)"
                        R"("under_way_s":0.000,"verdict":"too_few",)"));
}

}  // namespace
}  // namespace weir::observe
