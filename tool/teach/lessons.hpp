// What `strata explain OPTION` and strata(7) say of an option beyond the library's own table.
#pragma once

#include <string>

namespace strata::tool {

struct Lesson {
  const char* option;   // DIRTY_LIMIT
  const char* does;     // what happens
  const char* change;   // when another value is better, and which
  const char* cost;     // what it costs
  const char* example;  // a command line
  const char* shows;    // what the example is for
};

// Null: there is none.
const Lesson* lesson_on(const std::string& option);

}  // namespace strata::tool
