// A server with a trivial handler, for a load generator to measure: http_server_bench [host:port] [204|read]
// Prints its CPU time and requests when standard input ends.
#include <sys/resource.h>

#include <cstdio>
#include <string>

#include "net/http_server.h"
#include "net/reactor.h"

namespace weir::net {
namespace {

boost::asio::awaitable<void> take(Exchange& exchange) {
  for (;;) {
    const auto piece = co_await exchange.read(64_KiB);
    if (!piece) co_return;
    if (piece->empty()) break;
  }
  Response done{.status = 204};
  co_await exchange.respond(std::move(done));
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

int run(const std::string& listen) {
  const Context context;
  Reactor reactor("bench");
  HttpServer server(reactor.io(), {.listen = listen}, context, take);
  const auto address = server.open();
  if (!address) {
    std::fprintf(stderr, "%s\n", address.error().message.c_str());
    return 1;
  }
  server.start();
  reactor.start();
  std::printf("%s\n", address->c_str());
  std::fflush(stdout);
  const double before = cpu_seconds();
  while (std::getchar() != EOF) {
  }
  const double cpu = cpu_seconds() - before;
  const auto requests = server.stats().requests;
  std::printf("%lu requests, %.3f s CPU, %.2f us a request\n", requests, cpu,
              cpu * 1e6 / static_cast<double>(requests));
  reactor.stop();
  reactor.join();
  return 0;
}

}  // namespace
}  // namespace weir::net

int main(int argc, char** argv) { return weir::net::run(argc > 1 ? argv[1] : "127.0.0.1:0"); }
