// Hardened mode: every block's state is known exactly, nothing that an error of the program can
// reach is trusted, and memory that was freed is neither readable nor soon another block.
//
// A mode (heap/mode.hpp): chosen by STRATA_MODE when the process starts, in the same library. The
// default mode pays nothing for it.
//
// What a block is made of, by size
//
//   size          where it lies                          on free            a freed block waits in
//   0             address that cannot be touched         -                  - (heap/zero_sized.cpp)
//   to 32767      slab of its class: 60 KiB of           cleared            its thread's
//                 blocks, then a guard page                                 quarantine, then a pool
//   to 128 KiB    run of slots between guard pages       cleared            a queue, by bytes
//   to 4 MiB      run of slots between guard pages       shut: it faults    the same queue
//   to 1 GiB      run of slots between guard pages       made guards        a queue, by number
//   above         mapping between guard pages            given back         a queue, by number
//
// What is known of a small block, out of band: a Record (record.hpp) each in its Slab (slab.hpp)
//
//   state      Record               block's bytes                      where it is noted
//   fresh      0                    zero                               Slab: beyond its window
//   free       0 or who freed it    zero                               Slab: bit in `free`
//   ready      0 or who freed it    zero                               ThreadState: ready
//   live       live, form, slack    the program's; then a canary       nowhere
//   quarantine who freed it         zero                               ThreadState: random, fifo
//
//   transition            by                                     checks
//   fresh -> free         window of the slab grows               -
//   free -> ready         refill, at random, class's lock        -
//   ready -> live         allocate, the thread that has it       record is not live; bytes are zero
//   live -> quarantine    free, any thread                       block start; record is live; form
//                                                                and size agree; canary is whole
//   quarantine -> ready   the thread's later frees: a random     -
//                         place first, then first in, first out
//   ready -> free         flush, class's lock                    bit was clear
//
// Who may write what: a Record, whoever has the block (that is why it is a word of its own, not a
// bit among others: threads that free neighbours do not meet, and nothing is atomic). A Slab's bits
// and lists, the holder of its class's lock. A ThreadState, its thread. Two threads that free one
// block in the very same moment may both pass; the block is then ready twice, and the second time
// it is handed out its record is live: it is found then.
//
// Addresses of one class are never given to another: a slab stays with its class, its pages go back
// to the system. Where addresses are scarce (`ulimit -v`) that, and guards, are given up, with a
// warning.
//
// Stands on what a platform has beyond the concept: guards, protection, randomness (Linux).
//
// Lock order: class (ascending), large, registry, metadata; then those of the heap below.
#pragma once

#include "heap/mode.hpp"

namespace strata::harden {

// The mode's functions, as their namesakes in heap/mode.hpp; what the modes are made of (mode.cpp,
// and for allocate and free small.hpp).
void* allocate(size_t size, heap::Form form) noexcept;
void* allocate_zeroed(size_t size) noexcept;
void* allocate_aligned(size_t alignment, size_t size, heap::Form form) noexcept;
void free(void* pointer, heap::Form form, size_t size) noexcept;
void* reallocate(void* pointer, size_t size) noexcept;
size_t usable_size(void* pointer) noexcept;
size_t trim(size_t keep) noexcept;
void collect(heap::Statistics& all) noexcept;
void finish_thread() noexcept;
void verify_at_exit() noexcept;
void before_fork() noexcept;
void after_fork_in_parent() noexcept;
void after_fork_in_child() noexcept;

// For heap::start_mode.
inline constexpr heap::ModeCalls hardened_calls = {
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .allocate_aligned = allocate_aligned,
    .free = free,
    .reallocate = reallocate,
    .usable_size = usable_size,
    .trim = trim,
    .collect = collect,
    .finish_thread = finish_thread,
    .verify_at_exit = verify_at_exit,
    .before_fork = before_fork,
    .after_fork_in_parent = after_fork_in_parent,
    .after_fork_in_child = after_fork_in_child,
};

// Before the mode starts: computes the classes' shapes, draws the secrets.
void prepare() noexcept;

}  // namespace strata::harden
