#include "completion.h"

#include <fmt/format.h>
#include <weir/base/reason.h>

#include <algorithm>

namespace weir::app {
namespace {

/// What can follow a command, taken from its definition once for all shells.
struct Word {
  std::string name, help;
  bool takes_value = false;
};
struct Command {
  std::string name, help;
  std::vector<Word> options;
  std::string positional;             ///< "FILE", "REASON", ...; empty: none
  std::vector<std::string> commands;  ///< of a group
  bool is_nested() const { return name.find(' ') != name.npos; }
  bool takes_any_file() const { return positional == "PATH" || positional == "FROM"; }
};

std::vector<Command> commands_of(const CommandTable& table) {
  std::vector<Command> out;
  for (const CommandRow& row : table.commands) {
    Command command{row.name, row.help, {}, {}, row.commands};
    for (const CommandOption& option : row.options) {
      if (!option.positional.empty()) command.positional = option.positional;
      for (const std::string& name : option.long_names)
        command.options.push_back({"--" + name, option.help, option.takes_value});
    }
    out.push_back(std::move(command));
  }
  return out;
}

/// The words that may stand where this command's argument is expected; nothing for files and free text.
std::vector<std::string> values_of(const Command& command) {
  const std::string& positional = command.positional;
  std::vector<std::string> out = command.commands;
  if (positional == "SHELL") out.assign(shells.begin(), shells.end());
  if (positional == "REASON")
    for (const auto& row : all_reasons()) out.emplace_back(row.key);
  return out;
}

std::string joined(const auto& range, auto&& text) {
  std::string out;
  for (const auto& item : range) out += (out.empty() ? "" : " ") + text(item);
  return out;
}
std::string joined(const std::vector<std::string>& words) {
  return joined(words, [](const std::string& word) { return word; });
}

/// In single quotes, which are the same in all three shells.
std::string quoted(std::string text, const std::string& quote_as) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += quote_as.size())
    text.replace(at, 1, quote_as);
  return "'" + text + "'";
}

std::vector<Command> outermost(const std::vector<Command>& commands) {
  std::vector<Command> out;
  std::ranges::remove_copy_if(commands, std::back_inserter(out), &Command::is_nested);
  return out;
}
/// The commands whose next word is a command too, as patterns for the shells' `case`.
std::string groups(const std::vector<Command>& commands) {
  std::string out;
  for (const Command& c : commands)
    if (!c.commands.empty()) out += (out.empty() ? "" : "|") + c.name;
  return out;
}

std::string for_bash(const std::vector<Command>& commands) {
  std::string cases;
  for (const Command& c : commands) {
    const auto names = [](const Word& word) { return word.name; };
    std::string values = joined(values_of(c));
    cases += fmt::format("    {}) options={}; words={}; files={} ;;\n", quoted(c.name, ""),
                         quoted(joined(c.options, names), ""), quoted(values, ""),
                         c.takes_any_file()       ? "any"
                         : c.positional == "FILE" ? "yaml"
                                                  : "");
  }
  return fmt::format(R"(# Completion of weir for bash; made by `weir completion bash`.
_weir() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} options= words= files=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} --help' -- "$current")
    return
  fi
  local command=${{COMP_WORDS[1]}}
  case $command in
    {}) if ((COMP_CWORD > 2)); then command+=" ${{COMP_WORDS[2]}}"; fi ;;
  esac
  case $command in
{}  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ $files == any ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ -n $files ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -f -X '!*.yaml' -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}}
complete -F _weir weir
)",
                     joined(outermost(commands), [](const Command& c) { return c.name; }), groups(commands), cases);
}

/// Descriptions stand in brackets in zsh, where brackets, colons and backslashes mean something.
std::string zsh_help(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string for_zsh(const std::vector<Command>& commands) {
  std::string list, cases;
  for (const Command& c : commands) {
    if (!c.is_nested()) list += fmt::format("    {}\n", quoted(c.name + ":" + zsh_help(c.help), "'\\''"));
    cases += fmt::format("    {}) _arguments", quoted(c.name, ""));
    for (const Word& word : c.options)
      cases +=
          " \\\n      " +
          quoted(fmt::format("{}[{}]{}", word.name, zsh_help(word.help), word.takes_value ? ":value:" : ""), "'\\''");
    if (c.positional == "FILE")
      cases += " \\\n      '*:file:_files -g \"*.yaml(-.)\"'";
    else if (c.takes_any_file())
      cases += " \\\n      '1:path:_files'";
    else if (const auto values = joined(values_of(c)); !values.empty())
      cases += fmt::format(" \\\n      '1:{}:({})'", c.positional.empty() ? "COMMAND" : c.positional, values);
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef weir
# Completion of weir for zsh; made by `weir completion zsh`.
_weir() {{
  local -a commands
  commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
    {})
      if ((CURRENT > 2)); then
        command+=" $words[2]"
        shift words
        ((CURRENT--))
      fi ;;
  esac
  case $command in
{}  esac
}}
if [[ $funcstack[1] == _weir ]]; then _weir "$@"; else compdef _weir weir; fi
)",
                     list, groups(commands), cases);
}

/// True where the options and arguments of this command are expected.
std::string fish_seen(const Command& c) {
  const std::string seen = "__fish_seen_subcommand_from ";
  if (!c.commands.empty()) return seen + c.name + "; and not " + seen + joined(c.commands);
  const auto blank = c.name.find(' ');
  if (blank == c.name.npos) return seen + c.name;
  return seen + c.name.substr(0, blank) + "; and " + seen + c.name.substr(blank + 1);
}

std::string for_fish(const std::vector<Command>& commands) {
  std::string out = "# Completion of weir for fish; made by `weir completion fish`.\ncomplete -c weir -f\n";
  for (const Command& c : commands) {
    const std::string help = quoted(c.help, "\\'"), here = quoted(fish_seen(c), "");
    if (!c.is_nested()) out += fmt::format("complete -c weir -n __fish_use_subcommand -a {} -d {}\n", c.name, help);
    for (const Word& word : c.options)
      out += fmt::format("complete -c weir -n {} -l {} -d {}{}\n", here, word.name.substr(2), quoted(word.help, "\\'"),
                         word.takes_value ? " -x" : "");
    if (c.positional == "FILE")
      out += fmt::format("complete -c weir -n {} -k -a '(__fish_complete_suffix .yaml)'\n", here);
    else if (c.takes_any_file())
      out += fmt::format("complete -c weir -n {} -F\n", here);
    else if (const auto values = joined(values_of(c)); !values.empty())
      out += fmt::format("complete -c weir -n {} -a {}\n", here, quoted(values, ""));
  }
  return out;
}

}  // namespace

std::string completion_script(const CommandTable& table, const std::string& shell) {
  const auto commands = commands_of(table);
  return shell == "zsh" ? for_zsh(commands) : shell == "fish" ? for_fish(commands) : for_bash(commands);
}

}  // namespace weir::app
