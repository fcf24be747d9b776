// Following a program. See monitor.hpp.
#include "observe/monitor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "observe/launch.hpp"
#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

// A pause lasts a 128th of the time since the start, or 50 times what looking took if that is more;
// but no look may cost the view of more than a sixteenth.
constexpr std::uint64_t shortest_pause = 5;
constexpr std::uint64_t pauses_in_run = 128;
constexpr std::uint64_t cost_factor = 50;
constexpr std::uint64_t longest_pause = 200;
constexpr std::uint64_t longest_pause_share = 16;
// A process that does not answer in that time is asked again later.
constexpr unsigned patience_ms = 100;
constexpr unsigned longest_silence_in_looks = 20;
// The program goes on meanwhile: an account at the peak is soon one of another moment.
constexpr unsigned looks_for_account = 4;
// A new account is taken when so much more is resident than at the last, in sixteenths.
constexpr std::uint64_t growth_for_account = 1;
// One allocation in so many bytes is looked at, to say what was allocated.
constexpr std::uint64_t estimates_mean = 512 * KiB;

observe::Header* header_of(int file) {
  void* const memory = ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) throw Trouble("no shared memory: {}", std::strerror(errno));
  return static_cast<observe::Header*>(memory);
}

std::uint64_t status_field(const std::string& text, const char* field) {
  const size_t at = text.find(std::string("\n") + field + ":");
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + std::strlen(field) + 2, nullptr, 10) * 1024;
}

void add(observe::Totals& sum, const observe::Totals& one) {
  sum.allocations.add(one.allocations);
  for (unsigned c = 0; c < class_count; ++c) {
    sum.live[c] += one.live[c];
    sum.estimates.blocks[c] += one.estimates.blocks[c];
    sum.estimates.samples[c] += one.estimates.samples[c];
  }
  sum.small_live_bytes += one.small_live_bytes;
  sum.large_blocks += one.large_blocks;
  sum.large_bytes += one.large_bytes;
  sum.huge_blocks += one.huge_blocks;
  sum.huge_bytes += one.huge_bytes;
  sum.lent_bytes += one.lent_bytes;
  sum.dirty_bytes += one.dirty_bytes;
  sum.purged_bytes += one.purged_bytes;
  sum.purges += one.purges;
  sum.thinned_bytes += one.thinned_bytes;
  sum.refusals += one.refusals;
}

std::uint64_t live_of(const observe::Totals& totals) {
  return totals.small_live_bytes + totals.large_bytes + totals.huge_bytes + totals.lent_bytes;
}

}  // namespace

struct Monitor::Following {
  std::unique_ptr<Slice> slice;
  unsigned silent_looks = 0;  // left to pass before it is asked again
  unsigned silence = 0;       // how many those were at first; more each time it is silent
};

Monitor::Monitor() : started_(milliseconds_now()) {
  file_ = ::memfd_create("strata-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  constexpr std::uint64_t bytes = std::uint64_t{observe::most_slices} << observe::slice_shift;
  if (file_ < 0 || ::ftruncate(file_, off_t(bytes)) != 0 || ::fchmod(file_, 0600) != 0) {
    throw Trouble("no shared memory for the board: {}", std::strerror(errno));
  }
  ::fcntl(file_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  observe::Header* const header = header_of(file_);
  header->magic = observe::board_magic;
  header->version = observe::board_version;
  header->mean = estimates_mean;
  header->next.store(1, Order::relaxed);
  ::munmap(header, page_bytes());
}

Monitor::~Monitor() {
  if (file_ >= 0) ::close(file_);
}

std::string Monitor::environment() const {
  return fmt::format("STRATA_OBSERVE=/proc/{}/fd/{}", ::getpid(), file_);
}

void Monitor::find_members() {
  observe::Header* const header = header_of(file_);
  const std::uint32_t taken = std::min(header->next.load(Order::relaxed), observe::most_slices);
  ::munmap(header, page_bytes());
  for (; next_slice_ < taken; ++next_slice_) {
    auto following = std::make_unique<Following>();
    try {
      following->slice =
          std::make_unique<Slice>(file_, std::uint64_t{next_slice_} << observe::slice_shift, false);
    } catch (const Trouble&) {
      return;  // taken, but nothing is on it yet
    }
    const observe::Board& board = following->slice->board();
    Member member;
    member.process = pid_t(board.process);
    member.parent = pid_t(board.parent);
    member.name.assign(board.name, ::strnlen(board.name, sizeof board.name));
    // A process that became another program has a new slice: what it was before has ended.
    if (const auto before = last_of_process_.find(member.process);
        before != last_of_process_.end() && members_[before->second].alive) {
      harvest(before->second);
    }
    last_of_process_[member.process] = members_.size();
    alive_.push_back(members_.size());
    members_.push_back(member);
    following_.push_back(std::move(following));
  }
}

// The process's last words and totals; nothing more is expected of it.
void Monitor::harvest(size_t index) {
  Member& member = members_[index];
  Slice& slice = *following_[index]->slice;
  member.alive = false;
  member.told_its_end = slice.has_ended();
  member.last_words = slice.last_words();
  member.totals = slice.board().totals;
  purged_by_ended_ += member.totals.purged_bytes + member.totals.thinned_bytes;
  following_[index].reset();
}

bool Monitor::is_there(size_t index) const {
  const observe::Board& board = following_[index]->slice->board();
  const std::string task = fmt::format("/proc/{}/task/{}", members_[index].process, board.thread);
  return !following_[index]->slice->has_ended() && ::access(task.c_str(), F_OK) == 0;
}

bool Monitor::ask(size_t index) {
  Following& following = *following_[index];
  if (following.silent_looks != 0) {
    --following.silent_looks;
    return false;
  }
  try {
    const auto alive = [&] {
      if (!is_there(index)) throw Trouble("it ended");
    };
    if (!following.slice->ask(observe::Question::totals, patience_ms, alive)) {
      following.silence = std::min(2 * following.silence + 1, longest_silence_in_looks);
      following.silent_looks = following.silence;
      return false;
    }
  } catch (const Trouble&) {
    return false;
  }
  following.silence = 0;
  members_[index].totals = following.slice->take_totals();
  return true;
}

unsigned Monitor::look(pid_t main) {
  const std::uint64_t begin = milliseconds_now();
  find_members();
  Sample sample;
  sample.time = begin - started_;
  sample.purged = purged_by_ended_;
  bool main_is_member = false;
  pid_t largest = 0;
  std::uint64_t largest_resident = 0;
  for (const size_t i : alive_) {
    Member& member = members_[i];
    if (!member.alive) continue;
    const std::string status = file_text(fmt::format("/proc/{}/status", member.process));
    if (status.empty() || !is_there(i)) {
      harvest(i);
      sample.purged += member.totals.purged_bytes + member.totals.thinned_bytes;
      continue;
    }
    const std::uint64_t resident = status_field(status, "VmRSS");
    member.peak_resident = std::max(member.peak_resident, status_field(status, "VmHWM"));
    sample.resident += resident;
    ++sample.processes;
    main_is_member |= member.process == main;
    if (ask(i)) {
      sample.live += live_of(member.totals);
      sample.waiting += member.totals.dirty_bytes;
    }
    sample.purged += member.totals.purged_bytes + member.totals.thinned_bytes;
    if (resident > largest_resident) {
      largest_resident = resident;
      largest = member.process;
    }
  }
  alive_.erase(
      std::remove_if(alive_.begin(), alive_.end(), [&](size_t i) { return !members_[i].alive; }),
      alive_.end());
  if (!main_is_member) {
    const std::string status = file_text(fmt::format("/proc/{}/status", main));
    sample.resident += status_field(status, "VmRSS");
    ++sample.processes;
  }
  samples_.push_back(sample);
  if (sample.resident > peak_.resident) peak_ = sample;
  if (wants_accounts_ && largest != 0) take_account_of(largest, sample.resident);
  const std::uint64_t now = milliseconds_now();
  const std::uint64_t elapsed = now - started_;
  return unsigned(
      std::min(std::max({shortest_pause, elapsed / pauses_in_run, (now - begin) * cost_factor}),
               longest_pause + elapsed / longest_pause_share));
}

// Whenever there is clearly more than at the last account.
void Monitor::take_account_of(pid_t process, std::uint64_t resident) {
  if (resident < account_resident_ + account_resident_ * growth_for_account / 16) return;
  try {
    Process looked_at(process);
    Surroundings around = look_around(looked_at, read_mappings(looked_at));
    Conversation conversation(looked_at);
    Account account = take_account(conversation, looks_for_account);
    blocks_.clear();
    account_ = std::move(account);
    if (wants_blocks_) blocks_ = read_blocks(conversation, *account_, most_slots_with_blocks);
    surroundings_ = std::move(around);
    account_resident_ = resident;
  } catch (const Trouble&) {
    // It ended meanwhile: the account before is the one to keep.
  }
}

void Monitor::finish() {
  find_members();
  for (const size_t i : alive_) {
    if (!members_[i].alive) continue;
    // What runs on is asked a last time.
    if (!is_there(i) || !ask(i)) harvest(i);
  }
}

observe::Totals Monitor::sum() const {
  observe::Totals sum{};
  for (const Member& member : members_) add(sum, member.totals);
  return sum;
}

}  // namespace strata::tool
