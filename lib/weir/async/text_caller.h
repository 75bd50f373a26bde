#pragma once
/// A caller whose key has this text, whatever the key is of: to find the hash of a tenant that a configuration names.
///
/// Thread: a value. Cost: none; the text must outlive it.
#include <weir/async/client_key.h>

namespace weir::async {

class TextCaller final : public Caller {
 public:
  explicit TextCaller(std::string_view text) : text_(text) {}
  std::string_view header(std::string_view) const override { return text_; }
  std::string_view path() const override { return text_; }
  std::string peer() const override { return std::string(text_); }
  std::string tls_subject() const override { return std::string(text_); }

 private:
  std::string_view text_;
};

}  // namespace weir::async
