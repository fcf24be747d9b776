// FrameTagMemory: memory for an arena's tags straight from frames, through the direct map.
//
// No address range is needed for it, which is what cuts the circle "ranges need memory for their
// tags, memory needs ranges". Arrays are runs of frames. O(1).
#pragma once

#include "frames/frames.hpp"

namespace strata {

template <PagedMachine Machine>
class FrameTagMemory {
 public:
  static constexpr size_t page_bytes = frame_size;

  explicit FrameTagMemory(Frames<Machine>& frames) noexcept : frames_(frames) {}

  void* take() noexcept { return take_array(frame_size); }
  void give(void* page) noexcept { give_array(page, frame_size); }

  STRATA_NOINLINE void* take_array(size_t bytes) noexcept {
    const size_t count = divide_up(bytes, frame_size);
    const FrameRun run =
        count == 1 ? FrameRun{frames_.get(), 1} : frames_.allocate({.count = count});
    if (!run.first) return nullptr;
    taken_ += count;
    return Machine::direct(run.first);
  }
  STRATA_NOINLINE void give_array(void* array, size_t bytes) noexcept {
    const size_t count = divide_up(bytes, frame_size);
    taken_ -= count;
    frames_.free(frame_of(array), count);
  }

  // Frames that tags occupy now.
  [[nodiscard]] size_t taken() const noexcept { return taken_; }

  // The direct map is linear: what it adds to frame 0's address is what it adds to every other's.
  static Frame frame_of(void* memory) noexcept {
    return Frame::at(Address(memory) - Address(Machine::direct({0})));
  }

 private:
  Frames<Machine>& frames_;
  size_t taken_ = 0;
};

}  // namespace strata
