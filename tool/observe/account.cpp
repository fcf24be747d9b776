// Takes accounts: asks the heap and the kernel, as often as it takes. See account.hpp.
#include "observe/account.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "observe/join.hpp"
#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

// A process that moves is looked at again until it was met so closely, a few times in any case, and
// no more when it has taken that long.
constexpr unsigned least_looks = 4;
constexpr auto longest_looking = std::chrono::seconds(1);
constexpr double close_enough = 0.005;

constexpr PartName part_names[part_count] = {
    {"live", "live", "blocks that the program has, with their rounding"},
    {"free_in_slabs", "free in slabs", "free room in slabs that no thread has"},
    {"cached_in_threads", "cached in threads", "free room in slabs that threads have"},
    {"waiting_for_purge", "waiting for purge", "freed slots that go back to the system soon"},
    {"huge_tail", "huge tail", "resident pages behind the end of large and huge blocks"},
    {"lent_to_regions", "lent to regions",
     "runs of slots that regions grew by, used by them or not"},
    {"untouched", "untouched",
     "resident pages that no block was ever on (huge pages, eager commit)"},
    {"metadata", "metadata", "Strata's own records"},
    {"program", "program", "the program and its libraries: code, constants, variables"},
    {"stacks", "stacks", "stacks of threads"},
    {"other_malloc", "other malloc", "the classic heap (brk), which Strata does not use"},
    {"other_mappings", "other mappings", "anonymous memory that the program mapped itself"},
    {"file_pages", "file pages", "mapped files that are no code"},
    {"shared_memory", "shared memory", "memory shared with other processes"},
};

// What the kernel alone knows, once the heap has been asked (or not).
void complete(Account& account, const Process& process) {
  account.process = process.number();
  std::vector<Mapping> mappings = read_mappings(process);
  for (const Mapping& mapping : mappings) account.swapped += mapping.swapped;
  join(account, process, std::move(mappings));
  account.peak_resident = process.status_bytes("VmHWM").value_or(0);
  account.command = process.command();
  std::map<std::uint32_t, std::string> names;
  for (const ThreadName& thread : process.threads()) {
    names[std::uint32_t(thread.number)] = thread.name;
    ++account.kernel_threads;
  }
  for (ThreadShare& thread : account.threads) {
    thread.name = thread.number == 0 ? "ending threads" : names[thread.number];
  }
}

// The kernel counts before and after its pages are looked at, so that a process which grows or
// shrinks meanwhile is met in the middle.
Account look(Conversation& conversation) {
  Account account;
  const std::uint64_t before = conversation.process().resident_bytes();
  account.view = conversation.survey();
  account.time = account.view.totals.time;
  account.age = account.time - std::min(account.time, conversation.board().started);
  account.release = conversation.board().release;
  complete(account, conversation.process());
  account.resident_by_kernel = (before + conversation.process().resident_bytes()) / 2;
  return account;
}

// By how much of it the parts miss what the kernel counts.
double gap_of(const Account& account) {
  const auto kernel = double(account.resident_by_kernel);
  return kernel > 0 ? std::abs(double(account.total()) - kernel) / kernel : 1;
}

}  // namespace

const PartName& name_of(Part part) { return part_names[unsigned(part)]; }

std::uint64_t Parts::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t part : bytes) sum += part;
  return sum;
}

std::uint64_t Parts::heap() const {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < unsigned(first_outside); ++i) sum += bytes[i];
  return sum;
}

Account take_account(Conversation& conversation, unsigned most_looks) {
  const auto start = std::chrono::steady_clock::now();
  Account best = look(conversation);
  for (unsigned looks = 1; gap_of(best) > close_enough && looks < most_looks; ++looks) {
    const auto spent = std::chrono::steady_clock::now() - start;
    if (looks >= least_looks && spent > longest_looking) break;
    Account next = look(conversation);
    if (gap_of(next) < gap_of(best)) best = std::move(next);
  }
  return best;
}

Account take_account_from_outside(const Process& process) {
  Account account;
  account.view = {};
  complete(account, process);
  account.resident_by_kernel = process.resident_bytes();
  return account;
}

}  // namespace strata::tool
