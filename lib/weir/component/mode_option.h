#pragma once
/// The option `mode` of components that make files: declared and read the same way by all of them.
///
/// Thread: pure. Cost: start only.
#include <weir/base/file_mode.h>
#include <weir/component/options.h>

#include <string>

namespace weir {

/// Octal text, as chmod takes it; a choice, since Weir has to read and write what it makes and nobody has to execute
/// it.
inline OptionSpec mode_option(std::string help, std::string name = "mode") {
  return {.name = std::move(name),
          .kind = OptionKind::choice,
          .fallback = "0600",
          .help = std::move(help),
          .choices = {"0600", "0640", "0644", "0660", "0664", "0666"}};
}

inline FileMode mode_of(const Options& options, std::string_view name = "mode") {
  return FileMode::from_text(options.get_or<std::string>(name, {})).value_or(FileMode{});
}

}  // namespace weir
