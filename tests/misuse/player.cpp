// Plays programs of steps: correct ones, and ones with an error in them. Run under a preloaded
// allocator; see step.hpp.
//
//   player < STEPS                 plays the steps, frees what is left, ends
//   player --random SEED COUNT     the same with steps of its own that are all correct
//
// Steps of other threads are theirs to do, but one at a time: a program does the same each time.
// Whatever is allocated is filled, and looked at before it is freed: nobody else may have written
// there. What the player itself knows stands in static memory.
//
// Says on the standard output "did ACT ADDRESS SIZE" before an error is made, or "moot" when there
// is no block to make it with, and "whole" when all blocks were to the end what they should be.
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "misuse/step.hpp"

extern "C" __attribute__((weak)) void free_sized(void* block, std::size_t size);

namespace {

enum class Family : std::uint8_t { malloc, one, array };

struct Block {
  unsigned char* address = nullptr;
  std::size_t size = 0;
  Family family = Family::malloc;
};

constexpr unsigned most_blocks = 400;
constexpr unsigned most_freed = 64;
constexpr std::size_t most_steps = std::size_t{1} << 16;

Block blocks[most_blocks];
unsigned block_count;
Block freed[most_freed];  // a ring: the last ones that were freed
unsigned freed_count;
Step steps[most_steps];
char a_global[256] = "a global";

void say(const char* text) {
  if (write(STDOUT_FILENO, text, std::strlen(text)) < 0) _exit(3);
}
[[noreturn]] void fail(const char* what) {
  say(what);
  _exit(4);
}

// Where the block is written: the whole of a small one, of a large one both ends of each page.
template <class Visit>
void for_each_byte(const Block& block, Visit visit) {
  for (std::size_t i = 0; i < block.size; ++i) {
    if (i >= 2048 && i + 64 < block.size && i % 4096 >= 16)
      i += 4096 - i % 4096 - 1;
    else
      visit(i);
  }
}
unsigned char pattern(const Block& block, std::size_t i) {
  return static_cast<unsigned char>(mix(reinterpret_cast<std::uintptr_t>(block.address) + i) | 1);
}
void fill(const Block& block) {
  for_each_byte(block, [&](std::size_t i) { block.address[i] = pattern(block, i); });
}
void look_at(const Block& block) {
  for_each_byte(block, [&](std::size_t i) {
    if (block.address[i] != pattern(block, i)) fail("a block was written to by somebody else\n");
  });
}

void add(void* address, std::size_t size, Family family) {
  if (address == nullptr) fail("out of memory\n");
  Block& block = blocks[block_count++];
  block = {static_cast<unsigned char*>(address), size, family};
  fill(block);
}

void* hidden(void* pointer) {
  __asm__ volatile("" : "+r"(pointer));
  return pointer;
}

void give_back(void* pointer, std::size_t size, Family family, bool sized) {
  pointer = hidden(pointer);
  switch (family) {
    case Family::malloc:
      if (sized && free_sized != nullptr) return free_sized(pointer, size);
      return std::free(pointer);
    case Family::one:
      return sized ? ::operator delete(pointer, size) : ::operator delete(pointer);
    case Family::array:
      return sized ? ::operator delete[](pointer, size) : ::operator delete[](pointer);
  }
}

void release(unsigned at, bool sized) {
  const Block block = blocks[at];
  look_at(block);
  blocks[at] = blocks[--block_count];
  freed[freed_count++ % most_freed] = block;
  give_back(block.address, block.size, block.family, sized);
}

void resize(unsigned at, std::size_t size) {
  Block& block = blocks[at];
  look_at(block);
  const Block before = block;
  auto* const moved = static_cast<unsigned char*>(std::realloc(hidden(block.address), size + 1));
  if (moved == nullptr) fail("out of memory\n");
  Block kept = {before.address, before.size < size ? before.size : size, before.family};
  for_each_byte(kept, [&](std::size_t i) {
    if (i < 2048 && moved[i] != pattern(before, i)) fail("realloc changed the contents\n");
  });
  if (moved != before.address) freed[freed_count++ % most_freed] = before;
  block = {moved, size + 1, Family::malloc};
  fill(block);
}

// A block of at least the size that was freed and whose place nobody has got since; address null:
// there is none.
Block free_one(unsigned which, std::size_t least) {
  const unsigned known = freed_count < most_freed ? freed_count : most_freed;
  for (unsigned i = 0; i < known; ++i) {
    const Block& block = freed[(freed_count - 1 - (which + i) % known) % most_freed];
    if (block.size < least) continue;
    const unsigned char* const end = block.address + (block.size == 0 ? 1 : block.size);
    bool used = false;
    for (unsigned k = 0; k < block_count && !used; ++k) {
      const unsigned char* const other_end =
          blocks[k].address + (blocks[k].size == 0 ? 1 : blocks[k].size);
      used = blocks[k].address < end && block.address < other_end;
    }
    if (!used) return block;
  }
  return {};
}
// A live one of at least the size.
unsigned live_one(unsigned which, std::size_t least) {
  for (unsigned i = 0; i < block_count; ++i) {
    const unsigned at = (which + i) % block_count;
    if (blocks[at].size >= least) return at;
  }
  return most_blocks;
}

void tell(const Step& step, const void* address, std::size_t size) {
  char line[100];
  std::snprintf(line, sizeof line, "did %u %lx %zu\n", unsigned(step.act),
                reinterpret_cast<unsigned long>(address), size);
  say(line);
}

void* foreign(unsigned which, char* local) {
  switch (which % 4) {
    case 0:
      return local + (which >> 2) % 48;
    case 1:
      return a_global + (which >> 2) % 200;
    case 2: {
      void* const mapped =
          mmap(nullptr, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      return static_cast<char*>(mapped) + (which >> 2) % 4096;
    }
    default:
      return reinterpret_cast<void*>((mix(which) & 0x3fffffffffffU) | 0x400000000000U);
  }
}

void err_with_freed(const Step& step) {
  const bool reads = step.act == Act::read_large_freed;
  const std::size_t least = reads ? largest_cleared + 1 : step.act == Act::write_freed ? 1 : 0;
  const Block block = free_one(step.which, least);
  if (block.address == nullptr) return say("moot\n");
  unsigned char* at = block.address;
  if (step.act == Act::write_freed) at += step.size % block.size;
  tell(step, at, block.size);
  switch (step.act) {
    case Act::free_again:
      return give_back(block.address, block.size, block.family, step.size % 4 == 0);
    case Act::resize_freed:
      if (std::realloc(hidden(block.address), step.size % 1000 + 1) != nullptr) say("got\n");
      return;
    case Act::size_of_freed:
      if (malloc_usable_size(hidden(block.address)) != 0) say("got\n");
      return;
    case Act::write_freed: {
      volatile unsigned char* const byte = at;
      *byte = static_cast<unsigned char>(*byte ^ (1 + step.which % 255));
      return;
    }
    default:
      if (static_cast<volatile unsigned char*>(at)[block.size / 2] == 255) say("read\n");
  }
}

void err_with_live(const Step& step) {
  const bool inside = step.act == Act::free_inside || step.act == Act::resize_inside;
  const unsigned which = live_one(step.which, inside ? 2 : 1);
  if (which == most_blocks) return say("moot\n");
  const Block block = blocks[which];
  unsigned char* at = block.address;
  if (inside) {
    // Half of them aligned as blocks are.
    std::size_t offset = 1 + step.size % (block.size - 1);
    if (step.which % 2 == 0 && offset >= 16) offset -= offset % 16;
    at += offset;
  }
  if (step.act == Act::free_as_size && block.family == Family::malloc && free_sized == nullptr) {
    return say("moot\n");
  }
  tell(step, at, block.size);
  const bool goes = step.act == Act::free_as_other || step.act == Act::free_as_size;
  if (goes) blocks[which] = blocks[--block_count];
  switch (step.act) {
    case Act::free_inside:
      return std::free(hidden(at));
    case Act::resize_inside:
      if (std::realloc(hidden(at), step.size % 1000 + 1) != nullptr) say("got\n");
      return;
    case Act::free_as_other: {
      const auto other = Family((unsigned(block.family) + 1 + step.size % 2) % 3);
      return give_back(block.address, block.size, other, false);
    }
    case Act::free_as_size: {
      const std::size_t said = step.size % 2 == 0 ? block.size + 1 + step.which : block.size / 2;
      return give_back(block.address, said, block.family, true);
    }
    default: {
      volatile unsigned char* const behind = at + block.size;
      *behind = static_cast<unsigned char>(*behind ^ (1 + step.which % 255));
    }
  }
}

void play(const Step& step) {
  if (step.act == Act::free_foreign) {
    char local[64];
    void* const pointer = hidden(foreign(step.which, local));
    tell(step, pointer, 0);
    return std::free(pointer);
  }
  if (is_error(step.act)) {
    const bool of_freed = step.act == Act::free_again || step.act == Act::resize_freed ||
                          step.act == Act::size_of_freed || step.act == Act::write_freed ||
                          step.act == Act::read_large_freed;
    return of_freed ? err_with_freed(step) : err_with_live(step);
  }
  const bool allocates = step.act < Act::resize;
  if (allocates && block_count == most_blocks) return release(step.which % block_count, false);
  if (!allocates && step.act != Act::trim && block_count == 0) return;
  switch (step.act) {
    case Act::allocate:
      return add(std::malloc(step.size), step.size, Family::malloc);
    case Act::allocate_zeroed: {
      auto* const block = static_cast<unsigned char*>(std::calloc(1, step.size));
      const Block all = {block, step.size, Family::malloc};
      for_each_byte(all, [&](std::size_t i) {
        if (block[i] != 0) fail("calloc gave bytes that are not zero\n");
      });
      return add(block, step.size, Family::malloc);
    }
    case Act::allocate_aligned: {
      const std::size_t alignment = std::size_t{8} << step.which % 12;
      void* block = nullptr;
      if (posix_memalign(&block, alignment, step.size) != 0) fail("out of memory\n");
      if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) fail("not aligned\n");
      return add(block, step.size, Family::malloc);
    }
    case Act::allocate_by_new:
      return add(::operator new(step.size), step.size, Family::one);
    case Act::allocate_array_by_new:
      return add(::operator new[](step.size), step.size, Family::array);
    case Act::resize: {
      const unsigned at = step.which % block_count;
      if (blocks[at].family == Family::malloc) return resize(at, step.size);
      return release(at, false);
    }
    case Act::release:
      return release(step.which % block_count, step.size % 4 == 0);
    default:
      malloc_trim(step.size);
  }
}

// The other threads.
struct Other {
  pthread_t thread;
  sem_t asked, done;
  Step step;
  bool end;
};
Other others[thread_count];

void* serve(void* argument) {
  auto& other = *static_cast<Other*>(argument);
  for (;;) {
    sem_wait(&other.asked);
    if (other.end) return nullptr;
    play(other.step);
    sem_post(&other.done);
  }
}
void start_others() {
  for (unsigned i = 1; i < thread_count; ++i) {
    sem_init(&others[i].asked, 0, 0);
    sem_init(&others[i].done, 0, 0);
    if (pthread_create(&others[i].thread, nullptr, serve, &others[i]) != 0) fail("no thread\n");
  }
}
void play_by(const Step& step) {
  const unsigned by = step.by % thread_count;
  if (by == 0) return play(step);
  others[by].step = step;
  sem_post(&others[by].asked);
  sem_wait(&others[by].done);
}
void end_others() {
  for (unsigned i = 1; i < thread_count; ++i) {
    others[i].end = true;
    sem_post(&others[i].asked);
    pthread_join(others[i].thread, nullptr);
  }
}

Step random_step(std::uint64_t seed, std::uint64_t at) {
  const std::uint64_t one = mix(seed ^ mix(at));
  const std::uint64_t two = mix(one);
  // As many blocks are freed as are allocated, in waves.
  const bool grows = at / 1024 % 2 == 0;
  const unsigned act = one % 32;
  Step step;
  step.act = act < (grows ? 18U : 11U) ? Act(act % 5) : act < 24 ? Act::resize : Act::release;
  if ((one >> 8) % 8192 == 0) step.act = Act::trim;
  step.by = std::uint8_t(mix(at / 64));  // in turns, because a switch costs more than a step
  step.which = std::uint16_t(one >> 40);
  step.size = plausible_size(two);
  return step;
}

}  // namespace

int main(int count, char** arguments) {
  start_others();
  if (count == 4 && std::strcmp(arguments[1], "--random") == 0) {
    const std::uint64_t seed = std::strtoull(arguments[2], nullptr, 10);
    const std::uint64_t wanted = std::strtoull(arguments[3], nullptr, 10);
    for (std::uint64_t at = 0; at < wanted; ++at) play_by(random_step(seed, at));
  } else if (count == 1) {
    auto* const memory = reinterpret_cast<char*>(steps);
    std::size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < sizeof steps; length += std::size_t(got)) {
      got = read(STDIN_FILENO, memory + length, sizeof steps - length);
      if (got < 0) fail("cannot read the steps\n");
    }
    for (std::size_t at = 0; at < length / sizeof(Step); ++at) {
      steps[at].act = Act(unsigned(steps[at].act) % act_count);
      play_by(steps[at]);
    }
  } else {
    fail("usage: player < STEPS, or player --random SEED COUNT\n");
  }
  while (block_count != 0) release(block_count - 1, false);
  end_others();
  say("whole\n");
  return 0;
}
