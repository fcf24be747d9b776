// What is wrong, and what to do. See findings.hpp.
//
// Every suspicion is weighed by the bytes it explains; what explains little is left out. What is
// certain and no matter of bytes (a misspelt option, a refused request) comes first. Where two
// suspicions look at the same bytes (a class, a thread, fragmentation at large) the most precise
// one wins the tie.
#include "observe/findings.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "observe/words.hpp"

namespace strata::tool {
namespace {

using observe::RunKind;

// What explains less than this, or less than a twentieth of what is resident, is no finding.
constexpr double least_bytes = 1 << 20;
constexpr double least_share = 0.05;
// Ranks above all weights in bytes.
constexpr double certain = 1e18;

constexpr double weight_of_thread = 0.9;
constexpr double weight_of_fragmentation = 0.8;
// Live blocks and the program's own code are what memory is for; they come last.
constexpr double weight_of_live = 0.2;
constexpr double weight_of_program = 0.5;

struct Weighed {
  Finding finding;
  double weight;
};

class Doctor {
 public:
  Doctor(const Account& account, const Surroundings& around)
      : account_(account),
        around_(around),
        total_(double(std::max<std::uint64_t>(account.total(), 1))) {}

  std::vector<Finding> findings(bool heap_is_known) {
    options();
    limits();
    other_allocators();
    if (heap_is_known) {
      waiting();
      free_room();
      untouched();
      huge_tails();
      metadata();
    }
    outside();
    swapped();
    if (heap_is_known) live();
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Weighed& a, const Weighed& b) { return a.weight > b.weight; });
    std::vector<Finding> all;
    for (Weighed& entry : found_) all.push_back(std::move(entry.finding));
    if (all.empty()) {
      all.push_back({"nothing", 0, "Nothing stands out.",
                     fmt::format("{} are resident.", size_words(total_)), ""});
    }
    return all;
  }

  void certainly(Finding finding) { found_.push_back({std::move(finding), certain}); }

 private:
  void suspect(double weight, Finding finding) {
    const auto bytes = double(finding.bytes);
    if (bytes < least_bytes || bytes < total_ * least_share) return;
    found_.push_back({std::move(finding), weight * bytes});
  }
  [[nodiscard]] std::string share(std::uint64_t bytes) const {
    return fmt::format("{} ({} of what is resident)", size_words(double(bytes)),
                       share_words(double(bytes), total_));
  }

  void options() {
    for (const std::string& complaint : around_.complaints) {
      certainly({"option", 0, "An option has no effect: " + complaint + ".", "",
                 "Correct the variable and start the program again; `strata config` lists all."});
    }
  }

  void limits() {
    const std::uint64_t refused = account_.view.totals.refusals;
    if (refused != 0) {
      Finding finding{"limit", 0,
                      fmt::format("{} requests for memory were refused.", count_words(refused)),
                      "The program was told that there is no memory.", ""};
      if (around_.address_limit) {
        finding.detail = fmt::format(
            "Addresses are limited to {} (ulimit -v or -d); {} are in use.",
            size_words(double(*around_.address_limit)), size_words(double(around_.address_space)));
        finding.remedy = "Raise the limit, or limit resident memory instead (a control group).";
      } else {
        finding.remedy =
            "Look for a size that nobody can have meant (a negative number, an overflow).";
      }
      certainly(std::move(finding));
    } else if (around_.address_limit && around_.address_space > *around_.address_limit / 10 * 9) {
      certainly({"limit", 0,
                 fmt::format("Addresses are nearly used up: {} of {} (ulimit -v or -d).",
                             size_words(double(around_.address_space)),
                             size_words(double(*around_.address_limit))),
                 "The next large request may be refused.", "Raise the limit."});
    }
    if (around_.group_limit && around_.group_use > *around_.group_limit / 10 * 9) {
      certainly({"limit", 0,
                 fmt::format("The control group is nearly full: {} of {}.",
                             size_words(double(around_.group_use)),
                             size_words(double(*around_.group_limit))),
                 "The kernel ends a process of the group when it is.",
                 "Raise memory.max, or give memory back sooner: STRATA_DIRTY_LIMIT=1MiB, "
                 "STRATA_PURGE_DELAY=50ms."});
    }
    if (around_.most_mappings != 0 && around_.mappings > around_.most_mappings / 10 * 9) {
      certainly({"mappings", 0,
                 fmt::format("Mappings are nearly used up: {} of {} (vm.max_map_count).",
                             count_words(around_.mappings), count_words(around_.most_mappings)),
                 "Every further mapping is refused then, also for stacks and libraries.",
                 "Raise vm.max_map_count; look for a library that maps single pages."});
    }
  }

  void other_allocators() {
    std::string names;
    for (const std::string& name : around_.allocators) names += (names.empty() ? "" : ", ") + name;
    if (around_.program_has_own_malloc) {
      certainly({"another_malloc", 0, "The program brings its own malloc.",
                 "What it defines itself comes before what is preloaded: Strata serves nobody, or "
                 "libraries alone.",
                 "Build the program without its malloc, or link libstrata.a in its place."});
    } else if (!names.empty()) {
      suspect(1, {"another_malloc", account_.parts[Part::other_mappings],
                  "Another malloc is in the process: " + names + ".",
                  fmt::format("{} are mapped by others than Strata.",
                              size_words(double(account_.parts[Part::other_mappings]))),
                  "Look for code that calls it by names of its own (je_malloc, mi_malloc, ...)."});
    }
  }

  void waiting() {
    const std::uint64_t bytes = account_.parts[Part::waiting_for_purge];
    const observe::Settings& s = account_.view.settings;
    Finding finding{"waiting_for_purge", bytes,
                    fmt::format("{} are free and wait to be given back.", share(bytes)), "", ""};
    finding.detail = fmt::format(
        "Up to {} may wait now, for at most {} (STRATA_DIRTY_LIMIT is {}, or a share of what is in "
        "use if that is more; STRATA_PURGE_DELAY is {} ms).",
        size_words(double(s.dirty_limit_now)), time_words(s.purge_delay),
        size_words(double(s.dirty_limit)), s.purge_delay);
    finding.remedy =
        s.purge_delay > 2000 || s.dirty_limit > (64U << 20)
            ? "Take back the options that let so much wait, or call malloc_trim(0)."
            : "Nothing, if it is used again soon; otherwise STRATA_PURGE_DELAY=50ms or "
              "STRATA_DIRTY_LIMIT=1MiB, or malloc_trim(0) when a phase of the program ends.";
    suspect(1, std::move(finding));
  }

  // Free room in slabs: by class, by thread, and all of it.
  void free_room() {
    std::map<unsigned, std::uint64_t> by_class;
    std::map<unsigned, std::uint64_t> live_of_class;
    std::uint64_t all = 0;
    for (const RunShare& share : account_.runs) {
      if (share.run.kind != RunKind::slab && share.run.kind != RunKind::slab_part) continue;
      by_class[share.run.size_class] += share.free;
      live_of_class[share.run.size_class] += share.live;
      all += share.free;
    }
    for (const auto& [c, free] : by_class) {
      const ClassShare& share = account_.classes[c];
      if (free < live_of_class[c]) continue;
      suspect(1, {"sparse_class", free,
                  fmt::format("Blocks of {} bytes: {} are free room between few live ones.",
                              share.size, size_words(double(free))),
                  fmt::format("{} blocks ({}) keep {} slabs, {} of which are resident.",
                              count_words(share.live), size_words(double(share.live * share.size)),
                              count_words(share.slabs), size_words(double(share.resident))),
                  "Find who keeps them: strata profile shows which calls hold sparse slabs. Then "
                  "free them sooner, or keep long-lived blocks apart from short-lived ones."});
    }
    if (account_.threads.size() > 1) {
      for (const ThreadShare& thread : account_.threads) {
        if (thread.cached_bytes < thread.live_bytes) continue;
        suspect(
            weight_of_thread,
            {"thread_cache", thread.cached_bytes,
             fmt::format("Thread {} ({}) holds {} of free room.", thread.number, thread.name,
                         size_words(double(thread.cached_bytes))),
             fmt::format("It has {} slabs with {} live in them.", count_words(thread.slabs),
                         size_words(double(thread.live_bytes))),
             "If it rests for long, let it end, or call malloc_trim(0) in it before it sleeps."});
      }
    }
    if (all > account_.parts[Part::live]) {
      suspect(weight_of_fragmentation,
              {"fragmentation", all,
               fmt::format("{} are free room in partly used slabs of all sizes.", share(all)),
               fmt::format("{} are live in slabs.",
                           size_words(double(account_.view.totals.small_live_bytes))),
               "Find who keeps the blocks in them: strata profile shows which calls hold sparse "
               "slabs."});
    }
  }

  void untouched() {
    const std::uint64_t bytes = account_.parts[Part::untouched];
    const bool eager = account_.view.settings.eager_commit != 0;
    if (eager) {
      suspect(1, {"eager_commit", bytes,
                  fmt::format("{} are resident although nothing was ever put there.", share(bytes)),
                  "STRATA_COMMIT=eager asks for the pages of every slab at once.",
                  "STRATA_COMMIT=lazy, unless page faults later are worse."});
      return;
    }
    suspect(
        1,
        {"huge_pages", bytes,
         fmt::format("{} are resident although nothing was ever put there.", share(bytes)),
         fmt::format("Huge pages make 2 MiB resident at a touch; {} of Strata's memory lie in "
                     "them.",
                     size_words(double(account_.huge_pages))),
         account_.view.settings.huge_pages != 0
             ? "STRATA_HUGE_PAGES=off"
             : "Look at /sys/kernel/mm/transparent_hugepage and at who calls prctl or madvise."});
  }

  void huge_tails() {
    const std::uint64_t bytes = account_.parts[Part::huge_tail];
    suspect(1,
            {"huge_tail", bytes,
             fmt::format("{} are resident behind the ends of large blocks.", share(bytes)),
             "They were shrunk in place, or have grown by realloc into room that was used before.",
             "Allocate them at their final size, or copy them when they have shrunk a lot."});
  }

  void metadata() {
    const std::uint64_t bytes = account_.parts[Part::metadata];
    suspect(1, {"metadata", bytes, fmt::format("{} are Strata's own records.", share(bytes)),
                fmt::format("{} threads hold a heap; 64 bytes describe each 64 KiB that were ever "
                            "in use.",
                            account_.threads.size()),
                "Fewer threads that allocate, if there are thousands."});
  }

  [[nodiscard]] std::string largest_of(Part part) const {
    // Files are mapped in several pieces.
    std::map<std::string, std::uint64_t> by_label;
    for (const OutsideMapping& mapping : account_.outside) {
      if (mapping.part != part) continue;
      const bool counts = mapping.label[0] == '/';
      by_label[counts ? mapping.label : fmt::format("{:#x}", mapping.start)] += mapping.resident;
    }
    std::vector<std::pair<std::uint64_t, std::string>> sorted;
    sorted.reserve(by_label.size());
    for (const auto& [label, bytes] : by_label) sorted.emplace_back(bytes, label);
    std::sort(sorted.rbegin(), sorted.rend());
    constexpr size_t most = 3;
    std::string text;
    for (size_t i = 0; i < std::min(most, sorted.size()); ++i) {
      text += fmt::format("{}{} {}", text.empty() ? "Largest: " : ", ", sorted[i].second,
                          size_words(double(sorted[i].first)));
    }
    return text.empty() ? text : text + ".";
  }

  [[nodiscard]] std::string remedy_of_runtimes() const {
    for (const std::string& runtime : around_.runtimes) {
      if (runtime == "python") {
        return "Python keeps small objects in arenas of its own; PYTHONMALLOC=malloc gives them to "
               "Strata. Otherwise look at who calls mmap (strace -e mmap).";
      }
      if (runtime == "node") {
        return "node keeps its objects in a heap of its own: --max-old-space-size limits it.";
      }
      if (runtime == "java") return "Java keeps its objects in a heap of its own: -Xmx limits it.";
    }
    return "It does not pass through malloc: look at who calls mmap (strace -e mmap).";
  }

  void outside() {
    const Parts& parts = account_.parts;
    suspect(1,
            {"stacks", parts[Part::stacks],
             fmt::format("{} are stacks of {} threads.", share(parts[Part::stacks]),
                         account_.kernel_threads),
             "A stack keeps every page that was ever touched.",
             "Fewer threads, smaller arrays on the stack, or a lower pthread_attr_setstacksize."});
    suspect(1, {"other_malloc", parts[Part::other_malloc],
                fmt::format("{} are in the classic heap (brk).", share(parts[Part::other_malloc])),
                "Strata never uses it: another malloc is at work, or the program calls sbrk.",
                "Look for a static malloc in the program or one of its libraries, and for "
                "blocks from before Strata was loaded."});
    suspect(1, {"other_mappings", parts[Part::other_mappings],
                fmt::format("{} are anonymous memory that others than Strata mapped.",
                            share(parts[Part::other_mappings])),
                largest_of(Part::other_mappings), remedy_of_runtimes()});
    suspect(1, {"file_pages", parts[Part::file_pages],
                fmt::format("{} are pages of mapped files.", share(parts[Part::file_pages])),
                largest_of(Part::file_pages),
                "The system takes clean ones back when it needs room; "
                "madvise(MADV_DONTNEED) or munmap does it sooner."});
    suspect(1, {"shared_memory", parts[Part::shared_memory],
                fmt::format("{} are shared memory.", share(parts[Part::shared_memory])),
                largest_of(Part::shared_memory),
                "It counts in every process that touches it; look at who maps it."});
    suspect(weight_of_program,
            {"program", parts[Part::program],
             fmt::format("{} are the program and its libraries.", share(parts[Part::program])),
             largest_of(Part::program),
             "Code that is not used is not resident; large tables of variables are."});
  }

  void swapped() {
    suspect(1, {"swapped", account_.swapped,
                fmt::format("{} more are swapped out.", size_words(double(account_.swapped))),
                "They do not count as resident, and come back slowly.",
                "More memory for the machine or the group, or less use of it."});
  }

  void live() {
    const std::uint64_t bytes = account_.parts[Part::live];
    suspect(
        weight_of_live,
        {"live", bytes, fmt::format("{} are live blocks: the program has them.", share(bytes)),
         fmt::format("Small {}, large {} in {}, huge {} in {} blocks.",
                     size_words(double(account_.view.totals.small_live_bytes)),
                     size_words(double(account_.view.totals.large_bytes)),
                     count_words(account_.view.totals.large_blocks),
                     size_words(double(account_.view.totals.huge_bytes)),
                     count_words(account_.view.totals.huge_blocks)),
         "If that is more than it should have: strata profile --live shows who asked for them."});
  }

  const Account& account_;
  const Surroundings& around_;
  double total_;
  std::vector<Weighed> found_;
};

}  // namespace

std::vector<Finding> diagnose(const Account& account, const Surroundings& around) {
  return Doctor(account, around).findings(true);
}

std::vector<Finding> diagnose_from_outside(const Account& account, const Surroundings& around,
                                           const std::string& why) {
  Doctor doctor(account, around);
  doctor.certainly({"not_observed", 0, why, "What follows is the kernel's view alone.",
                    "Start it by `strata run -- PROGRAM`, or with STRATA_OBSERVE=on."});
  return doctor.findings(false);
}

Json findings_document(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"cause", finding.cause},
                    {"bytes", finding.bytes},
                    {"finding", finding.title},
                    {"detail", finding.detail},
                    {"remedy", finding.remedy}});
  }
  return list;
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::string text;
  int number = 0;
  for (const Finding& finding : findings) {
    text += fmt::format("{:>2}. {}\n", ++number, finding.title);
    if (!finding.detail.empty()) text += fmt::format("    {}\n", finding.detail);
    if (!finding.remedy.empty()) text += fmt::format("    To do: {}\n", finding.remedy);
  }
  return text;
}

}  // namespace strata::tool
