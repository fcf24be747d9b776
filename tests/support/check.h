// What every outside test needs: a check that names what it expected, a skip that names its reason.
//
// Idea. Each test is a program of its own: 0 is passed, 1 failed (with one line that says where and
// what), 77 skipped (with the reason). Nothing here allocates, so a test sees only its own blocks.
// A failed check ends the process at once, from any thread, without running exit handlers.
#ifndef STRATA_TESTS_SUPPORT_CHECK_H
#define STRATA_TESTS_SUPPORT_CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { check_exit_failed = 1, check_exit_skipped = 77 };

// One line by one write(2): safe in threads, in a forked child and when memory is out.
__attribute__((noreturn, format(printf, 2, 3))) static inline void check_stop(int status,
                                                                              const char* format,
                                                                              ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length < 0) length = 0;
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  line[length] = '\n';
  if (write(2, line, (size_t)length + 1) < 0) status = check_exit_failed;
  _exit(status);
}

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    if (!(condition))                                                                      \
      check_stop(check_exit_failed, "%s:%d: expected %s", __FILE__, __LINE__, #condition); \
  } while (0)

// For numbers: tells both sides. `context` is a number that says which round it was, say the size.
#define CHECK_EQUAL_AT(context, expected, got)                                               \
  do {                                                                                       \
    const long long check_expected = (long long)(expected), check_got = (long long)(got);    \
    if (check_expected != check_got)                                                         \
      check_stop(check_exit_failed, "%s:%d: %s: expected %lld (%s), got %lld, at %s = %lld", \
                 __FILE__, __LINE__, #got, check_expected, #expected, check_got, #context,   \
                 (long long)(context));                                                      \
  } while (0)
#define CHECK_EQUAL(expected, got)                                                                 \
  do {                                                                                             \
    const long long check_expected = (long long)(expected), check_got = (long long)(got);          \
    if (check_expected != check_got)                                                               \
      check_stop(check_exit_failed, "%s:%d: %s: expected %lld (%s), got %lld", __FILE__, __LINE__, \
                 #got, check_expected, #expected, check_got);                                      \
  } while (0)

#define CHECK_AT_MOST(bound, got)                                                                \
  do {                                                                                           \
    const long long check_bound = (long long)(bound), check_got = (long long)(got);              \
    if (check_got > check_bound)                                                                 \
      check_stop(check_exit_failed, "%s:%d: %s: expected at most %lld (%s), got %lld", __FILE__, \
                 __LINE__, #got, check_bound, #bound, check_got);                                \
  } while (0)

#define CHECK_ALIGNED(alignment, pointer) \
  CHECK_EQUAL_AT(alignment, 0, (uintptr_t)(pointer) % (alignment))

// A call that has to fail for want of memory: NULL, and errno says so.
#define CHECK_OUT_OF_MEMORY(call)            \
  do {                                       \
    errno = 0;                               \
    void* check_result = (call);             \
    const int check_errno = errno;           \
    CHECK_EQUAL(0, (uintptr_t)check_result); \
    CHECK_EQUAL(ENOMEM, check_errno);        \
  } while (0)

#define SKIP(reason) check_stop(check_exit_skipped, "skipped: %s", reason)

#endif
