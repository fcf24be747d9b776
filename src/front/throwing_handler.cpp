// Calling a new handler that may throw, for the nothrow forms of operator new: they promise null.
//
// The one file that catches. It is built with exceptions, yet the library still loads without a C++
// runtime: the three functions a catch needs are weak. Where they are missing there is no handler
// either, and nothing to throw.
#include <new>

#include "front/throwing_handler.hpp"

asm(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch");

namespace strata::front {

bool returns_without_throwing(std::new_handler handler) {
  try {
    handler();
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace strata::front
