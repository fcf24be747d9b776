// PageTables: four levels of 512 entries, as Space needs them; x86-64 and aarch64 (4 KiB granule)
// differ only in what the bits of an entry mean.
//
//   address: | sign | 9 bits level 3 | 9 bits level 2 | 9 bits level 1 | 9 bits level 0 | 12 bits |
//                                      1 GiB entries    2 MiB entries    4 KiB entries
//
// Format says what entries look like (x86_64/page_format.hpp, aarch64/page_format.hpp). Hooks gives
// what differs between kernels: take_table() (a frame, its contents anything, or none),
// direct(frame), and root() (the physical frame of the top table).
//
// Entries are 4 KiB; where 512 pages are asked for at once, both sides are aligned, and no small
// table stands there, one 2 MiB entry. Unmapping part of a large entry splits it, which takes one
// frame; where the CPU cannot change an entry under use (Format::splits_live), ranges get small
// entries only.
//
// Tables are never freed: those of a window are at most 1/512 of it plus three, and are used again.
// Not synchronised: Space holds its lock. Does not flush: see PagedMachine.
#pragma once

#include "base/bits.hpp"
#include "base/frame.hpp"
#include "platform/paged_machine.hpp"

namespace strata {

template <class Format, class Hooks>
class PageTables {
 public:
  static bool map(Address address, Frame frame, size_t pages, Access access) noexcept {
    size_t done = 0;
    while (done < pages) {
      const Address at = address + done * frame_size;
      std::uint64_t* middle = entry(at, 1, true);
      if (middle == nullptr) break;
      const bool aligned = ((at >> frame_shift) | (frame.number + done)) % frames_per_block == 0;
      if (*middle == 0 && aligned && pages - done >= frames_per_block && Format::splits_live()) {
        *middle = Format::leaf(frame + done, access, 1);
        done += frames_per_block;
        continue;
      }
      std::uint64_t* small = entry(at, 0, true);
      if (small == nullptr || *small != 0) break;
      *small = Format::leaf(frame + done, access, 0);
      ++done;
    }
    Format::written();
    if (done == pages) return true;
    if (done != 0) unmap(address, done);  // these were never used: nothing to flush
    return false;
  }

  static FrameRun unmap(Address address, size_t pages) noexcept {
    FrameRun run;
    while (run.count < pages) {
      const Address at = address + run.count * frame_size;
      std::uint64_t* middle = entry(at, 1, false);
      const bool is_large = middle != nullptr && Format::is_leaf(*middle);
      size_t here = 1;
      Frame frame;
      std::uint64_t* found = nullptr;
      if (is_large) {
        const size_t inside = (at >> frame_shift) % frames_per_block;
        frame = Format::frame(*middle) + inside;
        if (inside == 0 && pages - run.count >= frames_per_block) {
          here = frames_per_block;
          found = middle;
        }
      } else if (middle != nullptr && *middle != 0) {
        found = entry(at, 0, false);
        if (*found != 0) frame = Format::frame(*found);
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

  // Extends the direct map that starts at `base` over the physical bytes [from, end), in entries of
  // 2 MiB or, where wanted, 1 GiB. What is there already stays. False: no frame for a table.
  static bool map_direct(Address base, std::uint64_t from, std::uint64_t end, bool gib) noexcept {
    for (std::uint64_t at = align_down(from, 2 * MiB); at < end;) {
      std::uint64_t* large = entry(base + at, 2, true);
      if (large == nullptr) return false;
      if (Format::is_leaf(*large)) {
        at = align_down(at, GiB) + GiB;
        continue;
      }
      const bool whole = gib && *large == 0 && at % GiB == 0 && end - at >= GiB;
      if (!whole) large = entry(base + at, 1, true);
      if (large == nullptr) return false;
      if (*large == 0) *large = Format::leaf(Frame::at(at), Access::read_write, whole ? 2 : 1);
      at += whole ? GiB : 2 * MiB;
    }
    Format::written();
    return true;
  }

  // Tables taken so far.
  static size_t tables() noexcept { return tables_; }

 private:
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
        *at = Format::table(fresh);
      } else if (Format::is_leaf(*at)) {
        return nullptr;
      }
      at = table(Format::frame(*at));
    }
  }

  static Frame take_table() noexcept {
    const Frame fresh = Hooks::take_table();
    if (!fresh) return fresh;
    std::uint64_t* entries = table(fresh);
    for (size_t i = 0; i < 512; ++i) entries[i] = 0;
    Format::written();  // a walk that finds the table finds it empty
    ++tables_;
    return fresh;
  }

  // Replaces a 2 MiB entry by 512 small ones that say the same.
  static bool split(std::uint64_t* middle) noexcept {
    const Frame fresh = take_table();
    if (!fresh) return false;
    for (size_t i = 0; i < 512; ++i) table(fresh)[i] = Format::part(*middle, i);
    Format::written();
    *middle = Format::table(fresh);
    return true;
  }

  inline static size_t tables_ = 0;  // written under the owner's lock
};

}  // namespace strata
