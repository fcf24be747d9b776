/* Strata's C interface to the process heap.
 *
 * The same heap that malloc serves when libstrata.so is preloaded or linked; these names reach it
 * also when another malloc is in charge. Every function may be called by any thread at any time
 * after the library is loaded; none sets errno. Blocks are aligned to 16 bytes.
 */
#ifndef STRATA_STRATA_H
#define STRATA_STRATA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#define STRATA_NOEXCEPT noexcept
#else
#define STRATA_NOEXCEPT
#endif

/* A block of at least `size` bytes, or NULL when memory is refused. size 0 gives a block of its
 * own. Constant time but for page faults. */
void* strata_malloc(size_t size) STRATA_NOEXCEPT;

/* A block of count * size bytes that reads zero, or NULL (also when the product overflows). */
void* strata_calloc(size_t count, size_t size) STRATA_NOEXCEPT;

/* Changes a block's size; the contents up to the smaller size survive. NULL when memory is
 * refused: the old block is then untouched. A null pointer makes this strata_malloc; size 0 gives
 * a block of its own, it does not free. */
void* strata_realloc(void* pointer, size_t size) STRATA_NOEXCEPT;

/* A block at a multiple of `alignment`, a power of two; NULL when it is none or memory is refused.
 */
void* strata_aligned_alloc(size_t alignment, size_t size) STRATA_NOEXCEPT;

/* The next bytes at the very end: blocks of up to 32 KiB that one thread takes this way lie one
 * behind the other, 64 KiB after 64 KiB, whatever their sizes, and no class, list or bin is
 * searched. Constant time but for page faults. NULL when memory is refused; size 0 gives a block of
 * its own.
 *
 * The block is like any other: strata_free, strata_realloc and strata_usable_size take it, in any
 * thread, and under libstrata.so free() and realloc(). Only its memory is used again not at once
 * but when all blocks of its 64 KiB have been freed. For what is built up together and goes
 * together. In hardened mode it is strata_malloc, whose blocks lie where nobody can foresee. */
void* strata_falloc(size_t size) STRATA_NOEXCEPT;

/* Gives a block back. NULL is nothing. A pointer that is no live block of this heap is reported in
 * one line, and the program aborted. */
void strata_free(void* pointer) STRATA_NOEXCEPT;

/* Bytes of the block that may be used, at least what was asked for. 0 for NULL. */
size_t strata_usable_size(void* pointer) STRATA_NOEXCEPT;

/* Address ranges of the process heap as a source for a region that grows: of the shape that
 * strata_region_options asks for (grow, shrink), with any context.
 * take: at least `least` bytes in whole pieces of 64 KiB, their number in *bytes; NULL when memory
 * is refused. give: takes back exactly what take gave; anything else is left alone. O(bytes / 64
 * KiB), as a rule without a system call. */
void* strata_range_take(void* context, size_t least, size_t* bytes) STRATA_NOEXCEPT;
void strata_range_give(void* context, void* memory, size_t bytes) STRATA_NOEXCEPT;

/* Gives free memory back to the system now, but for `keep` bytes. Returns the bytes given back. */
size_t strata_trim(size_t keep) STRATA_NOEXCEPT;

#ifdef __cplusplus
}
#endif

/* The region heap: a heap inside memory you give it. */
#include "strata/region.h"

#endif
