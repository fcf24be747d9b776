/* What c_kernel.c and the test around it tell each other. */
#ifndef C_KERNEL_H
#define C_KERNEL_H

#include "strata/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The last problem that the machine was told of. */
struct observed {
  enum strata_problem problem;
  uintptr_t where;
};

/* 0, or the check that failed, with its line. */
const char* run_c_kernel(const struct strata_machine* machine, uintptr_t window,
                         size_t window_bytes, const struct observed* observed);

#ifdef __cplusplus
}
#endif
#endif
