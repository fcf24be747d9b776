// The family's calls that ask about the heap or tune it: mallinfo, malloc_info, malloc_stats,
// malloc_trim, mallopt. What they say is true of Strata's heap.
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/print.hpp"
#include "front/export.hpp"
#include "front/process.hpp"
#include "heap/heap.hpp"
#include "heap/statistics.hpp"

namespace heap = strata::heap;
using strata::Line;

namespace {

void write(int file, const Line& line) noexcept {
  const int error = errno;
  // A line that cannot be written has no reader.
  [[maybe_unused]] const ssize_t written = ::write(file, line.c_str(), line.length());
  errno = error;
}

heap::Statistics collected() noexcept {
  heap::Statistics statistics;
  heap::collect(statistics);
  return statistics;
}

}  // namespace

namespace strata::front {

void print_statistics(int file) noexcept {
  const heap::Statistics s = collected();
  write(file, Line()
                  .text("strata: live ")
                  .size(s.live_bytes())
                  .text(" (small ")
                  .size(s.small_live_bytes)
                  .text(", large ")
                  .size(s.large_bytes)
                  .text(" in ")
                  .number(s.large_blocks)
                  .text(", huge ")
                  .size(s.huge_bytes)
                  .text(" in ")
                  .number(s.huge_blocks)
                  .text(")\n"));
  write(file, Line()
                  .text("strata: free in slabs ")
                  .size(s.small_free_bytes)
                  .text(", waiting for purge ")
                  .size(s.dirty_bytes)
                  .text(", metadata ")
                  .size(s.metadata_bytes)
                  .text("\n"));
  write(file, Line()
                  .text("strata: committed ")
                  .size(s.committed_bytes)
                  .text(" of ")
                  .size(s.reserved_bytes)
                  .text(", purged ")
                  .size(s.purged_bytes)
                  .text(" in ")
                  .number(s.purges)
                  .text(" calls, threads ")
                  .number(s.threads)
                  .text("\n"));
  if (s.lent_bytes != 0) {
    write(file, Line().text("strata: lent to regions ").size(s.lent_bytes).text("\n"));
  }
  if (s.strips != 0) {
    write(file, Line()
                    .text("strata: falloc: ")
                    .size(s.strip_live_bytes)
                    .text(" live in ")
                    .number(s.strips)
                    .text(" strips\n"));
  }
  for (unsigned c = 1; c < class_count; ++c) {
    const heap::ClassStatistics& entry = s.classes[c];
    if (entry.slabs == 0) continue;
    write(file, Line()
                    .text("strata: class ")
                    .number(size_of_class(c))
                    .text(": ")
                    .number(entry.live)
                    .text(" live, ")
                    .number(entry.free)
                    .text(" free, ")
                    .number(entry.slabs)
                    .text(" slabs, ")
                    .size(entry.resident)
                    .text(" touched\n"));
  }
}

}  // namespace strata::front

STRATA_EXPORT void malloc_stats() noexcept { strata::front::print_statistics(STDERR_FILENO); }

STRATA_EXPORT struct mallinfo2 mallinfo2() noexcept {
  const heap::Statistics s = collected();
  struct mallinfo2 info = {};
  info.arena = s.committed_bytes - s.huge_bytes;
  info.hblks = s.huge_blocks;
  info.hblkhd = s.huge_bytes;
  info.uordblks = s.small_live_bytes + s.large_bytes + s.lent_bytes;
  info.fordblks = info.arena - info.uordblks;
  info.keepcost = s.dirty_bytes;
  for (const heap::ClassStatistics& entry : s.classes) info.ordblks += entry.free;
  return info;
}

// The old form has ints: what does not fit is cut to the largest number, not wrapped.
STRATA_EXPORT struct mallinfo mallinfo() noexcept {
  const struct mallinfo2 wide = mallinfo2();
  const auto cut = [](size_t n) { return n > 0x7fffffff ? 0x7fffffff : int(n); };
  struct mallinfo info = {};
  info.arena = cut(wide.arena);
  info.ordblks = cut(wide.ordblks);
  info.hblks = cut(wide.hblks);
  info.hblkhd = cut(wide.hblkhd);
  info.uordblks = cut(wide.uordblks);
  info.fordblks = cut(wide.fordblks);
  info.keepcost = cut(wide.keepcost);
  return info;
}

STRATA_EXPORT int malloc_info(int options, FILE* stream) noexcept {
  if (options != 0) return EINVAL;
  const heap::Statistics s = collected();
  size_t free_blocks = 0;
  size_t free_bytes = 0;
  fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", stream);
  for (unsigned c = 1; c < strata::class_count; ++c) {
    const size_t count = s.classes[c].free;
    if (count == 0) continue;
    const size_t size = strata::size_of_class(c);
    fprintf(stream, "<size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
            strata::size_of_class(c) == 16 ? size_t{1} : strata::size_of_class(c - 1) + 1, size,
            size * count, count);
    free_blocks += count;
    free_bytes += size * count;
  }
  fprintf(stream,
          "</sizes>\n<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
          "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
          "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n"
          "<aspace type=\"total\" size=\"%zu\"/>\n<aspace type=\"mprotect\" size=\"%zu\"/>\n"
          "</heap>\n",
          free_blocks, free_bytes, s.committed_bytes, s.committed_bytes, s.reserved_bytes,
          s.committed_bytes);
  fprintf(stream,
          "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
          "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
          "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n"
          "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n"
          "<aspace type=\"total\" size=\"%zu\"/>\n<aspace type=\"mprotect\" size=\"%zu\"/>\n"
          "</malloc>\n",
          free_blocks, free_bytes, s.huge_blocks, s.huge_bytes, s.committed_bytes,
          s.committed_bytes, s.reserved_bytes, s.committed_bytes);
  return 0;
}

// 1 when memory was given back.
STRATA_EXPORT int malloc_trim(size_t pad) noexcept { return heap::trim(pad) != 0 ? 1 : 0; }

// Knows glibc's parameters. M_TRIM_THRESHOLD is the dirty limit; the others have no counterpart,
// and a program that sets them loses nothing.
STRATA_EXPORT int mallopt(int parameter, int value) noexcept {
  switch (parameter) {
    case M_TRIM_THRESHOLD:
      strata::range_settings.dirty_limit = value < 0 ? ~size_t{0} / 2 : size_t(value);
      return 1;
    case M_MXFAST:
      return value >= 0 && value <= 160 ? 1 : 0;
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_TOP_PAD:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
    case M_NLBLKS:
    case M_GRAIN:
    case M_KEEP:
      return 1;
    default:
      return 0;
  }
}
