// Mapping by mapping. See join_outside.hpp.
#include "observe/join_outside.hpp"

#include <algorithm>
#include <set>

#include "observe/images.hpp"

namespace strata::tool {
namespace {

using observe::Run;
using observe::RunKind;

struct Interval {
  std::uint64_t start;
  std::uint64_t end;
};

bool has_prefix(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }
bool has_suffix(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

class OutsideJoiner {
 public:
  OutsideJoiner(Account& account, const Process& process, const std::vector<Mapping>& mappings,
                PartSums& sums)
      : account_(account), process_(process), mappings_(mappings), sums_(sums) {
    for (const observe::Area& area : account.view.areas) {
      heap_.push_back({area.address, area.address + area.bytes});
    }
    for (const Run& run : account.view.runs) {
      if (run.kind == RunKind::huge) heap_.push_back({run.address, run.address + run.bytes});
    }
    std::sort(heap_.begin(), heap_.end(),
              [](const Interval& a, const Interval& b) { return a.start < b.start; });
  }

  void join() {
    variables_ = find_variables(process_, mappings_);
    for (const Mapping& mapping : mappings_) {
      if (mapping.is_executable()) has_code_.insert(mapping.name);
    }
    for (const Mapping& mapping : mappings_) {
      const std::uint64_t mine = bytes_of_heap(mapping.start, mapping.end);
      if (mine != 0) account_.huge_pages += mapping.huge;
      if (mine == mapping.end - mapping.start || mapping.resident == 0) continue;
      if (mine != 0) {
        // Some of its addresses are Strata's and some are not.
        std::uint64_t at = mapping.start;
        for (const Interval& interval : heap_) {
          if (interval.end <= at || interval.start >= mapping.end) continue;
          if (interval.start > at) join_part(mapping, at, interval.start);
          at = std::min(mapping.end, interval.end);
        }
        if (at < mapping.end) join_part(mapping, at, mapping.end);
      } else {
        join_part(mapping, mapping.start, mapping.end);
      }
    }
    std::sort(account_.outside.begin(), account_.outside.end(),
              [](const auto& a, const auto& b) { return a.resident > b.resident; });
  }

 private:
  [[nodiscard]] std::uint64_t bytes_of_heap(std::uint64_t start, std::uint64_t end) const {
    std::uint64_t bytes = 0;
    auto at = std::lower_bound(heap_.begin(), heap_.end(), start,
                               [](const Interval& i, std::uint64_t a) { return i.end <= a; });
    for (; at != heap_.end() && at->start < end; ++at) {
      bytes += std::min(end, at->end) - std::max(start, at->start);
    }
    return bytes;
  }

  // [start, end) of a mapping, none of it Strata's: variables of images apart from the rest.
  void join_part(const Mapping& mapping, std::uint64_t start, std::uint64_t end) {
    const bool nameless = mapping.name.empty() || has_prefix(mapping.name, "[anon:");
    if (nameless) {
      for (const Variables& variables : variables_) {
        if (variables.end <= start || variables.start >= end) continue;
        if (variables.start > start) put_outside(mapping, start, variables.start, "");
        const std::uint64_t until = std::min(end, variables.end);
        put_outside(mapping, std::max(start, variables.start), until, variables.image);
        start = until;
      }
    }
    if (start < end) put_outside(mapping, start, end, "");
  }

  void put_outside(const Mapping& mapping, std::uint64_t start, std::uint64_t end,
                   const std::string& image) {
    const bool whole = start == mapping.start && end == mapping.end;
    const double resident =
        whole ? double(mapping.resident) : PageMap(process_, start, end - start).resident();
    if (resident == 0) return;
    const Part part = part_of(mapping, image);
    sums_[unsigned(part)] += resident;
    if (part == Part::metadata) return;
    if (part == Part::stacks) note_stack(mapping);
    const std::string label = !image.empty()          ? image
                              : !mapping.name.empty() ? mapping.name
                              : part == Part::stacks  ? "a stack"
                                                      : "without a name";
    account_.outside.push_back({part, label, start, end - start, std::uint64_t(resident)});
  }

  Part part_of(const Mapping& mapping, const std::string& image) const {
    const std::string& name = mapping.name;
    if (has_prefix(name, "/memfd:strata-board")) return Part::metadata;
    if (has_suffix(image.empty() ? name : image, "/libstrata.so") && mapping.rights[1] == 'w') {
      return Part::metadata;
    }
    if (!image.empty()) return Part::program;
    if (name == "[heap]") return Part::other_malloc;
    if (has_prefix(name, "[stack")) return Part::stacks;
    if (has_prefix(name, "[v")) return Part::program;  // vdso, vvar, vsyscall
    if (name.empty() || has_prefix(name, "[anon:")) {
      return is_stack(mapping) ? Part::stacks : Part::other_mappings;
    }
    if (mapping.rights[3] == 's' &&
        (has_prefix(name, "/memfd:") || has_prefix(name, "/dev/") || has_prefix(name, "/SYSV") ||
         has_prefix(name, "[anon_shmem"))) {
      return Part::shared_memory;
    }
    return has_code_.count(name) != 0 ? Part::program : Part::file_pages;
  }

  // A thread's stack: its thread-local storage stands at the top of it, or it has the guard that
  // pthreads puts below.
  bool is_stack(const Mapping& mapping) const {
    if (mapping.rights[1] != 'w') return false;
    for (const observe::Thread& thread : account_.view.threads) {
      if (thread.key >= mapping.start && thread.key < mapping.end) return true;
    }
    const auto at =
        std::lower_bound(mappings_.begin(), mappings_.end(), mapping.start,
                         [](const Mapping& m, std::uint64_t address) { return m.end < address; });
    constexpr std::uint64_t largest_guard = 1 << 20;
    constexpr std::uint64_t largest_stack = 64 << 20;
    return at != mappings_.end() && at->end == mapping.start && !at->is_usable() &&
           at->name.empty() && at->end - at->start <= largest_guard &&
           mapping.end - mapping.start <= largest_stack;
  }

  void note_stack(const Mapping& mapping) {
    for (ThreadShare& thread : account_.threads) {
      const bool first = thread.number == std::uint32_t(account_.process);
      if ((thread.key >= mapping.start && thread.key < mapping.end) ||
          (first && mapping.name == "[stack]")) {
        thread.stack_bytes += mapping.resident;
      }
    }
  }

  Account& account_;
  const Process& process_;
  const std::vector<Mapping>& mappings_;
  PartSums& sums_;
  std::vector<Interval> heap_;  // addresses of Strata's, sorted
  std::vector<Variables> variables_;
  std::set<std::string> has_code_;  // files of which something may be executed
};

}  // namespace

void join_outside(Account& account, const Process& process, const std::vector<Mapping>& mappings,
                  PartSums& sums) {
  OutsideJoiner(account, process, mappings, sums).join();
}

}  // namespace strata::tool
