// SharedFile: a file of shared memory, seen through a descriptor of the calling thread's table.
//
// Raw system calls throughout: errno, locks and descriptors of libc stay untouched. Mappings are
// not inherited by the child of a fork.
#pragma once

#include "base/atomic.hpp"
#include "base/units.hpp"

namespace strata {

class SharedFile {
 public:
  // A new file without a name, `bytes` long for ever, for the user alone. None of it is touched.
  static SharedFile create(const char* label, size_t bytes) noexcept;
  // An existing one, by path: a regular file of this user's that is `bytes` long at least.
  static SharedFile open(const char* path, size_t bytes) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  // Memory [offset, offset + bytes) of the file, readable and writable; 0 when refused.
  [[nodiscard]] Address map(size_t offset, size_t bytes) const noexcept;
  static void unmap(Address address, size_t bytes) noexcept;
  void set_position(size_t offset) const noexcept;

  // Moves the file to descriptor 0 and closes every other one of the thread's table, which must be
  // its own.
  void keep_alone() noexcept;

 private:
  int descriptor_ = -1;
};

// Sleeping on a word of shared memory: until it is no longer `seen`, or it is woken, or that much
// time has passed (0: for ever).
void wait_shared(Atomic<std::uint32_t>& word, std::uint32_t seen,
                 std::uint32_t milliseconds) noexcept;
void wake_shared(Atomic<std::uint32_t>& word) noexcept;

// Whether the word at an address, which is a multiple of 4, is `value`. False where it cannot be
// read: the kernel looks, so that memory which the program protected is no danger. A system call.
bool word_is(Address address, std::uint32_t value) noexcept;

// The calling thread's name, at most 15 letters and a zero.
void name_thread(const char* name) noexcept;
void read_thread_name(char (&name)[16]) noexcept;
std::uint32_t parent_process_number() noexcept;

}  // namespace strata
