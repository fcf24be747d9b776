// thread_local objects allocate and free while their thread ends, and so does the main thread's.
#include "support/memory.h"

#include <string>
#include <thread>
#include <vector>

struct Last {
  std::vector<std::string> words;
  ~Last() {
    CHECK_EQUAL(1, words.size());
    words.clear();
    for (int i = 0; i < 200; ++i) words.push_back(std::string(size_t(i) * 20, 'x'));
    for (size_t i = 0; i < 200; ++i) CHECK_EQUAL(i * 20, words[i].size());
    char* block = new char[100000];
    memset(block, 1, 100000);
    delete[] block;
  }
};
thread_local Last first, second;

int main() {
  for (int i = 0; i < 300; ++i) {
    std::thread thread([] {
      first.words.push_back("one");
      second.words.push_back("two");
    });
    thread.join();
  }
  first.words.push_back("three");
  second.words.push_back("four");
}
