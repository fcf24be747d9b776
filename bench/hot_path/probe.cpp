// probe: warms an allocator up and counts the instructions of single calls into it.
//
// Run with a library preloaded and LD_BIND_NOW=1, so that no counted call passes the dynamic
// linker. "Warm" is the steady state: the same calls have been made, in the same way, some thousand
// times. Prints the file that serves malloc, then per measurement
//   name<TAB>size<TAB>calls<TAB>median<TAB>mean<TAB>atomic read-modify-writes per call
//
// Not here: which counts are good; hot_path.py compares.
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "step_counter.hpp"

namespace hot_path {
namespace {

enum Operation : unsigned {
  malloc_own,
  free_own,
  calloc_own,
  realloc_same,
  realloc_grow,
  free_other,    // this thread frees what another took
  malloc_other,  // this thread takes while another frees what it took: the way back
  operations
};
constexpr const char* operation_names[operations] = {
    "malloc", "free", "calloc", "realloc same", "realloc grow", "free other", "malloc other"};
constexpr std::size_t sizes[] = {32, 200, 1024, 4000, 20000, 100000};
constexpr unsigned size_count = sizeof sizes / sizeof sizes[0];

// The counts of one operation at one size. In static memory: noting one must not allocate.
struct Counts {
  static constexpr unsigned most = 2048;
  StepCount calls[most];
  unsigned count;
};
Counts all_counts[operations][size_count];

struct Family {
  void* malloc;
  void* free;
  void* calloc;
  void* realloc;
};
Family family;

void* probed_call(void* function, std::uintptr_t first, std::uintptr_t second, Operation operation,
                  unsigned index) {
  Counts& counts = all_counts[operation][index];
  return counted_call(function, first, second, counts.calls[counts.count++ % Counts::most]);
}

std::uintptr_t word(void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

void write_to(void* block, std::size_t size) {
  if (block == nullptr) {
    fprintf(stderr, "probe: out of memory at %zu bytes\n", size);
    exit(1);
  }
  static_cast<volatile char*>(block)[0] = 1;
  static_cast<volatile char*>(block)[size - 1] = 1;
}

// Blocks of the size are taken and freed in either order; at last four in five are free, so that
// the lists are filled: the hit path, which nearly all calls take. One in five stays for ever: the
// memory around is in use, as it is in a program.
void warm_up(std::size_t size) {
  constexpr std::size_t count = 40;
  void* blocks[count];
  for (unsigned repeat = 0; repeat < 100; ++repeat) {
    for (void*& block : blocks) write_to(block = malloc(size), size);
    for (std::size_t i = 0; i < count; ++i) free(blocks[repeat % 2 == 0 ? i : count - 1 - i]);
  }
  for (void*& block : blocks) block = malloc(size);
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 5 != 0) free(blocks[i]);
  }
}

void own_thread(unsigned index) {
  const std::size_t size = sizes[index];
  constexpr unsigned repeats = 9;
  warm_up(size);
  for (unsigned n = 0; n < repeats; ++n) {
    void* const block = probed_call(family.malloc, size, 0, malloc_own, index);
    write_to(block, size);
    probed_call(family.free, word(block), 0, free_own, index);
  }
  for (unsigned n = 0; n < repeats; ++n) {
    void* const block = probed_call(family.calloc, 1, size, calloc_own, index);
    write_to(block, size);
    free(block);
  }
  // A few bytes more or less, within every allocator's rounding.
  void* block = malloc(size);
  for (unsigned n = 0; n < repeats; ++n) {
    block = probed_call(family.realloc, word(block), size - (n & 1), realloc_same, index);
    write_to(block, size - 1);
  }
  free(block);
  warm_up(2 * size);
  for (unsigned n = 0; n < repeats; ++n) {
    block = malloc(size);
    write_to(block, size);
    block = probed_call(family.realloc, word(block), 2 * size, realloc_grow, index);
    write_to(block, 2 * size);
    free(block);
  }
}

constexpr std::size_t most_blocks = 256;
void* handed[most_blocks];
std::size_t handed_count;
std::size_t handed_size;
enum class Task { take, free, end } task;
sem_t asked;
sem_t answered;

void* other_thread(void*) {
  for (;;) {
    sem_wait(&asked);
    if (task == Task::end) return nullptr;
    for (std::size_t i = 0; i < handed_count; ++i) {
      if (task == Task::take) {
        write_to(handed[i] = malloc(handed_size), handed_size);
      } else {
        free(handed[i]);
      }
    }
    sem_post(&answered);
  }
}

void ask_other(Task what) {
  task = what;
  sem_post(&asked);
  sem_wait(&answered);
}

// Batches go over again and again; the last rounds are probed.
void other_threads(unsigned index) {
  handed_size = sizes[index];
  handed_count = handed_size <= 4096 ? most_blocks : 128;
  constexpr unsigned warm = 20;
  const unsigned probed = handed_size <= 4096 ? 2 : 1;
  for (unsigned n = 0; n < warm + probed; ++n) {
    ask_other(Task::take);
    for (std::size_t i = 0; i < handed_count; ++i) {
      if (n < warm) {
        free(handed[i]);
      } else {
        probed_call(family.free, word(handed[i]), 0, free_other, index);
      }
    }
  }
  for (unsigned n = 0; n < warm + probed; ++n) {
    for (std::size_t i = 0; i < handed_count; ++i) {
      handed[i] = n < warm ? malloc(handed_size)
                           : probed_call(family.malloc, handed_size, 0, malloc_other, index);
      write_to(handed[i], handed_size);
    }
    ask_other(Task::free);
  }
}

void print(const char* name, std::size_t size, Counts& counts) {
  const unsigned calls = std::min(counts.count, Counts::most);
  double instructions = 0;
  double atomics = 0;
  for (unsigned i = 0; i < calls; ++i) {
    if (!counts.calls[i].complete) {
      fprintf(stderr, "probe: %s %zu does not end when it is stepped\n", name, size);
      return;
    }
    instructions += double(counts.calls[i].instructions);
    atomics += double(counts.calls[i].atomics);
  }
  std::sort(counts.calls, counts.calls + calls,
            [](const StepCount& a, const StepCount& b) { return a.instructions < b.instructions; });
  printf("%s\t%zu\t%u\t%lu\t%.2f\t%.4f\n", name, size, calls, counts.calls[calls / 2].instructions,
         instructions / calls, atomics / calls);
}

}  // namespace
}  // namespace hot_path

int main() {
  using namespace hot_path;
  prepare_to_count();
  family = {dlsym(RTLD_DEFAULT, "malloc"), dlsym(RTLD_DEFAULT, "free"),
            dlsym(RTLD_DEFAULT, "calloc"), dlsym(RTLD_DEFAULT, "realloc")};
  Dl_info info;
  if (dladdr(family.malloc, &info) != 0) {
    printf("allocator %s\n", info.dli_fname);
    fflush(stdout);
  }
  for (unsigned index = 0; index < size_count; ++index) own_thread(index);
  sem_init(&asked, 0, 0);
  sem_init(&answered, 0, 0);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, other_thread, nullptr) != 0) return 1;
  for (unsigned index = 0; index < size_count; ++index) other_threads(index);
  task = Task::end;
  sem_post(&asked);
  pthread_join(thread, nullptr);
  for (unsigned operation = 0; operation < operations; ++operation) {
    for (unsigned index = 0; index < size_count; ++index) {
      print(operation_names[operation], sizes[index], all_counts[operation][index]);
    }
  }
  return 0;
}
