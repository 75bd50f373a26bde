#pragma once
/// For tests and fuzzers: a text with the padding that an event of a Batch has, and a copy of exactly that size, so
/// that a sanitizer sees a read beyond it.
#include <weir/component/batch.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace weir {

class PaddedText {
 public:
  explicit PaddedText(std::string_view text)
      : bytes_(std::make_unique<char[]>(text.size() + block_padding)), view_(bytes_.get(), text.size()) {
    if (!text.empty()) std::memcpy(bytes_.get(), text.data(), text.size());
  }
  std::string_view view() const { return view_; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::string_view view_;
};

}  // namespace weir
