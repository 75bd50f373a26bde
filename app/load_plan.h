#pragma once
/// What `weir load` is told, understood: who asks what, where, for how long, and what it has to show.
///
/// Everything has a bound that the user may move: the time (--for), the calls (--count), the connections. A load that
/// is longer than its --count is refused before it begins, because it would end early and look as if it had not.
///
/// A load can take a service down. So a target that is not this machine's loopback needs --target-is-mine.
///
/// Thread: one, at start; it looks names up.
#include <weir/base/result.h>

#include <string>
#include <vector>

#include "load/assertion.h"
#include "load/schedule.h"
#include "load_options.h"
#include "net/address.h"

namespace weir::app {

inline constexpr Duration longest_load = std::chrono::hours(24);

/// One request, before it is bytes.
struct LoadRequest {
  std::string url, method, body, label;
  std::vector<std::string> headers;  ///< "Name: value"
  double weight = 1;
  std::uint32_t events = 0;  ///< instead of a body: so many lines of NDJSON, with ids of their own
};

/// Something that happens during the load, for the plots.
struct LoadMark {
  Duration at{0};
  std::string text;
};

struct LoadPlan {
  std::string what;   ///< one line: the load in words
  std::string title;  ///< what its page calls it
  std::vector<LoadMark> marks;
  std::vector<load::Stream> streams;
  std::vector<net::Endpoint> targets;
  std::vector<std::string> addresses;  ///< of the targets, as written
  Duration length{0};
  std::vector<load::Assertion> assertions;
};

/// Of a load with one target. The error is one line.
Result<LoadPlan> plan_load(const LoadOptions& options);
/// The clients, without what they ask and how often: what a file's streams begin with (load_file.h).
Result<load::Stream> clients_of(const LoadOptions& options);
/// What is left when the streams are known: whether all of it fits into its bounds, and what it has to show.
Result<void> complete_plan(const LoadOptions& options, LoadPlan& plan);
/// A rate as one phase.
Result<std::vector<load::Arrivals::Phase>> steady(std::string_view rate);

/// The request as bytes; its target is looked up and put into the plan.
Result<load::Variant> make_variant(const LoadRequest& request, const LoadOptions& options, LoadPlan& plan);

}  // namespace weir::app
