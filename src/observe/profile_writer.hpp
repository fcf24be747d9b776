// ProfileWriter: puts a process's profile into its slice (profile_area.hpp).
//
// Knows every stack by its hash: 64 bits, so that two different ones are taken for one in none of
// 10^9 programs. What it needs to find things again is memory of its own; the slice is only
// written. Not thread-safe: the owner locks. Allocates nothing through the heap.
#pragma once

#include "observe/profile_area.hpp"
#include "platform/current.hpp"

namespace strata::observe {

class ProfileWriter {
 public:
  static constexpr unsigned most_frames = 256;  // of one stack: the innermost
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  // Maps the next slice of a file; 0: it is no profile file, it is full, or memory is refused.
  static Address next_slice(const char* path) noexcept;
  // Begins to write into a slice, which reads zero. False: memory is refused.
  bool open(Address slice, size_t mean) noexcept;
  // Lets the slice be: it stays in the file. For the child of a fork, whose parent goes on writing.
  void leave() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return slice_ != 0; }
  [[nodiscard]] bool is_open_at(Address slice) const noexcept { return slice_ == slice; }

  // The stack's number, or none when there is no room.
  std::uint32_t find_or_add(const Address* frames, unsigned count) noexcept;
  [[nodiscard]] Stack& stack(std::uint32_t number) noexcept {
    return at<Stack>(Layout::stacks)[number];
  }
  [[nodiscard]] LiveSample& live(std::uint32_t number) noexcept {
    return at<LiveSample>(Layout::live)[number];
  }
  [[nodiscard]] Profile& head() noexcept { return *at<Profile>(0); }

 private:
  struct Known {
    std::uint64_t hash;
    std::uint32_t next;  // in its bucket: number + 1
    std::uint32_t frames;
  };
  static constexpr std::uint32_t buckets = 1U << 16;

  template <class T>
  [[nodiscard]] T* at(size_t offset) noexcept {
    return reinterpret_cast<T*>(slice_ + offset);
  }
  bool take_memory() noexcept;
  std::uint64_t with_module(Address frame) noexcept;
  std::uint32_t add_module(Address frame) noexcept;

  Address slice_ = 0;
  Known* known_ = nullptr;            // most_stacks of them
  std::uint32_t* buckets_ = nullptr;  // number + 1 of the first
  std::uint32_t last_module_ = 0;     // number + 1 of the one found last
};

}  // namespace strata::observe
