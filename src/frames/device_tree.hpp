// DeviceTree: walks a flattened device tree, node by node and property by property.
//
//   header | reservation block | structure: BEGIN name, PROP length name value, ..., END | strings
//
// A broken tree (bad magic, offsets outside, unknown token, a name without end) ends the walk;
// nothing is ever read outside [tree, tree + its total size). Cost: O(size), no allocation, no
// recursion. What it says about memory: device_tree_memory.hpp.
#pragma once

#include "base/bits.hpp"
#include "base/units.hpp"
#include "frames/firmware.hpp"

namespace strata {

// A property's value: cells are big-endian words of 32 bits, strings end in a zero byte.
struct DeviceTreeValue {
  const unsigned char* data = nullptr;
  size_t bytes = 0;

  // The number that `count` cells from the cell `index` on make; 0 where they are not there.
  [[nodiscard]] std::uint64_t cells(size_t index, size_t count) const noexcept {
    if (index * 4 + count * 4 > bytes) return 0;
    std::uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value = value << 32 | __builtin_bswap32(firmware::load<std::uint32_t>(data, (index + i) * 4));
    }
    return value;
  }
  [[nodiscard]] bool is(const char* text) const noexcept {
    for (size_t i = 0; i < bytes; ++i) {
      if (char(data[i]) != text[i]) return false;
      if (text[i] == 0) return true;
    }
    return false;
  }
  // The string, or an empty one.
  [[nodiscard]] const char* text() const noexcept {
    return bytes != 0 && data[bytes - 1] == 0 ? reinterpret_cast<const char*>(data) : "";
  }
};

class DeviceTree {
 public:
  explicit DeviceTree(const void* tree) noexcept : tree_(static_cast<const unsigned char*>(tree)) {
    if (tree_ == nullptr || word(0, 4) != 0xd00dfeed) return;
    size_ = word(4, 8);
    structure_ = word(8, size_);
    strings_ = word(12, size_);
    reservations_ = word(16, size_);
    valid_ = size_ >= 40 && structure_ < size_ && strings_ < size_ && reservations_ < size_;
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] size_t bytes() const noexcept { return size_; }

  // Calls visitor.begin(name), visitor.property(name, DeviceTreeValue) and visitor.end(), as they
  // come. A node's properties come before its children; the root's name is empty.
  template <class Visitor>
  void walk(Visitor& visitor) const {
    if (!valid_) return;
    unsigned depth = 0;
    for (size_t at = structure_; at + 4 <= size_;) {
      const unsigned token = word(at, size_);
      at += 4;
      if (token == begin_node) {
        const size_t length = length_of(at);
        if (length == none) return;
        visitor.begin(reinterpret_cast<const char*>(tree_ + at));
        at = align_up(at + length + 1, 4);
        ++depth;
      } else if (token == property) {
        if (at + 8 > size_) return;
        const size_t bytes = word(at, size_);
        const size_t name = strings_ + word(at + 4, size_);
        at += 8;
        if (bytes > size_ - at || length_of(name) == none) return;
        visitor.property(reinterpret_cast<const char*>(tree_ + name),
                         DeviceTreeValue{tree_ + at, bytes});
        at = align_up(at + bytes, 4);
      } else if (token == end_node && depth != 0) {
        visitor.end();
        --depth;
      } else if (token != nothing) {
        return;
      }
    }
  }

  // Calls visit(base, length) for each entry of the reservation block.
  template <class Visit>
  void for_each_reservation(Visit&& visit) const {
    if (!valid_) return;
    for (size_t at = reservations_; at + 16 <= size_; at += 16) {
      const DeviceTreeValue entry{tree_ + at, 16};
      const std::uint64_t base = entry.cells(0, 2);
      const std::uint64_t length = entry.cells(2, 2);
      if (base == 0 && length == 0) break;
      visit(base, length);
    }
  }

 private:
  static constexpr unsigned begin_node = 1;
  static constexpr unsigned end_node = 2;
  static constexpr unsigned property = 3;
  static constexpr unsigned nothing = 4;
  static constexpr size_t none = ~size_t{0};

  [[nodiscard]] std::uint32_t word(size_t at, size_t limit) const noexcept {
    if (at + 4 > limit) return 0;
    return __builtin_bswap32(firmware::load<std::uint32_t>(tree_, at));
  }
  // Of the string at `at`, or `none` when it does not end inside the tree.
  [[nodiscard]] size_t length_of(size_t at) const noexcept {
    for (size_t i = at; i < size_; ++i) {
      if (tree_[i] == 0) return i - at;
    }
    return none;
  }

  const unsigned char* tree_;
  size_t size_ = 0;
  size_t structure_ = 0;
  size_t strings_ = 0;
  size_t reservations_ = 0;
  bool valid_ = false;
};

}  // namespace strata
