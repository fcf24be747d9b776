// Property: whatever a program does with the malloc family, its blocks stay what they should be.
//
// Idea. RapidCheck makes up a program, a list of steps; it runs beside a shadow map, an ordered map
// from address to what should stand there. After every step the new block is compared with its
// neighbours in the map (overlap, by usable size), and a block that is freed or resized is compared
// byte by byte with its pattern. A program that breaks something is shrunk to its shortest form.
// The map and RapidCheck itself live in the same heap: they are part of the test.
//
// Run with RC_PARAMS="seed=..." (printed on failure) to repeat, or max_success=... for more.
#include <malloc.h>
#include <rapidcheck.h>

#include <cerrno>
#include <map>
#include <vector>

#include "support/memory.h"

namespace {

enum class Act {
  allocate,
  allocate_zeroed,
  allocate_aligned,
  allocate_by_new,
  resize,
  resize_to_zero,
  release,
  release_many,
  trim,
  ask_too_much
};

struct Step {
  Act act;
  size_t size;
  size_t alignment;
  size_t which;  // of the live blocks, modulo their number
};

void showValue(const Step& step, std::ostream& out) {
  static const char* const names[] = {
      "malloc",       "calloc", "posix_memalign", "operator new", "realloc",
      "realloc to 0", "free",   "free many",      "malloc_trim",  "ask too much"};
  out << names[int(step.act)] << "(size " << step.size << ", alignment " << step.alignment
      << ", block " << step.which << ")";
}

// Around every power of two, and everywhere below; large ones seldom, as each costs page faults.
rc::Gen<size_t> sizes() {
  const auto edges =
      rc::gen::apply([](int power, int by) { return (size_t{1} << power) + size_t(by); },
                     rc::gen::inRange(4, 18), rc::gen::inRange(-16, 17));
  return rc::gen::weightedOneOf<size_t>({{10, rc::gen::inRange<size_t>(0, 1100)},
                                         {4, edges},
                                         {3, rc::gen::inRange<size_t>(0, 70000)},
                                         {1, rc::gen::inRange<size_t>(70000, 5000000)}});
}

rc::Gen<Step> steps() {
  const auto acts = rc::gen::weightedElement<Act>({{20, Act::allocate},
                                                   {8, Act::allocate_zeroed},
                                                   {8, Act::allocate_aligned},
                                                   {6, Act::allocate_by_new},
                                                   {16, Act::resize},
                                                   {1, Act::resize_to_zero},
                                                   {30, Act::release},
                                                   {2, Act::release_many},
                                                   {1, Act::trim},
                                                   {1, Act::ask_too_much}});
  const auto alignments =
      rc::gen::map(rc::gen::inRange(3, 19), [](int power) { return size_t{1} << power; });
  return rc::gen::apply(
      [](Act act, size_t size, size_t alignment, size_t which) {
        return Step{act, size, alignment, which};
      },
      acts, sizes(), alignments, rc::gen::inRange<size_t>(0, 10000));
}

class Shadow {
 public:
  ~Shadow() {
    for (const auto& [address, block] : blocks_) drop(address, block);
  }

  void run(const Step& step) {
    switch (step.act) {
      case Act::allocate:
        enter(std::malloc(step.size), step.size, 16, false);
        break;
      case Act::allocate_zeroed: {
        void* block =
            step.size % 3 == 0 ? std::calloc(step.size / 3, 3) : std::calloc(1, step.size);
        RC_ASSERT((block != nullptr));
        RC_ASSERT(is_zero(block, step.size));
        enter(block, step.size, 16, false);
        break;
      }
      case Act::allocate_aligned: {
        void* block = nullptr;
        RC_ASSERT(posix_memalign(&block, step.alignment, step.size) == 0);
        enter(block, step.size, step.alignment, false);
        break;
      }
      case Act::allocate_by_new:
        enter(::operator new(step.size), step.size, 16, true);
        break;
      case Act::resize:
        resize(step);
        break;
      case Act::resize_to_zero:
        if (const auto at = pick(step.which, false); at != blocks_.end()) {
          RC_ASSERT(has_pattern(at->first, at->second.size, at->second.seed));
          RC_ASSERT((std::realloc(at->first, 0) == nullptr));
          blocks_.erase(at);
        }
        break;
      case Act::release:
        release(step.which);
        break;
      case Act::release_many:
        for (size_t i = 0; i < 50; ++i) release(step.which + i * 7);
        break;
      case Act::trim:
        malloc_trim(step.size);
        break;
      case Act::ask_too_much:
        errno = 0;
        RC_ASSERT((std::malloc(size_t(PTRDIFF_MAX) - step.size) == nullptr));
        RC_ASSERT(errno == ENOMEM);
        break;
    }
  }

  void check_all() const {
    for (const auto& [address, block] : blocks_) {
      RC_ASSERT(has_pattern(address, block.size, block.seed));
      RC_ASSERT(malloc_usable_size(address) == block.usable);
    }
  }

 private:
  struct Block {
    size_t size;
    size_t usable;
    size_t seed;
    bool by_new;
  };
  using Blocks = std::map<unsigned char*, Block>;

  void enter(void* pointer, size_t size, size_t alignment, bool by_new) {
    RC_ASSERT((pointer != nullptr));
    auto* const address = static_cast<unsigned char*>(pointer);
    RC_ASSERT(uintptr_t(address) % 16 == 0U);
    RC_ASSERT(uintptr_t(address) % alignment == 0U);
    const size_t usable = malloc_usable_size(address);
    RC_ASSERT(usable >= size);
    const auto after = blocks_.lower_bound(address);
    if (after != blocks_.end()) RC_ASSERT((address + usable <= after->first));
    if (after != blocks_.begin()) {
      const auto before = std::prev(after);
      RC_ASSERT((before->first + before->second.usable <= address));
    }
    fill_pattern(address, size, ++seed_);
    blocks_.emplace(address, Block{size, usable, seed_, by_new});
  }

  // Blocks of operator new may not be resized: pass for_resize.
  Blocks::iterator pick(size_t which, bool by_new_too) {
    if (blocks_.empty()) return blocks_.end();
    auto at = blocks_.begin();
    std::advance(at, which % blocks_.size());
    return at->second.by_new && !by_new_too ? blocks_.end() : at;
  }

  void resize(const Step& step) {
    const auto at = pick(step.which, false);
    if (at == blocks_.end() || step.size == 0) return;
    const auto [old_address, old] = *at;
    blocks_.erase(at);
    auto* const moved = static_cast<unsigned char*>(std::realloc(old_address, step.size));
    RC_ASSERT((moved != nullptr));
    RC_ASSERT(has_pattern(moved, old.size < step.size ? old.size : step.size, old.seed));
    enter(moved, step.size, 16, false);
  }

  static void drop(unsigned char* address, const Block& block) {
    block.by_new ? ::operator delete(address) : std::free(address);
  }
  void release(size_t which) {
    const auto at = pick(which, true);
    if (at == blocks_.end()) return;
    const auto [address, block] = *at;
    RC_ASSERT(has_pattern(address, block.size, block.seed));
    blocks_.erase(at);
    errno = 77;
    drop(address, block);
    RC_ASSERT(errno == 77);
  }

  Blocks blocks_;
  size_t seed_ = 0;
};

}  // namespace

int main() {
  const bool good = rc::check("blocks stay apart, aligned and whole", [] {
    const auto count = *rc::gen::inRange(1, 600);
    const auto program = *rc::gen::container<std::vector<Step>>(size_t(count), steps());
    Shadow shadow;
    for (const Step& step : program) shadow.run(step);
    shadow.check_all();
  });
  return good ? 0 : 1;
}
