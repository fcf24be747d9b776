/* The root of the image that size_of_all.sh weighs: it names every function that a kernel may call,
 * so that the linker keeps them all, and nothing else.
 */
#include "strata/kernel.h"
#include "strata/strata.h"

/* operator new and delete, of one and of arrays, with a size, with an alignment */
void *_Znwm(size_t), *_Znam(size_t), *_ZnwmSt11align_val_t(size_t, size_t);
void _ZdlPv(void*), _ZdaPv(void*), _ZdlPvm(void*, size_t), _ZdlPvSt11align_val_t(void*, size_t);

typedef void (*any)(void);
#define ANY(function) (any) function

__attribute__((used, section(".roots"))) const any all_of_strata[] = {
    ANY(strata_kernel_start),
    ANY(strata_problem_text),
    ANY(strata_thread_area_bytes),
    ANY(strata_thread_area_build),
    ANY(strata_heap_start),
    ANY(strata_frames_add),
    ANY(strata_frames_offline),
    ANY(strata_frames_remove),
    ANY(strata_frames_drain),
    ANY(strata_frame_get),
    ANY(strata_frame_put),
    ANY(strata_frames_get),
    ANY(strata_frames_put),
    ANY(strata_frames_free),
    ANY(strata_range_get),
    ANY(strata_range_reserve),
    ANY(strata_range_commit),
    ANY(strata_range_decommit),
    ANY(strata_range_resize),
    ANY(strata_range_put),
    ANY(strata_ranges_settle),
    ANY(strata_malloc),
    ANY(strata_calloc),
    ANY(strata_realloc),
    ANY(strata_aligned_alloc),
    ANY(strata_free),
    ANY(strata_usable_size),
    ANY(strata_trim),
    ANY(_Znwm),
    ANY(_Znam),
    ANY(_ZnwmSt11align_val_t),
    ANY(_ZdlPv),
    ANY(_ZdaPv),
    ANY(_ZdlPvm),
    ANY(_ZdlPvSt11align_val_t),
};
