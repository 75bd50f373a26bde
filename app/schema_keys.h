#pragma once
/// The configuration's own keys, described once: those that are not options of a component.
///
/// The loader decides what is valid (it can give the reason in a sentence); editors, completion and the documentation
/// use this table. A test reads every key out of the loader's sources and every default out of `weir check --print`,
/// and compares both with this table, so a difference is noticed.
///
/// Thread: immutable. Cost: made when it is asked for.
#include <weir/component/options.h>

#include <string>
#include <vector>

namespace weir::app {

struct Key {
  enum class Form : std::uint8_t {
    scalar,
    part,     ///< the name of a source, stage or sink
    parts,    ///< one such name, or a list of them
    section,  ///< a map: the section `below`; with a scalar kind also allowed where `or_scalar`
  };
  OptionSpec option;
  Form form = Form::scalar;
  std::string below{};     ///< form section: its name
  bool or_scalar = false;  ///< form section: a value of the option's kind stands for the whole section
  bool or_list = false;    ///< form section: a list of such sections (or values) is allowed too
  std::string word{};      ///< one word that is allowed besides: "auto"
};

struct KeySection {
  std::string name;  ///< "queue"
  std::string help;
  std::vector<Key> keys;
};

/// "process" (the top level), "source", "stage", "journal", "sink", and the sections below them.
std::vector<KeySection> config_keys();

}  // namespace weir::app
