// HOLD(condition): ends a property's program with the condition's text. An exception, so that it
// works both inside rc::check, which then shrinks the program, and in a plain test.
#pragma once

#include <stdexcept>
#include <string>

#define HOLD(condition)                                                             \
  do {                                                                              \
    if (!(condition)) {                                                             \
      throw std::logic_error(std::string(__FILE__ ":") + std::to_string(__LINE__) + \
                             ": does not hold: " #condition);                       \
    }                                                                               \
  } while (false)
