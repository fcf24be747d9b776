// See help.hpp.
#include "harden/help.hpp"

#include "base/atomic.hpp"
#include "base/print.hpp"
#include "heap/report.hpp"

namespace strata::harden {
namespace {

struct Help {
  const char* error;
  bool of_live;  // the block is in use, or just being freed: that free says nothing
  const char* text;
};
constexpr Help helps[] = {
    {"double free", false,
     "the block was given back before. Give it one owner, or set the pointer to null"
     " where it is freed first"},
    {"invalid free", false,
     "only what malloc, new and their kin returned may be freed, and from its first"
     " byte"},
    {"invalid pointer", false, "realloc and malloc_usable_size take only blocks that are in use"},
    {"overflow", true,
     "more was written than was asked for. Does the size count a string's closing"
     " zero? Is an index one too large?"},
    {"underflow", true, "something was written before the block. Is an index negative?"},
    {"write after free", false,
     "a copy of the pointer was kept. Look for who still has one after the free"
     " above"},
    {"read after free", false,
     "a copy of the pointer was kept. Look for who still has one after the free"
     " above"},
    {"mismatched free", true,
     "free() takes what malloc gave, delete what new gave, delete[] what new[]"
     " gave"},
    {"wrong size", true,
     "the size is not the one that was asked for. Is a derived object deleted through"
     " a base without a virtual destructor?"},
};

constinit Atomic<unsigned> told_of_names;

bool begins_with(const char* text, const char* prefix) noexcept {
  while (*prefix != 0) {
    if (*text++ != *prefix++) return false;
  }
  return true;
}

const Help* help_for(const char* report) noexcept {
  constexpr const char head[] = "strata: error: ";
  if (!begins_with(report, head)) return nullptr;
  for (const Help& help : helps) {
    if (begins_with(report + sizeof head - 1, help.error)) return &help;
  }
  return nullptr;
}

}  // namespace

bool is_of_live_block(const char* report) noexcept {
  const Help* const help = help_for(report);
  return help != nullptr && help->of_live;
}

void tell_help(const char* report) noexcept {
  if (const Help* const help = help_for(report); help != nullptr) {
    Line line;
    heap::say(line.text("strata:   help: ").text(help->text).text("\n"));
  }
  if (told_of_names.exchange(1, Order::relaxed) != 0) return;
  Line line;
  heap::say(
      line.text("strata:   names: `strata explain FILE`, where FILE holds this report, gives"
                " functions and lines\n"));
}

}  // namespace strata::harden
