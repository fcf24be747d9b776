// PageTables: the four-level page tables of x86-64, as Space needs them.
//
// Hooks gives what differs between kernels: take_table() (a frame, its contents anything, or none),
// direct(frame), and root() (the physical frame of the top table). Entries are 4 KiB; where 512
// pages are asked for at once, both sides are aligned, and no small table stands there, one 2 MiB
// entry. Unmapping part of a large entry splits it, which takes one frame.
//
//   address: | sign | 9 bits L4 | 9 bits L3 | 9 bits L2 | 9 bits L1 | 12 bits |
//
// Tables are never freed: those of a window are at most 1/512 of it plus three, and are used again.
// Not synchronised: Space holds its lock. Does not flush: see PagedMachine.
#pragma once

#include "base/frame.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

template <class Hooks>
class PageTables {
 public:
  static constexpr std::uint64_t present = 1;
  static constexpr std::uint64_t writable = 2;
  static constexpr std::uint64_t large = 0x80;
  static constexpr std::uint64_t no_execute = std::uint64_t{1} << 63;
  static constexpr std::uint64_t frame_bits = 0x000ffffffffff000;

  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept {
    const std::uint64_t flags = flags_of(access);
    size_t done = 0;
    while (done < pages) {
      const Address at = address + done * frame_size;
      std::uint64_t* middle = entry(at, 1, true);
      if (middle == nullptr) break;
      const bool aligned = ((at >> frame_shift) | (frame.number + done)) % frames_per_block == 0;
      if (*middle == 0 && aligned && pages - done >= frames_per_block) {
        *middle = (frame + done).address() | flags | large;
        done += frames_per_block;
        continue;
      }
      std::uint64_t* small = entry(at, 0, true);
      if (small == nullptr || *small != 0) break;
      *small = (frame + done).address() | flags;
      ++done;
    }
    if (done == pages) return true;
    if (done != 0) unmap(address, done);  // these were never used: nothing to flush
    return false;
  }

  static FrameRun unmap(Address address, size_t pages) noexcept {
    FrameRun run;
    while (run.count < pages) {
      const Address at = address + run.count * frame_size;
      std::uint64_t* middle = entry(at, 1, false);
      const bool is_large = middle != nullptr && (*middle & large) != 0;
      size_t here = 1;
      Frame frame;
      std::uint64_t* found = nullptr;
      if (is_large) {
        const size_t inside = (at >> frame_shift) % frames_per_block;
        frame = Frame::at(*middle & frame_bits) + inside;
        if (inside == 0 && pages - run.count >= frames_per_block) {
          here = frames_per_block;
          found = middle;
        }
      } else if (middle != nullptr && *middle != 0) {
        found = entry(at, 0, false);
        if (*found != 0) frame = Frame::at(*found & frame_bits);
      } else {
        here = frames_per_block - (at >> frame_shift) % frames_per_block;
        if (here > pages - run.count) here = pages - run.count;
      }
      const bool same_kind = bool(frame) == bool(run.first);
      if (run.count != 0 && (!same_kind || (frame && !(run.first + run.count == frame)))) break;
      if (is_large && found == nullptr) {
        if (!split(middle)) break;
        continue;
      }
      if (run.count == 0) run.first = frame;
      if (frame) *found = 0;
      run.count += here;
    }
    return run;
  }

  // One entry of level 1 (2 MiB) or 2 (1 GiB) for the direct map. True when it stands.
  static bool map_large(Address address, Frame frame, unsigned level) noexcept {
    std::uint64_t* at = entry(address, level, true);
    if (at == nullptr) return false;
    if (*at == 0) *at = frame.address() | flags_of(Access::read_write) | large;
    return true;
  }

  // Tables taken so far.
  static size_t tables() noexcept { return tables_; }

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

  static std::uint64_t* table(Frame frame) noexcept {
    return static_cast<std::uint64_t*>(Hooks::direct(frame));
  }

  // The entry for `address` at a level (0: 4 KiB, 1: 2 MiB, 2: 1 GiB). nullptr when a table on the
  // way is missing and not wanted, or no frame is there for it, or a larger entry covers it.
  static std::uint64_t* entry(Address address, unsigned level, bool make) noexcept {
    std::uint64_t* at = table(Hooks::root());
    for (unsigned depth = 3;; --depth) {
      at += (address >> (frame_shift + 9 * depth)) & 511;
      if (depth == level) return at;
      if (*at == 0) {
        if (!make) return nullptr;
        const Frame fresh = take_table();
        if (!fresh) return nullptr;
        *at = fresh.address() | present | writable;
      } else if ((*at & large) != 0) {
        return nullptr;
      }
      at = table(Frame::at(*at & frame_bits));
    }
  }

  static Frame take_table() noexcept {
    const Frame fresh = Hooks::take_table();
    if (!fresh) return fresh;
    std::uint64_t* entries = table(fresh);
    for (size_t i = 0; i < 512; ++i) entries[i] = 0;
    ++tables_;
    return fresh;
  }

  // Replaces a 2 MiB entry by 512 small ones that say the same.
  static bool split(std::uint64_t* middle) noexcept {
    const Frame fresh = take_table();
    if (!fresh) return false;
    const std::uint64_t same = *middle & ~large;
    for (size_t i = 0; i < 512; ++i) table(fresh)[i] = same + i * frame_size;
    *middle = fresh.address() | present | writable;
    return true;
  }

  inline static size_t tables_ = 0;  // written under the owner's lock
};

}  // namespace strata
