#include "members.h"

#include <weir/component/expression/json_string.h>

#include <algorithm>
#include <utility>

namespace weir::parse {
namespace {

void append_text(std::string_view text, std::string& out) {
  out += '"';
  append_escaped(text, out);
  out += '"';
}

}  // namespace

void Members::begin(std::size_t bytes) {
  members_.clear();
  kept_.clear();
  kept_.reserve(bytes);  // never grows beyond it, so the views stay valid
}

bool Members::put(const Member& member) {
  if (members_.size() == max_members) return false;
  members_.push_back(member);
  return true;
}

bool Members::has_group(std::string_view group) const {
  return std::ranges::find(members_, group, &Member::group) != members_.end();
}

std::string_view Members::unescaped(std::string_view text) {
  const auto from = kept_.size();
  if (unescape_json(text, kept_)) return std::string_view(kept_).substr(from);
  kept_.resize(from);
  return without_backslashes(text, [](char c) { return c == '"' || c == '\\'; });
}

std::string_view Members::with_single_quotes(std::string_view text) {
  const auto from = kept_.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    kept_ += text[i];
    if (text[i] == '"') ++i;
  }
  return std::string_view(kept_).substr(from);
}

bool Members::write(std::string& out, std::size_t most) {
  from_ = out.size();
  most_ = most;
  too_long_ = false;
  for (auto& member : members_) member.written = false;
  out += '{';
  write_group({}, false, out);
  bool any = false;
  for (const auto& first : members_) {
    if (first.group.empty() || first.written) continue;
    out += any ? "," : out.size() == from_ + 1 ? "\"data\":{" : ",\"data\":{";
    any = true;
    append_text(first.group, out);
    out += ":{";
    write_group(first.group, true, out);
    out += '}';
  }
  out += any ? "}}" : "}";
  if (!too_long_ && out.size() - from_ <= most) return true;
  out.resize(from_);
  return false;
}

void Members::write_group(std::string_view group, bool grouped, std::string& out) {
  bool first = true;
  for (std::size_t i = 0; i < members_.size() && !too_long_; ++i) {
    auto& member = members_[i];
    if (member.written || member.group != group) continue;
    member.written = true;
    if (grouped && member.name.empty()) continue;  // only says that the group is there
    if (!std::exchange(first, false)) out += ',';
    write_one(i, out);
  }
}

void Members::write_one(std::size_t at, std::string& out) {
  const auto& first = members_[at];
  const auto same = [&](const Member& other) { return other.name == first.name && other.group == first.group; };
  const auto behind = members_.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  const bool several = std::any_of(behind, members_.end(), same);
  append_text(first.name, out);
  out += several ? ":[" : ":";
  for (auto i = at; i < members_.size(); ++i) {
    auto& member = members_[i];
    if (i != at && !same(member)) continue;
    member.written = true;
    // Looked at before it is copied, so that what overlapping groups make of a long line stays bounded.
    if (!fits(out, member.value.size())) {
      too_long_ = true;
      return;
    }
    if (i != at) out += ',';
    if (member.flag)
      out += "true";
    else
      append_text(member.value, out);
    if (!several) return;
  }
  out += ']';
}

}  // namespace weir::parse
