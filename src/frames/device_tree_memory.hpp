// DeviceTreeReader: the memory map inside a flattened device tree, for MemoryMap::read().
//
// Usable is what nodes with device_type = "memory" list in `reg`, unless their status says that
// they are not for us (memory of the secure world is listed so). Not usable are the reservation
// block, the children of /reserved-memory, and the tree itself. Cell counts are those of the root
// (memory) and of /reserved-memory (its children), 2 and 1 when not told.
//
// Cost: O(size of the tree), no allocation.
#pragma once

#include "frames/device_tree.hpp"

namespace strata {

class DeviceTreeReader {
 public:
  // `physical`: where the tree stands in memory, whatever address it is read through.
  DeviceTreeReader(const void* tree, std::uint64_t physical) noexcept
      : tree_(tree), physical_(physical) {}

  [[nodiscard]] bool valid() const noexcept { return tree_.valid(); }

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (!tree_.valid()) return;
    visit(physical_, std::uint64_t(tree_.bytes()), false);
    tree_.for_each_reservation(
        [&](std::uint64_t base, std::uint64_t length) { visit(base, length, false); });
    Walk<Visit> walk{visit};
    tree_.walk(walk);
  }

 private:
  struct Cells {
    size_t address = 2;
    size_t size = 1;

    void note(const char* name, DeviceTreeValue value) noexcept {
      if (same(name, "#address-cells")) address = value.cells(0, 1);
      if (same(name, "#size-cells")) size = value.cells(0, 1);
    }
  };

  static bool same(const char* a, const char* b) noexcept {
    for (; *a == *b; ++a, ++b) {
      if (*a == 0) return true;
    }
    return false;
  }

  template <class Visit>
  struct Walk {
    Visit& visit;
    unsigned depth = 0;  // the root's is 1
    bool in_reserved = false;
    Cells root{};
    Cells reserved{};
    // Of the node whose properties are being read.
    DeviceTreeValue reg{};
    bool is_memory = false;
    bool is_off = false;

    void begin(const char* name) {
      tell();  // the parent is complete: its properties come before its children
      ++depth;
      if (depth == 2) in_reserved = same(name, "reserved-memory");
    }
    void property(const char* name, DeviceTreeValue value) {
      if (same(name, "reg")) reg = value;
      if (same(name, "device_type")) is_memory = value.is("memory");
      if (same(name, "status")) is_off = !value.is("okay") && !value.is("ok");
      if (depth == 1) root.note(name, value);
      if (depth == 2 && in_reserved) reserved.note(name, value);
    }
    void end() {
      tell();
      --depth;
    }

    void tell() {
      if (in_reserved && depth == 3) {
        pieces(reserved, false);  // whatever its status: nobody gains by using it
      } else if (is_memory && !is_off) {
        pieces(root, true);
      }
      reg = {};
      is_memory = is_off = false;
    }
    void pieces(Cells cells, bool usable) {
      if (cells.address > 2 || cells.size > 2 || cells.size == 0) return;
      const size_t each = cells.address + cells.size;
      for (size_t at = 0; (at + each) * 4 <= reg.bytes; at += each) {
        visit(reg.cells(at, cells.address), reg.cells(at + cells.address, cells.size), usable);
      }
    }
  };

  DeviceTree tree_;
  std::uint64_t physical_;
};

}  // namespace strata
