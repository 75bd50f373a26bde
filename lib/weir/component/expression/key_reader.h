#pragma once
/// Several fields of an event as one key, for deduplication and grouping.
///
/// The key is hashed to 128 bits under a secret of the process (base/sip_hash.h); among a billion keys two collide by
/// chance with probability 10^-21. Numbers count as they are written (1 and 1.0 differ), texts by what they say;
/// objects and arrays are no keys: missing.
///
/// Thread: one owner. Cost: that of reading the fields, and about 20 ns.
#include <weir/base/sip_hash.h>
#include <weir/component/expression/json_event.h>

#include <vector>

namespace weir {

class KeyReader {
 public:
  /// At most 16 paths.
  static Result<KeyReader> compile(const std::vector<std::string>& paths);

  /// False: a field is missing (which is a key too).
  bool read(JsonEvent& event);
  /// Every field that was read is an empty text: as an id it says nothing.
  bool is_blank() const { return blank_; }
  KeyHash hash(const KeyHash& secret) const { return sip_hash(bytes_, secret); }
  std::size_t size() const { return fields_.size(); }
  /// The i-th field as it was written; empty: missing.
  std::string_view raw(std::size_t i) const { return fields_[i].raw; }

 private:
  struct Field {
    Path path;
    std::string unescaped{};
    std::string_view raw{};
  };
  std::vector<Field> fields_;
  std::string bytes_;
  bool blank_ = false;
};

}  // namespace weir
