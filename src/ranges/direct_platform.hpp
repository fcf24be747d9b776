// DirectPlatform: the heap's Platform straight on Frames, where addresses are the direct map's own.
//
// For machines without paging. A reservation is a run of frames, so what the heap's range may grow
// to is taken once and for all; blocks too large for the range are runs of their own and go back.
// purge() gives nothing back: there is nobody else in the range to give it to.
#pragma once

#include "frames/frames.hpp"
#include "ranges/machine_platform.hpp"

namespace strata {

template <PagedMachine M>
struct DirectPlatform : MachinePlatform<M, DirectPlatform<M>> {
  static constexpr unsigned max_annexes = 1;

  static void start(Frames<M>& frames) noexcept { frames_ = &frames; }

  // Frames over a pool that M knows already, and the heap on them. nullptr when the pool is too
  // small (about 48 KiB). Page 0 of the pool is given up, as page 0 of any memory is.
  static Frames<M>* start_pool(size_t bytes) noexcept {
    MemoryMap<1> map;
    map.add(0, bytes);
    map.finish();
    Frames<M>* frames = Frames<M>::start(map, bytes);
    if (frames != nullptr) start(*frames);
    return frames;
  }

  // The address has to be aligned, and the pool's own address may be aligned to less: so a longer
  // run is taken and its ends given back.
  static Address reserve(size_t bytes, size_t alignment) noexcept {
    if (frames_ == nullptr) return 0;
    const size_t count = bytes >> frame_shift;
    const size_t slack = (alignment >> frame_shift) - 1;
    const FrameRun run = frames_->allocate({.count = count + slack, .may_use_reserve = true});
    if (!run.first) return 0;
    const Address raw = Address(M::direct(run.first));
    const size_t before = (align_up(raw, alignment) - raw) >> frame_shift;
    if (before != 0) frames_->free(run.first, before);
    if (slack != before) frames_->free(run.first + before + count, slack - before);
    return raw + (before << frame_shift);
  }
  static void release(Address address, size_t bytes) noexcept {
    const Address first = Address(M::direct({0}));
    frames_->free(Frame::at(address - first), bytes >> frame_shift);
  }
  static bool commit(Address address, size_t bytes) noexcept {
    __builtin_memset(reinterpret_cast<void*>(address), 0, bytes);
    return true;
  }
  static bool purge(Address, size_t) noexcept { return true; }

  // Only shrinks in place.
  static Address remap(Address address, size_t old_bytes, size_t new_bytes) noexcept {
    if (new_bytes > old_bytes) return 0;
    if (new_bytes != old_bytes) release(address + new_bytes, old_bytes - new_bytes);
    return address;
  }

 private:
  inline static Frames<M>* frames_ = nullptr;  // set once, by start()
};

}  // namespace strata
