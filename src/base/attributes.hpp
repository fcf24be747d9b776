// Attributes that name the temperature and visibility of a function. Nothing else is a macro.
#pragma once

#define STRATA_INLINE [[gnu::always_inline]] inline
#define STRATA_COLD [[gnu::noinline, gnu::cold]]
#define STRATA_NOINLINE [[gnu::noinline]]
// For variables that other files define: without it every access would go through a table, because
// -fvisibility=hidden does not speak for declarations.
#define STRATA_HIDDEN [[gnu::visibility("hidden")]]
#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))

#define STRATA_LIKELY(x) __builtin_expect(!!(x), 1)
#define STRATA_UNLIKELY(x) __builtin_expect(!!(x), 0)
