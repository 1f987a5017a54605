// SPDX-License-Identifier: Apache-2.0
// An immutable run of bytes that shares its owner: slicing and passing on never copy.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// Safe to hand to another thread: nobody writes through it.
class Bytes {
 public:
  Bytes() = default;
  // `owner` keeps `view` valid for as long as any Bytes made from this one lives.
  Bytes(std::shared_ptr<const void> owner, std::string_view view)
      : owner_(std::move(owner)), view_(view) {}

  static Bytes FromString(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    std::string_view view = *owner;
    return Bytes(std::move(owner), view);
  }

  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  Bytes Slice(size_t from, size_t length = std::string_view::npos) const {
    return Bytes(owner_, view_.substr(from, length));
  }
  std::string ToString() const { return std::string(view_); }

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

// One message or one write, in pieces that need not be joined.
using Pieces = std::vector<Bytes>;

inline size_t SizeOf(const Pieces& pieces) {
  size_t size = 0;
  for (const Bytes& piece : pieces) size += piece.size();
  return size;
}

// The pieces as one run; copies unless there is just one.
inline Bytes Join(const Pieces& pieces) {
  if (pieces.size() == 1) return pieces.front();
  std::string joined;
  joined.reserve(SizeOf(pieces));
  for (const Bytes& piece : pieces) joined.append(piece.view());
  return Bytes::FromString(std::move(joined));
}

}  // namespace weir
