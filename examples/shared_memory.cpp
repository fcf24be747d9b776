// A region in memory that two processes map at different addresses, one of which is killed inside.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "platform/linux/shared_lock.hpp"
#include "strata/region.hpp"

struct Shared : strata::DefaultPolicy {
  using Lock = strata::SharedLock;          // tells when its holder died
  static constexpr bool self_based = true;  // links count from the region itself
};
using SharedRegion = strata::Region<Shared>;

int main() {
  constexpr std::size_t bytes = 1 << 20;
  const int file = memfd_create("shared", 0);
  if (file < 0 || ftruncate(file, bytes) != 0) return 1;
  const auto map = [&] {
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  };

  void* here = map();
  SharedRegion* region = SharedRegion::create(here, bytes);
  if (region == nullptr || !region->lock().init()) return 1;
  // What is handed over is a distance, never a pointer.
  auto* letter = static_cast<char*>(region->allocate(64));
  const std::size_t place = std::size_t(letter - static_cast<char*>(here));

  const pid_t child = fork();
  if (child == 0) {
    void* there = map();
    SharedRegion* same = SharedRegion::attach(there);
    if (same == nullptr) _exit(1);
    std::snprintf(static_cast<char*>(there) + place, 64, "written at another address");
    same->lock().lock();  // and now the worst moment to die
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::printf("letter: %s\n", letter);
  void* block = region->allocate(100);
  std::printf("after its death: %s, %u death seen, check: %s\n",
              block != nullptr ? "serves" : "refuses", region->lock().deaths(),
              strata::region_error_name(region->check().error));
}
