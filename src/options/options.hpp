// Options: read once from the environment, before the heap's first slow path.
//
// Values have units (64KiB, 500ms, on). An unknown name or a bad value is answered by one warning
// line with the nearest name, and changes nothing. In programs that run with more rights than their
// user (set-uid) only STRATA_MODE counts, and only to make them stricter.
#pragma once

#include "base/units.hpp"

namespace strata::options {

struct Values {
  bool stats_at_exit = false;
  bool verbose = false;
  bool observe = false;
  // Path of the file that `strata run` made for those it observes, or null.
  const char* board = nullptr;
};
extern Values values;

// Writes one line of text, newline included.
using Writer = void (*)(const char* text, size_t length) noexcept;

// Applies every variable STRATA_* of the environment to the settings of the storeys and to
// `values`. Entries are "NAME=value" strings, the last one null. Does not allocate.
void read_environment(char** environment, Writer warn) noexcept;

// The same for a program that runs with more rights than its user.
void read_secure_environment(char** environment, Writer warn) noexcept;

// Applies one option; false when the name is unknown or the value is bad. `name` without prefix.
enum class Result { applied, unknown_name, bad_value };
Result apply(const char* name, const char* value) noexcept;

// Calls visit(name, kind, default_value, help) for each option.
using Visitor = void (*)(const char* name, const char* kind, const char* default_value,
                         const char* help, void* context);
void for_each(Visitor visit, void* context) noexcept;

}  // namespace strata::options
