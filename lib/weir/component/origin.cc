#include <weir/base/json_text.h>
#include <weir/component/origin.h>

namespace weir {
namespace {

constexpr std::string_view cut_mark = "...";

std::size_t written(std::string_view character) {
  return character == "\"" || character == "\\" ? 2 : character.size();
}

}  // namespace

std::string origin_text(std::string_view name) {
  std::string clean;
  while (!name.empty()) {
    const auto n = utf8_length(name);
    const auto first = static_cast<unsigned char>(name.front());
    const bool shown = n > 1 || (n == 1 && first >= 0x20 && first != 0x7f);
    clean += shown ? name.substr(0, n) : std::string_view("\xef\xbf\xbd");
    name.remove_prefix(shown ? n : 1);
  }
  std::size_t whole = 0;
  for (std::size_t at = 0; at < clean.size();) {
    const auto n = utf8_length(std::string_view(clean).substr(at));
    whole += written(std::string_view(clean).substr(at, n));
    at += n;
  }
  if (whole <= Origin::max_text) return clean;
  std::size_t cut = 0;
  while (whole + cut_mark.size() > Origin::max_text) {
    const auto n = utf8_length(std::string_view(clean).substr(cut));
    whole -= written(std::string_view(clean).substr(cut, n));
    cut += n;
  }
  return std::string(cut_mark) + clean.substr(cut);
}

}  // namespace weir
