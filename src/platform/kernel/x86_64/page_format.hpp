// What the bits of an x86-64 page table entry mean, for PageTables.
#pragma once

#include "base/frame.hpp"
#include "platform/paged_machine.hpp"

namespace strata::x86_64 {

struct PageFormat {
  static constexpr std::uint64_t present = 1;
  static constexpr std::uint64_t writable = 2;
  static constexpr std::uint64_t large = 0x80;
  static constexpr std::uint64_t no_execute = std::uint64_t{1} << 63;
  static constexpr std::uint64_t frame_bits = 0x000ffffffffff000;

  // Leads to a table of the next level.
  static std::uint64_t table(Frame frame) noexcept { return frame.address() | present | writable; }
  // Leads to memory: 4 KiB at level 0, 2 MiB at level 1, 1 GiB at level 2.
  static std::uint64_t leaf(Frame frame, Access access, unsigned level) noexcept {
    return frame.address() | flags_of(access) | (level != 0 ? large : 0);
  }
  // Of an entry at level 1 or above.
  static bool is_leaf(std::uint64_t entry) noexcept { return (entry & large) != 0; }
  static Frame frame(std::uint64_t entry) noexcept { return Frame::at(entry & frame_bits); }
  // The small entry that says what a 2 MiB entry says of its page `index`.
  static std::uint64_t part(std::uint64_t entry, size_t index) noexcept {
    return (entry & ~large) + index * frame_size;
  }
  // A large entry may give way to a table that says the same while it is in use.
  static bool splits_live() noexcept { return true; }
  // Entries written before are seen by page walks after. Stores are not reordered here.
  static void written() noexcept { asm volatile("" ::: "memory"); }

 private:
  static std::uint64_t flags_of(Access access) noexcept {
    switch (access) {
      case Access::read_only:
        return present | no_execute;
      case Access::execute:
        return present;
      case Access::read_write:
        break;
    }
    return present | writable | no_execute;
  }
};

}  // namespace strata::x86_64
