#include "man_page.h"

#include <fmt/format.h>

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

std::string synopsis(const CommandRow& command) {
  std::string out = roff(command.name);
  for (const CommandOption& option : command.options) {
    if (!option.positional.empty() || option.is_help) continue;
    out += fmt::format("\\fR [\\fB{}\\fR", roff("--" + option.long_names.at(0)));
    out += option.takes_value ? " \\fIVALUE\\fR]\\fB" : "]\\fB";
  }
  for (const CommandOption& option : command.options)
    if (!option.positional.empty())
      out += fmt::format(" \\fR{1}\\fI{0}\\fR{2}\\fB", option.positional, option.required ? "" : "[",
                         option.required ? "" : "]");
  return out + "\\fR";
}

std::string option_entry(const CommandOption& option) {
  std::string names;
  if (!option.positional.empty()) {
    names = "\\fI" + option.positional + "\\fR";
  } else {
    for (const auto& name : option.short_names) names += "\\fB" + roff("-" + name) + "\\fR, ";
    names += "\\fB" + roff("--" + option.long_names.at(0)) + "\\fR";
    if (option.takes_value) names += " \\fIVALUE\\fR";
  }
  return fmt::format(".TP\n{}\n{}{}\n", names, sentence(option.help),
                     option.fallback.empty() ? "" : fmt::format(" Default: {}.", roff(option.fallback)));
}

std::string command_section(const CommandRow& command) {
  std::string out = fmt::format(".SS \"weir {}\"\n{}\n", roff(command.name), sentence(command.help));
  for (const CommandOption& option : command.options)
    if (!option.is_help) out += option_entry(option);
  return out;
}

}  // namespace

std::string man_page(const CommandTable& table) {
  std::string out = fmt::format(".TH WEIR 1 \"\" \"Weir {}\" \"User Commands\"\n.SH NAME\n", WEIR_VERSION);
  out += "weir \\- carries events through systems that can be overloaded\n.SH SYNOPSIS\n.nf\n";
  for (const CommandRow& command : table.commands)
    if (command.commands.empty()) out += fmt::format("\\fBweir {}\n", synopsis(command));
  out += fmt::format(".fi\n.SH DESCRIPTION\n{}\n", sentence(table.help));
  out +=
      "One YAML file describes a flow: sources bring events in, stages look at each, journals keep them, sinks write "
      "them out.\n"
      ".B weir check\nsays what it promises and what it costs;\n.B weir run\nruns it.\n.SH COMMANDS\n";
  for (const CommandRow& command : table.commands) out += command_section(command);
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
