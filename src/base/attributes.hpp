// Attributes that name the temperature and visibility of a function. Nothing else is a macro.
#pragma once

namespace strata {
// Where the compiler is asked for small code (-Os) the core does without what is there for speed
// alone.
#if defined(__OPTIMIZE_SIZE__)
constexpr bool built_small = true;
#else
constexpr bool built_small = false;
#endif
}  // namespace strata

// Less code inlined than called.
#define STRATA_TINY [[gnu::always_inline]]
// Where the compiler is asked for small code: never copied into those who call it.
#if defined(__OPTIMIZE_SIZE__)
#define STRATA_SHARED [[gnu::noinline]]
#else
#define STRATA_SHARED
#endif
// Inlined for speed; where the compiler is asked for small code it decides itself.
#if defined(__OPTIMIZE_SIZE__)
#define STRATA_INLINE inline
#else
#define STRATA_INLINE [[gnu::always_inline]] inline
#endif
#define STRATA_COLD [[gnu::noinline, gnu::cold]]
#define STRATA_NOINLINE [[gnu::noinline]]
// Out of a hot path, but of every program's start; not to be thrown among the cold for its callers.
#define STRATA_EARLY __attribute__((noinline, section(".text.startup")))
// For the few functions that programs call all the time: together, and each from the start of a
// cache line, so that where they stand does not change from build to build.
#define STRATA_HOT __attribute__((hot, aligned(64)))
// For variables that other files define: without it every access would go through a table, because
// -fvisibility=hidden does not speak for declarations.
#define STRATA_HIDDEN [[gnu::visibility("hidden")]]
#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))

#define STRATA_LIKELY(x) __builtin_expect(!!(x), 1)
#define STRATA_UNLIKELY(x) __builtin_expect(!!(x), 0)

// A plain read that another thread's write may overtake, where the reader finds out afterwards or
// only wants a number. ThreadSanitizer is told so; noipa keeps the read out of the caller.
#if defined(__SANITIZE_THREAD__)
#define STRATA_OVERTAKEN [[gnu::noipa, gnu::no_sanitize("thread")]]
#else
#define STRATA_OVERTAKEN [[gnu::always_inline]]
#endif
