// The composition root: the only place that knows every connector and every command.
#include <fmt/format.h>

#include <boost/system/system_error.hpp>

#include <system_error>

#include "command_line.h"
#include "exit_codes.h"

namespace {

/// What the system refuses before there is anything to stop in order: an epoll, a thread, a socket of the event loop.
int refused_by_the_system(const std::error_code& why) {
  const bool files = why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system;
  fmt::print(stderr, "weir: the system refuses what it needs: {}: {}\n", why.message(),
             files ? "let it have more open files (ulimit -n, LimitNOFILE of the service)"
                   : "look at what else runs here, and at the limits of this service");
  return weir::app::failed;
}

}  // namespace

int main(int argc, char** argv) {
  weir::Catalog catalog;
  weir::add_all_connectors(catalog);
  try {
    return weir::app::run_command_line(argc, argv, catalog);
  } catch (const boost::system::system_error& error) {
    return refused_by_the_system(error.code());
  } catch (const std::system_error& error) {
    return refused_by_the_system(error.code());
  }
}
