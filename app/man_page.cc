#include "man_page.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "completion.h"
#include "exit_codes.h"

namespace weir::app {
namespace {

/// As roff shows it unchanged: no macro at the start of a line, hyphens that can be copied into a shell.
std::string roff(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string sentence(std::string text) {
  if (text.empty()) return text;
  if (text[0] >= 'a' && text[0] <= 'z' && !text.starts_with("e.g.")) text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (text.back() != '.') text += '.';
  return roff(text);
}

std::string synopsis(const std::string& name, const CLI::App& command) {
  std::string out = roff(name);
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) continue;
    if (option->get_name().find("help") != std::string::npos) continue;
    out += fmt::format("\\fR [\\fB{}\\fR", roff("--" + option->get_lnames().at(0)));
    out += takes_value(*option) ? " \\fIVALUE\\fR]\\fB" : "]\\fB";
  }
  for (const CLI::Option* option : command.get_options())
    if (option->get_positional())
      out += fmt::format(" \\fR{1}\\fI{0}\\fR{2}\\fB", option->get_name(true), option->get_required() ? "" : "[",
                         option->get_required() ? "" : "]");
  return out + "\\fR";
}

std::string option_entry(const CLI::Option& option) {
  std::string names;
  if (option.get_positional()) {
    names = "\\fI" + option.get_name(true) + "\\fR";
  } else {
    for (const auto& name : option.get_snames()) names += "\\fB" + roff("-" + name) + "\\fR, ";
    names += "\\fB" + roff("--" + option.get_lnames().at(0)) + "\\fR";
    if (takes_value(option)) names += " \\fIVALUE\\fR";
  }
  const std::string fallback = option.get_default_str();
  return fmt::format(".TP\n{}\n{}{}\n", names, sentence(option.get_description()),
                     fallback.empty() ? "" : fmt::format(" Default: {}.", roff(fallback)));
}

std::string command_section(const std::string& name, const CLI::App& command) {
  std::string out = fmt::format(".SS \"weir {}\"\n{}\n", roff(name), sentence(command.get_description()));
  for (const CLI::Option* option : command.get_options())
    if (option->get_name().find("help") == std::string::npos) out += option_entry(*option);
  return out;
}

}  // namespace

std::string man_page(const CLI::App& cli) {
  const auto commands = all_commands(cli);
  std::string out = fmt::format(".TH WEIR 1 \"\" \"Weir {}\" \"User Commands\"\n.SH NAME\n", WEIR_VERSION);
  out += "weir \\- carries events through systems that can be overloaded\n.SH SYNOPSIS\n.nf\n";
  for (const auto& [name, command] : commands)
    if (command->get_require_subcommand_min() == 0) out += fmt::format("\\fBweir {}\n", synopsis(name, *command));
  out += fmt::format(".fi\n.SH DESCRIPTION\n{}\n", sentence(cli.get_description()));
  out +=
      "One YAML file describes a flow: sources bring events in, stages look at each, journals keep them, sinks write "
      "them out.\n"
      ".B weir check\nsays what it promises and what it costs;\n.B weir run\nruns it.\n.SH COMMANDS\n";
  for (const auto& [name, command] : commands) out += command_section(name, *command);
  out += ".SH EXIT STATUS\n";
  for (const ExitCodeRow& row : exit_codes) out += fmt::format(".TP\n.B {}\n{}\n", int{row.code}, roff(row.meaning));
  out +=
      ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nWhen set to anything, nothing is coloured.\n"
      ".PP\nVariables may be used in the configuration, as ${VAR} and ${VAR:\\-default}.\n"
      ".SH SIGNALS\n.TP\n.B SIGTERM, SIGINT\nStops: intake is refused, what is inside drains until the drain deadline. "
      "A second one ends it now.\n"
      ".TP\n.B SIGHUP\nOpens rotated files and reads certificates and secrets again; reads the configuration "
      "and takes over changed policy values. The log says of every key that differs what became of it.\n"
      ".SH FILES\n.TP\n.I weir.yaml\nThe configuration when none is named.\n"
      ".TP\n.I FROM.replay\nHow far a replay of FROM got.\n"
      ".SH EXAMPLES\n.nf\nweir init && weir check && weir run\nweir why events\nweir tap events \\-\\-limit 10\n"
      "weir journal check data/ingest\nweir replay dead.ndjson \\-\\-to http://127.0.0.1:8080/events\n.fi\n";
  return out;
}

}  // namespace weir::app
