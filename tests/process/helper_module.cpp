// A library that is opened and closed by the test opening_and_closing_libraries: it allocates in
// its constructor, in a thread_local, and hands out blocks that outlive it. Two threads have it open
// at once, so what they share is locked.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <vector>

static std::mutex mutex;
static std::vector<std::string> words(100, std::string(100, 'm'));
static thread_local std::vector<int> numbers(50, 3);

extern "C" char* module_block(size_t size) {
  numbers.push_back(1);
  char* block = static_cast<char*>(std::malloc(size));
  if (block != nullptr) std::memset(block, 'b', size);
  const std::lock_guard guard(mutex);
  words.push_back(std::string(300, 'n'));
  return block;
}
extern "C" void module_free(void* block) { std::free(block); }
extern "C" int module_new_fails_well() {
  if (::operator new(PTRDIFF_MAX, std::nothrow) != nullptr) return 0;
  try {
    ::operator delete(::operator new(PTRDIFF_MAX));
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}
