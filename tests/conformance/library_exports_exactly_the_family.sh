#!/bin/sh
# The library exports the malloc family, the replaceable C++ operators and strata_*: all of them,
# nothing else, so that it can never catch a name that a program or another library means.
# Usage: library_exports_exactly_the_family.sh LIBRARY
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sort > "$work/expected" << 'END'
malloc
free
calloc
realloc
reallocarray
posix_memalign
aligned_alloc
memalign
valloc
pvalloc
malloc_usable_size
free_sized
free_aligned_sized
mallopt
mallinfo
mallinfo2
malloc_info
malloc_stats
malloc_trim
_Znwm
_Znam
_ZnwmRKSt9nothrow_t
_ZnamRKSt9nothrow_t
_ZnwmSt11align_val_t
_ZnamSt11align_val_t
_ZnwmSt11align_val_tRKSt9nothrow_t
_ZnamSt11align_val_tRKSt9nothrow_t
_ZdlPv
_ZdaPv
_ZdlPvm
_ZdaPvm
_ZdlPvRKSt9nothrow_t
_ZdaPvRKSt9nothrow_t
_ZdlPvSt11align_val_t
_ZdaPvSt11align_val_t
_ZdlPvmSt11align_val_t
_ZdaPvmSt11align_val_t
_ZdlPvSt11align_val_tRKSt9nothrow_t
_ZdaPvSt11align_val_tRKSt9nothrow_t
END
nm -D --defined-only "$1" | awk '{print $NF}' | sort > "$work/all"
grep -q '^strata_' "$work/all" || { echo "no strata_* function is exported"; exit 1; }
grep -v '^strata_' "$work/all" > "$work/got" || true
# "-" is missing, "+" is too much.
diff -u "$work/expected" "$work/got" | grep '^[-+][^-+]' && exit 1
exit 0
