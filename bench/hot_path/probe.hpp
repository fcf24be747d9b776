// What counter and probe agree on: the marks around a probed call.
//
// The probe calls an allocator's function between two breakpoints. At the first one register rbx
// holds the number of the measurement and rax the function's address; the counter then single-steps
// until the second. x86-64 only.
//
//      int3          counter: reads rbx, steps on
//      call *%rax    not counted: the caller's
//      ...           counted, the callee's ret included
//      int3          counter: stores the count, lets the probe run
#pragma once

#include <cstddef>

namespace hot_path {

enum Operation : unsigned {
  malloc_own, free_own, calloc_own, realloc_same, realloc_grow,
  free_other,    // this thread frees what another took
  malloc_other,  // this thread takes while another frees what it took: the way back
  operations
};
inline constexpr const char* operation_names[operations] = {
    "malloc", "free", "calloc", "realloc same", "realloc grow", "free other", "malloc other"};
inline constexpr std::size_t sizes[] = {32, 200, 1024, 4000, 20000, 100000};
inline constexpr unsigned size_count = sizeof sizes / sizeof sizes[0];

constexpr unsigned measurement(unsigned operation, unsigned size) {
  return operation * size_count + size;
}
inline constexpr unsigned measurements = operations * size_count;

}  // namespace hot_path
