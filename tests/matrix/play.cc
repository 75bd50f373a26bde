#include "play.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir::matrix {

using namespace std::chrono_literals;

std::unique_ptr<Played> play(const Catalog& catalog, const Ends& ends, const Load& load, const Arrived& arrived) {
  auto played = std::make_unique<Played>();
  const std::string& folder = played->scratch.folder;
  played->trouble.install(played->catalog, catalog);
  const auto source = source_parts().at(ends.source);
  const auto sink = sink_parts().at(ends.sink);
  const auto before = source.stand_up ? source.stand_up(folder) : nullptr;
  auto behind = sink.stand_up ? sink.stand_up(folder) : nullptr;
  played->config = load(played->catalog, folder).config;
  EXPECT_TRUE(played->config);
  if (!played->config) return nullptr;
  pipeline::Flow flow(*played->config, played->catalog, played->context);
  const auto started = flow.start();
  EXPECT_TRUE(started) << started.error().message;
  if (!started) return nullptr;
  source.drive({folder, flow.status().sources.front().address, ends.acks}, played->sent);
  for (int i = 0; i < 6000 && !arrived(flow.status(), std::max<std::uint64_t>(1, played->sent.events)); ++i)
    std::this_thread::sleep_for(5ms);
  const auto report = flow.stop(60s);
  EXPECT_EQ(report.exit_code(), 0);
  played->status = flow.status();
  behind.reset();
  played->confirmed = played->trouble.confirmed();
  played->held = sink.held ? sink.held(folder) : played->confirmed;
  EXPECT_GT(played->trouble.faults(), 0u) << "the run met no fault: it shows nothing";
  return played;
}

}  // namespace weir::matrix
