#include "source_for_test.h"

namespace weir::tcp {

Options source_options() {
  Options o;
  o.set("listen", std::string("127.0.0.1:0"));
  o.set("framing", std::string("newline"));
  o.set("max_event", 256_KiB);
  o.set("max_connections", std::uint64_t{1024});
  o.set("idle_timeout", Duration(std::chrono::minutes(5)));
  o.set("frame_timeout", Duration(std::chrono::seconds(30)));
  o.set("receive_buffer", 32_KiB);
  o.set("receive_memory", 1_MiB);
  return o;
}

TestSource::TestSource(const Options& options, Bytes budget, const PriorityRule& rule)
    : context_(clock), output(context_, budget) {
  Catalog catalog;
  add_to(catalog);
  source = catalog.source("tcp")->make({"in", options, Level::accepted, rule, context_});
  opened = source->open();
  if (!opened) return;
  intake = source->intake({reactor, 0, output});
  intake->start();
}

TestSource::~TestSource() { intake.reset(); }

void TestSource::step() {
  reactor.restart();
  reactor.run_for(std::chrono::milliseconds(2));
}

void TestSource::settle() {
  for (int i = 0; i < 10; ++i) step();
}

bool TestSource::brings(std::size_t n) {
  return run_until([&] { return output.events.size() >= n; });
}

void TestSource::pass(Duration d) {
  clock.advance(d);
  static_cast<TcpIntake&>(*intake).sweep();
  settle();
}

}  // namespace weir::tcp
