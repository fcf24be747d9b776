// What the bits of an aarch64 descriptor mean (4 KiB granule, EL1), for PageTables.
//
// The kernel's MAIR has normal write-back memory at index 0.
#pragma once

#include "base/frame.hpp"
#include "platform/paged_machine.hpp"

namespace strata::aarch64 {

struct PageFormat {
  static constexpr std::uint64_t valid = 1;
  static constexpr std::uint64_t table_or_page = 2;  // level 1 and above: a table; level 0: a page
  static constexpr std::uint64_t read_only = 0x80;
  static constexpr std::uint64_t inner_shareable = 0x300;
  static constexpr std::uint64_t accessed = 0x400;
  static constexpr std::uint64_t not_by_kernel = std::uint64_t{1} << 53;  // never executed at EL1
  static constexpr std::uint64_t not_by_user = std::uint64_t{1} << 54;    // nor at EL0
  static constexpr std::uint64_t frame_bits = 0x0000fffffffff000;

  static std::uint64_t table(Frame frame) noexcept {
    return frame.address() | valid | table_or_page;
  }
  static std::uint64_t leaf(Frame frame, Access access, unsigned level) noexcept {
    return frame.address() | flags_of(access) | (level == 0 ? table_or_page : 0);
  }
  static bool is_leaf(std::uint64_t entry) noexcept {
    return (entry & (valid | table_or_page)) == valid;
  }
  static Frame frame(std::uint64_t entry) noexcept { return Frame::at(entry & frame_bits); }
  static std::uint64_t part(std::uint64_t entry, size_t index) noexcept {
    return (entry | table_or_page) + index * frame_size;
  }
  // Changing the size of a translation under use is allowed from FEAT_BBM level 2 on; other CPUs
  // must see the entry empty in between, and whoever uses it would fault.
  static bool splits_live() noexcept {
    std::uint64_t features;
    asm("mrs %0, id_aa64mmfr2_el1" : "=r"(features));
    return (features >> 52 & 15) >= 2;
  }
  // Page walks are like another CPU that reads memory: they see what was stored before a barrier.
  static void written() noexcept { asm volatile("dsb ishst\n\tisb" ::: "memory"); }

 private:
  static std::uint64_t flags_of(Access access) noexcept {
    constexpr std::uint64_t all = valid | inner_shareable | accessed | not_by_user;
    switch (access) {
      case Access::read_only:
        return all | read_only | not_by_kernel;
      case Access::execute:
        return all | read_only;
      case Access::read_write:
        break;
    }
    return all | not_by_kernel;
  }
};

}  // namespace strata::aarch64
