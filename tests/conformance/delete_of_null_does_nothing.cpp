// Every form of operator delete takes null.
#include <cstddef>
#include <new>

int main() {
  constexpr std::align_val_t page{4096};
  ::operator delete(nullptr);
  ::operator delete[](nullptr);
  ::operator delete (nullptr, std::size_t{16});
  ::operator delete[](nullptr, std::size_t{16});
  ::operator delete(nullptr, std::nothrow);
  ::operator delete[](nullptr, std::nothrow);
  ::operator delete(nullptr, page);
  ::operator delete[](nullptr, page);
  ::operator delete (nullptr, std::size_t{16}, page);
  ::operator delete[](nullptr, std::size_t{16}, page);
  ::operator delete(nullptr, page, std::nothrow);
  ::operator delete[](nullptr, page, std::nothrow);
}
