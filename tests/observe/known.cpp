// A program of known allocations: what it holds, what passes, and what there was in between.
//
//   known [fork|kill|exit|sparse|hold]   how it ends, or what it does; hold: says "ready" and waits
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#define APART [[gnu::noinline, gnu::noclone]]

APART static void* take(size_t size) {
  void* const block = std::malloc(size);
  std::memset(block, 1, size);
  asm volatile("" ::: "memory");
  return block;
}

// 100,000 blocks of 200 bytes, in the class of 208.
APART static void keep_small() {
  for (int i = 0; i < 100'000; ++i) take(200);
  asm volatile("");
}
// As many blocks of 1000 bytes, in the class of 1024, one at a time.
APART static void pass_medium() {
  for (int i = 0; i < 100'000; ++i) std::free(take(1000));
  asm volatile("");
}
// 40 MB in a vector, for a while.
APART static void peak_in_vector() {
  std::vector<int> numbers(10'000'000, 7);
  asm volatile("" : : "r"(numbers.data()) : "memory");
  usleep(1'000'000);  // it is looked for a hundred times a second
}
// 1000 blocks of 65 536 bytes and less, of a thread.
APART static void keep_in_thread() {
  std::thread([] {
    for (int i = 0; i < 100; ++i) take(65'536);
  }).join();
}
APART static void keep_in_child() {
  for (int i = 0; i < 50'000; ++i) take(400);
  asm volatile("");
}

// Slabs of which one block in sixteen is left.
APART static void* take_scattered() { return take(500); }
APART static void leave_sparse() {
  std::vector<void*> blocks;
  for (int i = 0; i < 40'000; ++i) blocks.push_back(take_scattered());
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 16 != 0) std::free(blocks[i]);
  }
}

int main(int count, char** words) {
  const char* const end = count > 1 ? words[1] : "";
  if (std::strcmp(end, "hold") == 0) {
    std::puts("ready");
    std::fflush(stdout);
    std::getchar();
    keep_small();
    leave_sparse();
    std::puts("done");
    std::fflush(stdout);
    std::getchar();
    return 0;
  }
  if (std::strcmp(end, "sparse") == 0) {
    leave_sparse();
    usleep(2'000'000);  // it is looked for five times a second
    return 0;
  }
  keep_small();
  pass_medium();
  peak_in_vector();
  keep_in_thread();
  if (std::strcmp(end, "fork") == 0) {
    const pid_t child = fork();
    if (child == 0) {
      keep_in_child();
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  if (std::strcmp(end, "kill") == 0) std::raise(SIGKILL);
  if (std::strcmp(end, "exit") == 0) _exit(7);
  return 0;
}
