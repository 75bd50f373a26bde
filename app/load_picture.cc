#include "load_picture.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <fstream>

namespace weir::app {
namespace {

using JsonValue = simdjson::dom::element;

constexpr std::size_t most_json = 16 << 20;

double number_of(JsonValue row, const char* key) {
  double value = 0;
  return row[key].get(value) ? 0.0 : value;
}

std::string text_of(JsonValue row, const char* key) {
  std::string_view value;
  return row[key].get(value) ? std::string{} : std::string(value);
}

LoadPicture::Slice slice_of(JsonValue row, double length) {
  const double good = number_of(row, "good");
  const auto time = [&](const char* key) { return good > 0 ? number_of(row, key) : std::nan(""); };
  return {.due = number_of(row, "due") / length,
          .good = good / length,
          .stood_in = number_of(row, "stood_in") / length,
          .failed = number_of(row, "failed") / length,
          .p50_ms = time("p50_ms"),
          .p99_ms = time("p99_ms")};
}

}  // namespace

Result<LoadPicture> read_picture(std::string_view json) {
  simdjson::dom::parser parser;
  JsonValue root;
  simdjson::dom::array slices, marks;
  const bool is_json = !parser.parse(json.data(), json.size()).get(root);
  const double slice_ms = is_json ? number_of(root, "slice_ms") : 0;
  if (!(slice_ms > 0) || root["slices"].get(slices) || slices.size() == 0)
    return failure("is not what `weir load --json` writes: give it the file of another load");
  LoadPicture picture{.title = text_of(root, "title"), .table = text_of(root, "table")};
  for (const JsonValue slice : slices) picture.slices.push_back(slice_of(slice, slice_ms / 1e3));
  picture.length = from_seconds(slice_ms / 1e3 * static_cast<double>(picture.slices.size()));
  if (!root["marks"].get(marks))
    for (const JsonValue mark : marks)
      picture.marks.push_back({from_seconds(number_of(mark, "at_s")), text_of(mark, "text")});
  return picture;
}

Result<LoadPicture> read_picture_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string json(most_json, '\0');
  in.read(json.data(), static_cast<std::streamsize>(json.size()));
  if (in.bad() || in.gcount() == 0) return failure(path + " cannot be read, or is empty");
  json.resize(static_cast<std::size_t>(in.gcount()));
  auto picture = read_picture(json);
  if (!picture) return failure(path + " " + picture.error().message);
  return picture;
}

}  // namespace weir::app
