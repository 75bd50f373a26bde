// The composition root: the one place that knows every connector and every command.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "exit_codes.h"

int main(int argc, char** argv) {
  using namespace weir;
  Catalog catalog;
  add_all_connectors(catalog);

  CLI::App cli{"Weir carries events through systems that can be overloaded, and keeps its promises while they are."};
  cli.require_subcommand(1);
  cli.footer(
      "Exit codes: 0 ok, 1 failed, 2 bad configuration, 3 stopped unsettled but safe, 4 abandoned after being "
      "accepted,\n"
      "5 no running weir at the admin address, 64 bad usage.");
  int code = 0;
  std::vector<std::string> files;
  std::string admin = "127.0.0.1:9600";

  auto* run = cli.add_subcommand("run", "run the flow that the configuration describes");
  bool quiet = false;
  run->add_option("FILE", files, "configuration files or folders (default: weir.yaml)");
  run->add_flag("-q,--quiet", quiet, "log warnings and errors only");
  run->callback([&] { code = app::run(app::or_default(files), catalog, quiet); });

  auto* check =
      cli.add_subcommand("check", "say what a configuration promises, what it costs, and what is wrong with it");
  app::CheckOptions check_options;
  check->add_option("FILE", files, "configuration files or folders (default: weir.yaml)");
  check->add_flag("--json", check_options.json, "the report as JSON");
  check->add_flag("--print", check_options.print, "the effective configuration, defaults included, secrets hidden");
  check->add_flag("--graph", check_options.graph, "the graph, for Graphviz");
  check->callback([&] { code = app::check(app::or_default(files), catalog, check_options); });

  auto* init = cli.add_subcommand("init", "write a small configuration to start from");
  std::string init_file = "weir.yaml";
  bool force = false;
  init->add_option("FILE", init_file, "where to write it")->capture_default_str();
  init->add_flag("--force", force, "overwrite an existing file");
  init->callback([&] { code = app::init(init_file, force); });

  auto* why = cli.add_subcommand("why", "say what holds a source or sink up, as a chain of causes");
  std::string node;
  why->add_option("NODE", node, "a source or sink (default: all)");
  why->add_option("--admin", admin, "admin address of the running weir")->capture_default_str();
  why->callback([&] { code = app::why(admin, node); });

  auto* explain = cli.add_subcommand("explain", "explain a reason code: what it means, what to do");
  std::string reason;
  explain->add_option("REASON", reason, "e.g. flow_full (default: list all)");
  explain->callback([&] { code = app::explain(reason); });

  auto* top = cli.add_subcommand("top", "show a running flow, refreshed");
  double interval = 1;
  int times = 0;
  top->add_option("--admin", admin, "admin address of the running weir")->capture_default_str();
  top->add_option("--interval", interval, "seconds between refreshes")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  top->add_option("--times", times, "stop after so many refreshes (0: until Ctrl-C)")->check(CLI::NonNegativeNumber);
  top->callback([&] { code = app::top(admin, interval, times); });

  cli.add_subcommand("version", "print the version")->callback([&] { code = app::version(); });

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? app::ok : app::bad_usage;
  }
  return code;
}
