// DeviceTreeReader: the memory map inside a flattened device tree.
//
// Usable is what nodes with device_type = "memory" list in `reg`; not usable are the reservation
// block of the header, the children of /reserved-memory, and the tree itself. Cell counts are those
// of the root (memory) and of /reserved-memory (its children), 2 and 1 when not told.
//
//   header | reservation block | structure: BEGIN name, PROP len name value, ..., END | strings
//
// A broken tree (bad magic, offsets outside, unknown token) ends the walk; it never reads outside
// [tree, tree + its total size). Cost: O(size), no allocation, no recursion.
#pragma once

#include "base/bits.hpp"
#include "base/units.hpp"
#include "frames/firmware.hpp"

namespace strata {

class DeviceTreeReader {
 public:
  explicit DeviceTreeReader(const void* tree) noexcept
      : tree_(static_cast<const unsigned char*>(tree)) {
    if (tree_ == nullptr || be32(0, 40) != 0xd00dfeed) return;
    size_ = be32(4, 40);
    structure_ = be32(8, 40);
    strings_ = be32(12, 40);
    reservations_ = be32(16, 40);
    valid_ = size_ >= 40 && structure_ < size_ && strings_ < size_ && reservations_ < size_;
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] size_t bytes() const noexcept { return size_; }

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (!valid_) return;
    visit(std::uint64_t(Address(tree_)), std::uint64_t(size_), false);
    for (size_t at = reservations_; at + 16 <= size_; at += 16) {
      const std::uint64_t base = be64(at);
      const std::uint64_t length = be64(at + 8);
      if (base == 0 && length == 0) break;
      visit(base, length, false);
    }
    walk(visit);
  }

 private:
  static constexpr unsigned begin_node = 1;
  static constexpr unsigned end_node = 2;
  static constexpr unsigned property = 3;
  static constexpr unsigned nothing = 4;

  struct Reg {
    size_t at = 0;
    size_t bytes = 0;
  };

  template <class Visit>
  void walk(Visit& visit) const {
    unsigned depth = 0;
    unsigned reserved_depth = 0;  // depth of /reserved-memory while inside it
    unsigned address_cells = 2, size_cells = 1;
    unsigned reserved_address_cells = 2, reserved_size_cells = 1;
    bool is_memory = false;
    Reg reg;
    const auto report = [&]() {
      const bool reserved = reserved_depth != 0 && depth == reserved_depth + 1;
      if (reg.bytes != 0 && (is_memory || reserved)) {
        report_reg(visit, reg, reserved ? reserved_address_cells : address_cells,
                   reserved ? reserved_size_cells : size_cells, !reserved);
      }
      reg = {};
      is_memory = false;
    };
    for (size_t at = structure_; at + 4 <= size_;) {
      const unsigned token = be32(at, size_);
      at += 4;
      if (token == begin_node) {
        report();  // the parent's properties come before its children
        ++depth;
        if (depth == 2 && equal(at, "reserved-memory")) reserved_depth = depth;
        while (at < size_ && tree_[at] != 0) ++at;
        at = align_up(at + 1, 4);
      } else if (token == end_node) {
        report();
        if (depth == 0) return;
        if (depth == reserved_depth) reserved_depth = 0;
        --depth;
      } else if (token == property) {
        if (at + 8 > size_) return;
        const size_t bytes = be32(at, size_);
        const size_t name = strings_ + be32(at + 4, size_);
        at += 8;
        if (bytes > size_ - at) return;
        if (equal(name, "reg")) reg = {at, bytes};
        if (equal(name, "device_type") && bytes == 7 && equal(at, "memory")) is_memory = true;
        if (bytes == 4 && equal(name, "#address-cells")) {
          if (depth == 1) address_cells = be32(at, size_);
          if (depth == reserved_depth) reserved_address_cells = be32(at, size_);
        }
        if (bytes == 4 && equal(name, "#size-cells")) {
          if (depth == 1) size_cells = be32(at, size_);
          if (depth == reserved_depth) reserved_size_cells = be32(at, size_);
        }
        at = align_up(at + bytes, 4);
      } else if (token != nothing) {
        return;
      }
    }
  }

  template <class Visit>
  void report_reg(Visit& visit, Reg reg, unsigned address_cells, unsigned size_cells,
                  bool usable) const {
    if (address_cells > 2 || size_cells > 2 || address_cells + size_cells == 0) return;
    const size_t each = size_t{4} * (address_cells + size_cells);
    for (size_t i = 0; i + each <= reg.bytes; i += each) {
      visit(cells(reg.at + i, address_cells),
            cells(reg.at + i + size_t{4} * address_cells, size_cells), usable);
    }
  }

  [[nodiscard]] std::uint64_t cells(size_t at, unsigned count) const noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) value = value << 32 | be32(at + size_t{4} * i, size_);
    return value;
  }
  [[nodiscard]] std::uint32_t be32(size_t at, size_t limit) const noexcept {
    if (at + 4 > limit) return 0;
    return __builtin_bswap32(firmware::load<std::uint32_t>(tree_, at));
  }
  [[nodiscard]] std::uint64_t be64(size_t at) const noexcept { return cells(at, 2); }
  // True when the string at `at` is `text`, or `text` and a unit address behind an '@'.
  [[nodiscard]] bool equal(size_t at, const char* text) const noexcept {
    for (;; ++at, ++text) {
      if (at >= size_) return false;
      const char found = char(tree_[at]);
      if (*text == 0) return found == 0 || found == '@';
      if (found != *text) return false;
    }
  }

  const unsigned char* tree_;
  size_t size_ = 0;
  size_t structure_ = 0;
  size_t strings_ = 0;
  size_t reservations_ = 0;
  bool valid_ = false;
};

}  // namespace strata
