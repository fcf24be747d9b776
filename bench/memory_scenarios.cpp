// Memory scenarios: small programs whose resident memory tells what an allocator keeps.
//
// memory_scenarios NAME [REPLACEMENTS] prints figures as "name value" lines, in KiB unless the name
// says otherwise. Run it under each allocator with LD_PRELOAD; bench/runner/memory.py does that.
// REPLACEMENTS shortens `sparse` for a quick look; figures that are compared use the 10 million.
//
//   start         one malloc(32): the process's resident memory
//   idle_threads  200 threads allocate and free 1000 blocks of up to 2 KB each and stay: KiB each
//   idle_owners   16 threads allocate 40 MB each and idle; main frees it all: what is left
//   sparse        148 MB of mixed sizes, 10 million random replacements: resident / requested;
//                 then a random 90% freed: left after 2 s; then all freed: left after 2 s
//   burst         256 MB of blocks from 64 KiB to 4 MiB, freed: left after 2 s
//   realloc       one block grown in 1 KB steps to 40 MB: milliseconds
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmath>

namespace {

long resident_kib() {
  char buffer[256];
  const int file = open("/proc/self/statm", O_RDONLY);
  const ssize_t length = read(file, buffer, sizeof buffer - 1);
  close(file);
  buffer[length > 0 ? length : 0] = 0;
  long total = 0;
  long resident = 0;
  sscanf(buffer, "%ld %ld", &total, &resident);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

double milliseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
}

void pause_ms(long ms) {
  const timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

struct Random {
  unsigned long state;
  unsigned long next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  double unit() { return double(next() >> 11) / double(1UL << 53); }
};

// Sizes from 16 bytes to 64 KiB, most of them small: a power of two is the likelier the smaller it
// is. The exponent is chosen so that 200,000 sizes sum to 154 MB. Drawn once into a table, so that
// no logarithm stands between the calls that are timed.
class SkewedSizes {
 public:
  explicit SkewedSizes(Random& random) {
    for (unsigned& size : table_) {
      const double u = pow(random.unit() * random.unit(), 1.24);
      size = unsigned(16 * exp(u * log(65536.0 / 16)));
    }
  }
  size_t draw(Random& random) const { return table_[random.next() >> 48]; }

 private:
  unsigned table_[65536];
};

size_t replacements = 10000000;
void* volatile sink;

void touch(void* block, size_t size) {
  for (size_t i = 0; i < size; i += 4096) static_cast<volatile char*>(block)[i] = 1;
  if (size != 0) static_cast<volatile char*>(block)[size - 1] = 1;
}

pthread_barrier_t barrier;
pthread_mutex_t forever = PTHREAD_MUTEX_INITIALIZER;

void start() {
  sink = malloc(32);
  printf("resident %ld\n", resident_kib());
}

void* idle_worker(void* seed) {
  Random random{size_t(seed) * 7919 + 12345};
  void* blocks[1000];
  for (void*& block : blocks) {
    const size_t size = 1 + random.next() % 2048;
    block = malloc(size);
    touch(block, size);
  }
  for (void* block : blocks) free(block);
  pthread_barrier_wait(&barrier);
  pthread_mutex_lock(&forever);
  pthread_mutex_unlock(&forever);
  return nullptr;
}

void idle_threads() {
  constexpr int count = 200;
  pthread_barrier_init(&barrier, nullptr, count + 1);
  pthread_mutex_lock(&forever);
  const long before = resident_kib();
  static pthread_t threads[count];
  for (long i = 0; i < count; ++i) {
    pthread_create(&threads[i], nullptr, idle_worker, reinterpret_cast<void*>(i + 1));
  }
  pthread_barrier_wait(&barrier);
  pause_ms(1000);
  printf("per_thread %.1f\n", double(resident_kib() - before) / count);
  pthread_mutex_unlock(&forever);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  printf("after_join %ld\n", resident_kib() - before);
}

constexpr int producers = 16;
constexpr size_t produced = 100000;
void** produced_by[producers];

void* producer(void* index) {
  void** blocks = produced_by[size_t(index)];
  for (size_t i = 0; i < produced; ++i) {
    blocks[i] = malloc(400);
    memset(blocks[i], 1, 400);
  }
  pthread_barrier_wait(&barrier);
  pthread_mutex_lock(&forever);
  pthread_mutex_unlock(&forever);
  return nullptr;
}

void idle_owners() {
  pthread_barrier_init(&barrier, nullptr, producers + 1);
  pthread_mutex_lock(&forever);
  for (void**& blocks : produced_by) {
    blocks = static_cast<void**>(malloc(produced * sizeof(void*)));
    memset(blocks, 0, produced * sizeof(void*));
  }
  const long before = resident_kib();
  pthread_t threads[producers];
  for (size_t i = 0; i < producers; ++i) {
    pthread_create(&threads[i], nullptr, producer, reinterpret_cast<void*>(i));
  }
  pthread_barrier_wait(&barrier);
  printf("live %ld\n", resident_kib() - before);
  for (void** blocks : produced_by) {
    for (size_t i = 0; i < produced; ++i) free(blocks[i]);
  }
  printf("left %ld\n", resident_kib() - before);
  pause_ms(1500);
  for (int i = 0; i < 1000; ++i) free(malloc(100));
  printf("left_later %ld\n", resident_kib() - before);
  pthread_mutex_unlock(&forever);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

void sparse() {
  constexpr size_t count = 200000;
  static void* blocks[count];
  static size_t sizes[count];
  Random random{88172645463325252UL};
  static const SkewedSizes skewed(random);
  // Bookkeeping is touched first, so that it is not taken for the allocator's memory.
  memset(blocks, 1, sizeof blocks);
  memset(sizes, 1, sizeof sizes);
  const long before = resident_kib();
  size_t requested = 0;
  const auto fill = [&](size_t i) {
    sizes[i] = skewed.draw(random);
    blocks[i] = malloc(sizes[i]);
    memset(blocks[i], 1, sizes[i]);
    requested += sizes[i];
  };
  for (size_t i = 0; i < count; ++i) fill(i);
  const double begin = milliseconds();
  for (size_t n = 0; n < replacements; ++n) {
    const size_t i = random.next() % count;
    requested -= sizes[i];
    free(blocks[i]);
    sizes[i] = skewed.draw(random);
    blocks[i] = malloc(sizes[i]);
    touch(blocks[i], sizes[i]);
    requested += sizes[i];
  }
  printf("replace_ms %.0f\n", milliseconds() - begin);
  printf("requested %zu\n", requested / 1024);
  printf("resident %ld\n", resident_kib() - before);
  printf("ratio_percent %.1f\n",
         100.0 * double(resident_kib() - before) / (double(requested) / 1024));
  for (size_t i = 0; i < count; ++i) {
    if (random.next() % 10 != 0) {
      requested -= sizes[i];
      free(blocks[i]);
      blocks[i] = nullptr;
    }
  }
  pause_ms(2000);
  printf("live_after_90 %zu\n", requested / 1024);
  printf("left_after_90 %ld\n", resident_kib() - before);
  for (void*& block : blocks) free(block);
  pause_ms(2000);
  printf("left_after_all %ld\n", resident_kib() - before);
}

void burst() {
  Random random{99};
  static void* blocks[4096];
  const long before = resident_kib();
  size_t total = 0;
  int count = 0;
  while (total < 256UL << 20) {
    const size_t size = size_t(65536 * exp(random.unit() * log(64.0)));
    blocks[count] = malloc(size);
    memset(blocks[count++], 1, size);
    total += size;
  }
  printf("live %ld\n", resident_kib() - before);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  pause_ms(2000);
  printf("left %ld\n", resident_kib() - before);
}

void grow() {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double begin = milliseconds();
    char* block = nullptr;
    for (size_t size = 1000; size < 40000000; size += 1000) {
      block = static_cast<char*>(realloc(block, size));
      block[size - 1] = 1;
    }
    free(block);
    const double took = milliseconds() - begin;
    if (took < best) best = took;
  }
  printf("best_ms %.1f\n", best);
}

struct Scenario {
  const char* name;
  void (*run)();
};
constexpr Scenario scenarios[] = {{"start", start},
                                  {"idle_threads", idle_threads},
                                  {"idle_owners", idle_owners},
                                  {"sparse", sparse},
                                  {"burst", burst},
                                  {"realloc", grow}};

}  // namespace

int main(int count, char** arguments) {
  for (const Scenario& scenario : scenarios) {
    if (count >= 2 && strcmp(arguments[1], scenario.name) == 0) {
      if (count == 3) replacements = strtoul(arguments[2], nullptr, 10);
      scenario.run();
      return 0;
    }
  }
  fprintf(stderr, "usage: memory_scenarios NAME [REPLACEMENTS]\n");
  for (const Scenario& scenario : scenarios) fprintf(stderr, "  %s\n", scenario.name);
  return 2;
}
