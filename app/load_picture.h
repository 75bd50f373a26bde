#pragma once
/// What a page of a load shows, read from what `weir load --json` writes: so a page can show loads of other days too.
///
/// Thread: pure functions. Bound: a file of 16 MiB.
#include <weir/base/result.h>

#include <string>
#include <string_view>
#include <vector>

#include "load_plan.h"

namespace weir::app {

struct LoadPicture {
  struct Slice {
    double due = 0, good = 0, stood_in = 0, failed = 0;  ///< calls a second
    double p50_ms = 0, p99_ms = 0;                       ///< NaN: no call was good
  };
  std::string title, table;
  Duration length{0};  ///< of all slices
  std::vector<LoadMark> marks;
  std::vector<Slice> slices;
};

Result<LoadPicture> read_picture(std::string_view json);
/// The error names the file.
Result<LoadPicture> read_picture_file(const std::string& path);

}  // namespace weir::app
