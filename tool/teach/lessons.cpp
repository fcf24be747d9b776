// The lessons, one for each option of src/options/options.def (a test misses those that lack).
#include "teach/lessons.hpp"

namespace strata::tool {
namespace {

constexpr Lesson lessons[] = {
    {"RESERVE",
     "At the first allocation Strata asks the kernel for one long range of addresses, without "
     "memory "
     "behind it, and takes everything from there. If the kernel refuses, or `ulimit -v` leaves "
     "less, "
     "it asks for a quarter, and so on; when the range is used up, further ranges follow.",
     "Leave it, unless the program runs where addresses are counted (a limit on virtual memory, a "
     "container that reads VIRT as use), or fills more than a tebibyte.",
     "Addresses cost no memory: 64 bytes of them are kept for each 64 KiB, and only those of "
     "memory "
     "that was used are resident.",
     "STRATA_RESERVE=16GiB LD_PRELOAD=libstrata.so ./server", "VIRT stays below 17 GiB"},
    {"DIRTY_LIMIT",
     "Memory that the program has freed stays resident for a while, since the next allocation will "
     "want it and a page that went back costs a fault when it returns. This is how much may stay; "
     "a "
     "program that uses much may keep a share of that instead, if the share is more. What exceeds "
     "it "
     "goes back, the oldest first.",
     "Raise it (64MiB, 256MiB) when a program allocates and frees large buffers in turns and the "
     "faults show in its time. Lower it (1MiB, 0) on a machine where memory is scarcer than time.",
     "Up to this much more resident memory; less of it means more page faults and system calls.",
     "strata compare --set dirty_limit=1MiB --set dirty_limit=64MiB -- ./program",
     "what both do to time and memory of your program"},
    {"PURGE_DELAY",
     "Freed memory that nobody has taken again goes back to the system after this time, although "
     "DIRTY_LIMIT would let it stay. In a program without threads of its own it is looked at when "
     "something is freed; where there is a worker it sees to it. Free pages between blocks in use "
     "go back by their own rules, whatever this and DIRTY_LIMIT say.",
     "Raise it (5s) for a program whose bursts come seconds apart. 0 gives everything back at "
     "once: "
     "for measuring what is really in use, not for daily work.",
     "A longer delay keeps the memory of a burst longer; a short one pays for the next burst's "
     "faults again.",
     "strata replay strata.trace --pace recorded --set purge_delay=0 --set purge_delay=5s",
     "the memory of a recorded program over its time, under both"},
    {"WORKER",
     "A program that has threads already gets one more once 1 MiB is free, and one without threads "
     "when more than DIRTY_LIMIT went back and was soon taken again: it sleeps, and gives memory "
     "back when the delay is over, so that no thread of the program waits "
     "for the system in free().",
     "Turn it off when the program must not have a thread that it did not start: it counts its "
     "threads, or changes its identity thread by thread.",
     "A stack of a few KiB. Without it the thread that frees pays for purging, and what the last "
     "burst left stays until something is freed again.",
     "STRATA_WORKER=off LD_PRELOAD=libstrata.so ./sandboxed", "no thread but the program's own"},
    {"COMMIT",
     "lazy: the kernel gives a page when it is first written to, as it does everywhere. eager: "
     "Strata "
     "asks for all pages of a run when it takes the run.",
     "eager is for programs that must not meet a page fault while they work, and would rather wait "
     "when they allocate. With it also look at PURGE_DELAY: what went back must be fetched again.",
     "eager makes memory resident that may never be touched.",
     "STRATA_COMMIT=eager STRATA_DIRTY_LIMIT=1GiB LD_PRELOAD=libstrata.so ./player",
     "faults come with the allocation, not with the first write"},
    {"HUGE_PAGES",
     "Whether the kernel may back the heap with pages of 2 MiB instead of 4 KiB (transparent huge "
     "pages, where the system has them at `always` or `madvise`). With a size, such as 16MiB, only "
     "where the heap has grown beyond it: small programs do without, and large ones have them for "
     "what they take from then on. Where many pages have gone back from between blocks in use they "
     "are no longer asked for, until the memory is free again.",
     "For a long-lived program that works on hundreds of megabytes, takes and frees large blocks, "
     "or waits for address translation (many TLB misses). Measure: it can win half, or lose.",
     "A page of 2 MiB is cleared and resident whole: short-lived programs are slower, sparse heaps "
     "larger, and the kernel may take its time to find one.",
     "STRATA_HUGE_PAGES=16MiB LD_PRELOAD=libstrata.so ./database",
     "fewer TLB misses, more resident memory"},
    {"MODE",
     "default finds frees of what is no live block. hardened also finds overflows, writes after "
     "free, wrong sizes and mismatched forms of new and delete; freed blocks are cleared and wait "
     "before they are used again, places are random. diagnose explains what it finds.",
     "hardened in programs that read what strangers send; diagnose to hunt an error. A program "
     "with "
     "more rights than its user can only be made stricter.",
     "hardened: more time in each call and more memory; how much for your program tells the "
     "example. default: nothing.",
     "strata compare --set mode=hardened --with strata -- ./program",
     "what hardened costs this program"},
    {"GUARD_SAMPLE",
     "In default mode one small block in so many bytes that the program allocates, at random, is "
     "put "
     "on a page of its own between pages that cannot be touched, and its page becomes inaccessible "
     "when it is freed. An overflow or a use after free of such a block is reported at the very "
     "access, with the stacks that allocated and freed it.",
     "Lower it (1MiB) on a few machines of many, or in tests, to meet rare errors sooner; 0 turns "
     "it "
     "off.",
     "Five system calls for each such block, and at most half a mebibyte for all of them; nothing "
     "for "
     "other blocks. Half the value means twice as many.",
     "STRATA_GUARD_SAMPLE=1MiB STRATA_LOG=guard.%p LD_PRELOAD=libstrata.so ./server",
     "errors that a server meets once a day, with where they come from"},
    {"ON_ERROR",
     "After an error has been reported: abort ends the program at once (a core dump, if those are "
     "on); report leaves it running, and ignores the call that was wrong.",
     "report, to see all errors of one run instead of the first, while testing. Never where the "
     "program's input is not trusted: what went wrong once is used again by an attacker.",
     "Nothing.", "STRATA_ON_ERROR=report STRATA_MODE=hardened LD_PRELOAD=libstrata.so ./tests",
     "every wrong free of the tests, in one run"},
    {"LOG",
     "Where reports of errors go. A file is opened when the first report comes, and appended to; "
     "%p "
     "in its name becomes the number of the process.",
     "For programs without a standard error that anybody reads: servers, services, a battery of "
     "tests.",
     "Nothing until there is a report.",
     "STRATA_LOG=/var/log/server.%p.strata LD_PRELOAD=libstrata.so ./server",
     "each process reports to a file of its own"},
    {"STATS",
     "exit prints statistics on the standard error when the program ends: what was in use at the "
     "most and at the end, what went back to the system.",
     "For a first look at a program without the command strata.", "Nothing while it runs.",
     "STRATA_STATS=exit LD_PRELOAD=libstrata.so python3 job.py", "a few lines at the end"},
    {"VERBOSE", "Says at start, on the standard error, which options are in effect.",
     "When an option does not seem to work: a variable that is not exported, a wrong library.",
     "A line for each option at each start, also of programs that the program starts.",
     "STRATA_VERBOSE=on LD_PRELOAD=libstrata.so true",
     "that Strata is in the program, and with which options"},
    {"OBSERVE",
     "Lets commands look into the process while it runs: it opens what they ask by, readable by "
     "the "
     "same user alone. `strata run` sets it for the program that it starts.",
     "on for servers that run for long, so that questions can be asked when they come up.",
     "Nothing while nobody asks. A program with more rights than its user ignores it.",
     "STRATA_OBSERVE=on LD_PRELOAD=libstrata.so ./server",
     "a server that can be looked into later"},
    {"PROFILE",
     "The file in which a running program keeps its heap profile; `strata profile` sets it.",
     "Leave it to `strata profile`.",
     "While it is set, one allocation in PROFILE_MEAN bytes is looked at and its stack walked.",
     "strata profile -- ./program", "the profile of a whole run"},
    {"PROFILE_MEAN",
     "The heap profile looks at one allocation in so many bytes, at random, so that the sum is "
     "right "
     "in the mean.",
     "Lower it (64KiB) for a small heap or a short run, where 512 KiB give too few samples.",
     "Half of it means twice as many stacks to walk.",
     "STRATA_PROFILE_MEAN=64KiB strata profile -- ./program", "eight times as many samples"},
};

}  // namespace

const Lesson* lesson_on(const std::string& option) {
  for (const Lesson& lesson : lessons) {
    if (option == lesson.option) return &lesson;
  }
  return nullptr;
}

}  // namespace strata::tool
