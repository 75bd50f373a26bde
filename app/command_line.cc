#include "command_line.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "command_table.h"
#include "commands.h"
#include "completion.h"
#include "config/problem.h"
#include "exit_codes.h"
#include "man_page.h"

namespace weir::app {
namespace {

/// What was written on the command line, and the code to exit with.
struct CommandLine {
  std::vector<std::string> files;
  AdminPeer admin;
  std::string init_file = "weir.yaml", node, reason, shell;
  std::vector<std::string> help_of;
  bool quiet = false, force = false;
  CheckOptions check;
  TestOptions test;
  TopOptions top;
  TapOptions tap;
  std::string journal_path;
  JournalOptions journal;
  std::string replay_from;
  ReplayOptions replay;
  UpstreamOptions upstream;
  bool prometheus = false;
  CalcOptions calc;
  LoadOptions load;
  SimulateOptions simulate;
  int code = 0;
};

constexpr auto files_help = "configuration files or folders (default: weir.yaml)";

void add_admin(CLI::App& command, CommandLine& line) {
  command
      .add_option("--admin", line.admin.address, "admin address of the running weir: HOST:PORT, or https://HOST:PORT")
      ->capture_default_str();
  command.add_option("--ca", line.admin.ca, "https: the file of certificates to trust, instead of the system's");
  command.add_option("--cert", line.admin.certificate, "https: the file of the certificate to show, with --key");
  command.add_option("--key", line.admin.key, "https: the file of its private key");
  command.add_option("--token-file", line.admin.token_file,
                     "the file of the token to send it (default: the variable WEIR_ADMIN_TOKEN)");
}

void add_flow_commands(CLI::App& cli, CommandLine& line, const Catalog& catalog) {
  auto* run = cli.add_subcommand("run", "run the flow that the configuration describes");
  run->add_option("FILE", line.files, files_help);
  run->add_flag("-q,--quiet", line.quiet, "log warnings and errors only");
  run->callback([&] { line.code = app::run(or_default(line.files), catalog, line.quiet); });

  auto* check =
      cli.add_subcommand("check", "say what a configuration promises, what it costs, and what is wrong with it");
  check->add_option("FILE", line.files, files_help);
  check->add_flag("--json", line.check.json, "the report as JSON");
  check->add_flag("--print", line.check.print, "the effective configuration, defaults included, secrets hidden");
  check->add_flag("--graph", line.check.graph, "the graph, for Graphviz");
  check->callback([&] { line.code = app::check(or_default(line.files), catalog, line.check); });

  auto* test = cli.add_subcommand("test", "run the cases in `tests:`: events in, what is expected to come out");
  test->add_option("FILE", line.files, files_help);
  test->add_option("--filter", line.test.filter, "only the cases with this text in their names");
  test->callback([&] { line.code = app::test(or_default(line.files), catalog, line.test); });

  auto* init = cli.add_subcommand("init", "write a small configuration to start from");
  init->add_option("FILE", line.init_file, "where to write it")->capture_default_str();
  init->add_flag("--force", line.force, "overwrite an existing file");
  init->callback([&] { line.code = app::init(line.init_file, line.force); });
}

void add_watching_commands(CLI::App& cli, CommandLine& line) {
  auto* why = cli.add_subcommand("why", "say what holds a source or sink up, as a chain of causes");
  why->add_option("NODE", line.node, "a source or sink (default: all)");
  add_admin(*why, line);
  why->callback([&] { line.code = line.admin.prepare() ? app::why(line.admin, line.node) : bad_usage; });

  auto* top = cli.add_subcommand("top", "show a running flow, live; h shows the keys");
  add_admin(*top, line);
  top->add_option("--interval", line.top.interval, "seconds between refreshes")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  top->add_option("--times", line.top.times, "stop after so many refreshes (0: until q or Ctrl-C)")
      ->check(CLI::NonNegativeNumber);
  top->add_flag("--once", line.top.once, "print one page and stop");
  top->callback([&] { line.code = line.admin.prepare() ? app::top(line.admin, line.top) : bad_usage; });

  auto* tap = cli.add_subcommand("tap", "show a sample of the events that pass a source, stage or sink");
  tap->add_option("EDGE", line.tap.edge, "what a source or stage gives on, or what comes in at a sink")->required();
  add_admin(*tap, line);
  tap->add_option("--where", line.tap.where, "only the sampled events for which this condition is true");
  tap->add_option("--sample", line.tap.sample, "one event of so many: 1/100")->capture_default_str();
  tap->add_option("--limit", line.tap.limit, "stop after so many events (0: until Ctrl-C)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  tap->add_option("--redact", line.tap.redact, "fields hidden besides password, token, secret, ...: .card,.user.mail")
      ->delimiter(',');
  tap->callback([&] { line.code = line.admin.prepare() ? app::tap(line.admin, line.tap) : bad_usage; });
}

void add_journal_commands(CLI::App& cli, CommandLine& line) {
  auto* journal = cli.add_subcommand("journal", "look into a journal on the disk, and put it right");
  journal->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const std::string&, const JournalOptions&)) {
    auto* command = journal->add_subcommand(name, help);
    command->add_option("PATH", line.journal_path, "the journal's folder")->required();
    command->callback([&line, run] { line.code = run(line.journal_path, line.journal); });
    return command;
  };
  const auto add_live = [&](CLI::App& command) {
    command.add_flag("--live", line.journal.live, "read it while a running weir has it open, as it is");
  };
  auto* ls = add("ls", "show its segments and its consumers", journal_ls);
  ls->add_flag("--json", line.journal.json, "as JSON");
  add_live(*ls);
  add("check", "read everything and say what is wrong", journal_check)
      ->add_flag("--json", line.journal.json, "the findings as JSON");
  add("repair", "say what would put it right; nothing is ever deleted", journal_repair)
      ->add_flag("--apply", line.journal.apply, "do it");
  add("forget", "give up what a consumer has not read that is no longer configured", journal_forget)
      ->add_option("CONSUMER", line.journal.consumer, "its name, as `weir journal ls` shows it")
      ->required();
  auto* out = add("export", "print its events", journal_export);
  auto* from = out->add_option("--from", line.journal.from, "the first event's sequence (default: the oldest)");
  out->add_option("--consumer", line.journal.consumer, "begin with what this consumer has not read")->excludes(from);
  out->add_option("--to", line.journal.to, "the last event's sequence (default: the newest)");
  out->add_option("--where", line.journal.where, "only the events for which this condition is true");
  out->add_option("--format", line.journal.format, "ndjson: a line each; framed: four bytes of length before each")
      ->check(CLI::IsMember({"ndjson", "framed"}))
      ->capture_default_str();
  out->add_flag("--with-meta", line.journal.with_meta, "as JSON objects with sequence, priority and time");
  add_live(*out);
}

void add_replay_command(CLI::App& cli, CommandLine& line) {
  auto* replay = cli.add_subcommand("replay", "send dead letters, or the events of a journal, to a running weir again");
  ReplayOptions& o = line.replay;
  replay->add_option("FROM", line.replay_from, "a file of dead letters, or the folder of a journal")->required();
  replay->add_option("--to", o.to, "its http source: http://host:port/events; not needed for --dry-run");
  replay->add_option("--where", o.where,
                     "only those for which this is true; of dead letters: .reason, .origin, .event.x");
  replay->add_option("--rate", o.rate, "at most so many events in this time")->capture_default_str();
  replay->add_option("--from-seq", o.from_seq, "the first event's sequence, of a file its line");
  replay->add_option("--to-seq", o.to_seq, "the last one's");
  replay->add_option("--since", o.since, "only those from this time on: 2026-11-21T05:10:00Z, or 2h for two hours ago");
  replay->add_option("--until", o.until, "only those up to this time");
  replay->add_option("--patience", o.patience, "give up when nothing was taken for so long")->capture_default_str();
  replay->add_option("--token-file", o.token_file,
                     "the file of the token that the source asks for (default: the variable WEIR_TOKEN)");
  replay->add_option("--tls-ca", o.tls_ca, "https: the file of certificates to trust, instead of the system's");
  replay->add_flag("--dry-run", o.dry_run, "only say how many it would be");
  replay->add_flag("--restart", o.restart, "begin anew instead of where the last one ended (FROM.replay)");
  replay->add_flag("--live", o.live, "read a journal while a running weir has it open, as it is");
  replay->callback([&line] {
    if (line.replay.to.empty() && !line.replay.dry_run) throw CLI::RequiredError("--to");
    line.code = app::replay(line.replay_from, line.replay);
  });
}

void add_upstream_command(CLI::App& cli, CommandLine& line) {
  auto* upstream =
      cli.add_subcommand("upstream", "be a slow service, to try a gateway with; it can be changed while it runs");
  UpstreamOptions& o = line.upstream;
  const auto add = [&](const char* name, std::string& value, const char* help) {
    upstream->add_option(name, value, help)->capture_default_str();
  };
  add("--listen", o.listen, "where to listen, as HOST:PORT");
  add("--slots", o.slots, "requests that it works on at once");
  add("--time", o.time, "for how long: fixed:10ms, exponential:10ms, lognormal:10ms,0.5 or bimodal:5ms,200ms,2%");
  add("--queue", o.queue, "requests that wait for a slot; above it the answer is 503");
  add("--errors", o.errors, "the share that is answered 500");
  add("--body", o.body, "bytes of an answer");
  add("--pressure", o.pressure, "true: answers say how full it is, in Weir-Pressure");
  add("--drop-left", o.drop_left,
      "false: it works also for clients that have left while they waited, as many services do");
  upstream->callback([&line] { line.code = app::upstream(line.upstream); });
}

void add_simulate_command(CLI::App& cli, CommandLine& line, const Catalog& catalog) {
  auto* simulate =
      cli.add_subcommand("simulate", "play the flow on a virtual clock: its own queues, stages and workers");
  SimulateOptions& o = line.simulate;
  simulate->add_option("FILE", o.names,
                       "configuration files (default: weir.yaml), and then the name of one of their scenarios");
  simulate->add_option(
      "--load", o.loads,
      "without a scenario: what arrives: SOURCE=800/s, or SOURCE=0:640,8:880 (second:rate); several times");
  simulate->add_option("--service", o.services,
                       "how long a delivery takes: SINK=exponential:10ms, as `weir upstream` has it; or SINK=10000/s, "
                       "its events a second");
  simulate->add_option("--stall", o.stalls, "nothing is answered: SINK=10s,2s is 2 s long, 10 s after the beginning");
  simulate->add_option("--for", o.for_time, "without a scenario: how long events arrive")->capture_default_str();
  simulate->add_option("--arrivals", o.arrivals, "without a scenario: poisson or constant")->capture_default_str();
  simulate->add_option("--seed", o.seed, "of chance: the same one gives the same run (default: the scenario's, or 1)");
  simulate->add_option("--count", o.count, "events, at most")->capture_default_str();
  simulate->add_option("--set", o.sets, "beside it, the same with another value: sinks.db.workers=32; several times");
  simulate->add_option("--sweep", o.sweep, "once with each value: sinks.db.workers=8,16,32");
  simulate->add_option("--find", o.find,
                       "the least whole number that is enough: 'min sinks.db.workers for p99 < 300ms'");
  simulate->add_option("--assert", o.asserts, "exit with 1 unless this holds, as for `weir load`; several times");
  simulate->add_option("--html", o.html, "the file to write a page with plots to");
  simulate->add_flag("--json", o.json, "as JSON");
  simulate->callback([&] { line.code = app::simulate(catalog, line.simulate); });
}

void add_load_command(CLI::App& cli, CommandLine& line) {
  auto* load = cli.add_subcommand("load", "an open load against a server: what it is asked for, whatever it answers");
  LoadOptions& o = line.load;
  load->add_option("TARGET", o.target, "http://host:port/path, or a FILE.yaml of several kinds of clients")->required();
  load->add_option("--rate", o.rate, "calls in a time: 800/s");
  load->add_option("--profile", o.profile, "instead: second:rate from then on, 0:640,8:880; 0:100..900 is a ramp");
  const auto text = [&](const char* name, std::string& value, const char* help) {
    load->add_option(name, value, help)->capture_default_str();
  };
  text("--for", o.for_time, "how long");
  text("--arrivals", o.arrivals, "poisson: at random; constant: equally far apart");
  text("--deadline", o.deadline, "how long a client waits, from when its request was due");
  text("--clients", o.clients, "what they do then, or when refused: none, naive, backoff, retry-after or impatient");
  load->add_option("--tries", o.tries, "their attempts, the first one included")->capture_default_str();
  load->add_option("--method", o.method, "default: GET, with a body POST");
  load->add_option("--body", o.body, "of each request; @FILE: what is in it");
  load->add_option("--events", o.events,
                   "instead of a body: so many NDJSON events of 200 bytes, each with an id of its own");
  load->add_option("--header", o.headers, "'Name: value'; may be given several times");
  load->add_option(
      "--assert", o.assertions,
      "exit with 1 unless this holds: 'p99 < 200ms', 'goodput > 750/s', 'success >= 99.9%'; several times");
  load->add_option("--json", o.json, "the file to write what came of it to; - is standard output");
  load->add_option("--html", o.html, "the file to write a page with plots to");
  load->add_option("--title", o.title, "what that page calls this load");
  load->add_option("--mark", o.marks,
                   "'8s=the database stops': a line with this text in the plots; may be given several times");
  load->add_option("--compare", o.compare, "what --json has written of another load: the page shows both side by side");
  load->add_option("--connections", o.connections, "open at once, at most")->capture_default_str();
  load->add_option("--count", o.count, "calls, at most")->capture_default_str();
  load->add_option("--seed", o.seed, "of chance: the same one makes the same load")->capture_default_str();
  load->add_flag("--target-is-mine", o.target_is_mine, "the target may be another machine");
  load->add_flag("-q,--quiet", o.quiet, "no line about its progress");
  load->callback([&line] { line.code = app::load(line.load); });
}

void add_calc_commands(CLI::App& cli, CommandLine& line) {
  auto* calc = cli.add_subcommand("calc", "what queues, workers and bounds should be: the theory, with units");
  calc->require_subcommand(1);
  CalcOptions& o = line.calc;
  struct Option {
    const char* name;
    std::string& value;
    const char* help;
  };
  const Option arrival{"--arrival", o.arrival, "what comes: 800/s"};
  const Option service{"--service", o.service, "how long one takes, 10ms, or how many one server does, 100/s"};
  const Option servers{"--servers", o.servers, "how many work on one queue"};
  const auto add = [&](const char* name, const char* help, std::initializer_list<Option> options) {
    auto* command = calc->add_subcommand(name, help);
    for (const Option& option : options) command->add_option(option.name, option.value, option.help);
    command->callback([&line, name] { line.code = app::calc(name, line.calc); });
  };
  add("littles-law", "inside = rate x time: two of them give the third",
      {{"--inside", o.inside, "how many are inside"},
       {"--rate", o.rate, "how many pass: 800/s"},
       {"--time", o.time, "how long each stays: 200ms"}});
  add("mm1", "how late one server is whose work varies", {arrival, service});
  add("mmc", "how late several servers are, or how many it takes",
      {arrival, service, servers, {"--wait", o.wait, "the mean wait that is promised, instead of --servers"}});
  add("md1", "how late one server is whose work is always the same", {arrival, service});
  add("queue-bound", "how long a queue may be for a promised latency",
      {{"--latency", o.latency, "that is promised: 200ms"}, {"--rate", o.rate, "that leaves the queue: 10000/s"}});
  add("bandwidth-delay", "how much has to be under way to keep a path busy",
      {{"--rate", o.rate, "of the path: 100MiB/s, or events: 1000/s"},
       {"--round-trip", o.round_trip, "to the other end and back: 50ms"}});
  add("utilisation", "how busy servers are, and whether that is too much", {arrival, service, servers});
  add("overload", "how late an unbounded queue becomes, and a bounded one",
      {{"--arrival", o.arrival, "what comes: 15000/s"},
       {"--rate", o.rate, "what leaves: 10000/s"},
       {"--for", o.for_time, "how long it lasts: 60s"},
       {"--latency", o.latency, "that the bound keeps (default: 200ms)"}});
}

/// "weir: there is no command 'chek'; did you mean check?"
int complain_of_command(const CLI::App& above, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* command : above.get_subcommands(nullptr)) known.push_back(command->get_name());
  const std::string meant = config::did_you_mean(name, known);
  fmt::print(stderr, "weir: there is no command {}; {}\n", config::quote(name),
             meant.empty() ? "`weir help` lists them all" : meant);
  return bad_usage;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

const CLI::App* command_of(const CLI::App& above, const std::string& name) {
  for (const CLI::App* command : above.get_subcommands(nullptr))
    if (command->get_name() == name) return command;
  return nullptr;
}

int print_help(const CLI::App& cli, const std::vector<std::string>& names) {
  const CLI::App* at = &cli;
  std::string path = cli.get_name();
  for (const std::string& name : names) {
    const CLI::App* below = command_of(*at, name);
    if (!below) return complain_of_command(*at, name);
    at = below;
    path += " " + name;
  }
  // at->help() would be that of the command which was given, and that is `help`.
  return print(at->get_formatter()->make_help(at, path, CLI::AppFormatMode::Normal));
}

/// "weir check: there is no option '--jsno'; did you mean --json?"
int complain_of_option(const std::string& path, const std::vector<std::string>& known, const std::string& name) {
  // Every letter is near to every other.
  const std::string meant = name.starts_with("--") ? config::did_you_mean(name, known) : "";
  const auto first = path.find(' ');
  const std::string help = first == path.npos ? "help" : "help" + path.substr(first);
  fmt::print(stderr, "{}: there is no option {}; {}\n", path, config::quote(name),
             meant.empty() ? fmt::format("`weir {}` lists them all", help) : meant);
  return bad_usage;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// The first word of the command line that should be a command or an option and is none; what is said of it, and the
/// exit code.
std::optional<int> complain_of_words(const CLI::App& cli, int argc, char** argv) {
  const CLI::App* at = &cli;
  std::string path = cli.get_name();
  int i = 1;
  for (; i < argc && !std::string_view(argv[i]).starts_with('-') && !at->get_subcommands(nullptr).empty(); ++i) {
    const CLI::App* below = command_of(*at, argv[i]);
    if (!below) return complain_of_command(*at, argv[i]);
    at = below;
    path += std::string(" ") + argv[i];
  }
  const std::vector<std::string> known = options_of(*at);
  for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string word = argv[i], name = word.substr(0, word.find('='));
    if (name.size() < 2 || name[0] != '-' || (name[1] >= '0' && name[1] <= '9')) continue;
    // "-qx" and "-ofile": what stands behind a short name is told by the parser.
    const bool is_known = contains(known, name) || (name[1] != '-' && contains(known, name.substr(0, 2)));
    if (!is_known) return complain_of_option(path, known, name);
  }
  return std::nullopt;
}

CommandRow row_of(const std::string& name, const CLI::App& app) {
  CommandRow row{name, app.get_description(), {}, {}};
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App*) { return true; }))
    row.commands.push_back(inner->get_name());
  for (const CLI::Option* option : app.get_options())
    row.options.push_back({.short_names = option->get_snames(),
                           .long_names = option->get_lnames(),
                           .positional = option->get_positional() ? option->get_name(true) : "",
                           .help = option->get_description(),
                           .fallback = option->get_default_str(),
                           .takes_value = option->get_items_expected_max() > 0,
                           .required = option->get_required(),
                           .is_help = option->get_name().find("help") != std::string::npos});
  return row;
}

CommandTable table_of(const CLI::App& cli) {
  CommandTable table{cli.get_description(), {}};
  for (const CLI::App* app : cli.get_subcommands([](const CLI::App*) { return true; })) {
    table.commands.push_back(row_of(app->get_name(), *app));
    const auto inside = table.commands.back().commands;
    for (const std::string& inner : inside)
      table.commands.push_back(row_of(app->get_name() + " " + inner, *app->get_subcommand(inner)));
  }
  return table;
}

void add_help_commands(CLI::App& cli, CommandLine& line, const Catalog& catalog) {
  auto* explain = cli.add_subcommand("explain", "explain a reason code: what it means, what to do");
  explain->add_option("REASON", line.reason, "e.g. flow_full (default: list all)");
  explain->callback([&] { line.code = app::explain(line.reason); });
  auto* alerts = cli.add_subcommand("alerts", "list of what a running Weir tells operators, and from when on");
  alerts->add_flag("--prometheus", line.prometheus, "as a file of rules for Prometheus");
  alerts->callback([&] { line.code = app::alerts(line.prometheus); });

  cli.add_subcommand("schema", "print the JSON Schema of the configuration, for editors")->callback([&] {
    line.code = print_schema(catalog);
  });

  auto* completion = cli.add_subcommand("completion", "print the completion script of a shell");
  completion->add_option("SHELL", line.shell, "bash, zsh or fish")->required()->check(CLI::IsMember(shells));
  completion->callback([&] { line.code = print(completion_script(table_of(cli), line.shell)); });

  cli.add_subcommand("man", "print the man page (weir man | man -l -)")->callback([&] {
    line.code = print(man_page(table_of(cli)));
  });
  cli.add_subcommand("version", "print the version")->callback([&] { line.code = version(); });

  auto* help = cli.add_subcommand("help", "explain the commands, or one of them");
  help->add_option("COMMAND", line.help_of, "e.g. check, or journal ls (default: all)");
  help->callback([&] { line.code = print_help(cli, line.help_of); });
}

/// Adds the commands to `cli`; parsing it runs the one that was named. All three have to outlive the parsing.
void define_commands(CLI::App& cli, CommandLine& line, const Catalog& catalog) {
  cli.name("weir");
  cli.description("Weir carries events through systems that can be overloaded, and keeps its promises while they are.");
  cli.require_subcommand(1);
  cli.set_version_flag("--version", fmt::format("weir {}", WEIR_VERSION), "print the version");
  std::string codes = "Exit codes:";
  for (const ExitCodeRow& row : exit_codes) codes += " " + std::to_string(row.code) + " " + row.brief + ",";
  codes.back() = '.';
  cli.footer(codes);
  add_flow_commands(cli, line, catalog);
  add_watching_commands(cli, line);
  add_journal_commands(cli, line);
  add_replay_command(cli, line);
  add_upstream_command(cli, line);
  add_load_command(cli, line);
  add_simulate_command(cli, line, catalog);
  add_calc_commands(cli, line);
  add_help_commands(cli, line, catalog);
}

}  // namespace

int run_command_line(int argc, char** argv, const Catalog& catalog) {
  CLI::App cli;
  CommandLine line;
  define_commands(cli, line, catalog);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0)
      if (const auto code = complain_of_words(cli, argc, argv)) return *code;
    return cli.exit(e) == 0 ? ok : bad_usage;
  }
  return line.code;
}

}  // namespace weir::app
