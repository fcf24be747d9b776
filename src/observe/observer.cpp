// The observer's thread. See observer.hpp, and board.hpp for the protocol.
#include "observe/observer.hpp"

#include <new>

#include "base/lock_guard.hpp"
#include "observe/estimates.hpp"
#include "observe/profile_area.hpp"
#include "observe/profiler.hpp"
#include "observe/survey.hpp"
#include "platform/current.hpp"
#include "platform/linux/shared_file.hpp"

namespace strata::observe {
namespace {

// How long the program waits at its start for the thread to be ready.
constexpr std::uint32_t patience_ms = 2000;
constexpr size_t longest_path = 64;

constinit Board* board;  // written by the thread before `state` says that it runs
// 0: not started or refused, 1: starting, 2: runs. The program sleeps on it while it starts.
constinit Atomic<std::uint32_t> state;
constinit char path[longest_path];
constinit SharedFile file;
constinit size_t slice_start;  // in the file
// Held while totals are written: by the thread when asked, by the program when it ends.
constinit Machine::Lock totals_lock;

// The next slice of a file, or 0.
size_t take_slice(const SharedFile& from, bool mine, size_t& mean) noexcept {
  const size_t page = Machine::page_size();
  const Address address = from.map(0, page);
  if (address == 0) return 0;
  auto* const header = reinterpret_cast<Header*>(address);
  if (mine) {
    header->magic = board_magic;
    header->version = board_version;
    header->next.store(1, Order::relaxed);
  }
  size_t slice = 0;
  if (header->magic == board_magic && header->version == board_version) {
    slice = header->next.fetch_add(1, Order::relaxed);
    if (slice >= (mine ? 2 : most_slices)) slice = 0;
    mean = header->mean;
  }
  SharedFile::unmap(address, page);
  return slice;
}

Board* open_slice(const SharedFile& from, bool mine) noexcept {
  if (!from.is_open()) return nullptr;
  size_t mean = 0;
  const size_t slice = take_slice(from, mine, mean);
  if (slice == 0) return nullptr;
  slice_start = slice << slice_shift;
  const Address address = from.map(slice_start, align_up(sizeof(Board), Machine::page_size()));
  if (address == 0) return nullptr;
  from.set_position(slice_start);
  file = from;
  if (mean != 0) estimate(mean, 0);
  return reinterpret_cast<Board*>(address);
}

Board* open_board() noexcept {
  if (path[0] != 0) {
    Board* const shared =
        open_slice(SharedFile::open(path, size_t{most_slices} << slice_shift), false);
    if (shared != nullptr) return shared;
  }
  return open_slice(SharedFile::create("strata-board", 2 * slice_bytes), true);
}

void introduce() noexcept {
  board->version = board_version;
  board->process = Machine::process_number();
  board->thread = Machine::thread_number();
  board->parent = parent_process_number();
  board->started = Machine::now();
  constexpr char release[] = STRATA_VERSION;
  static_assert(sizeof release <= sizeof board->release);
  __builtin_memcpy(board->release, release, sizeof release);
  // Last: who sees the magic number sees all of it (release; pairs with the asker's acquire).
  __atomic_store_n(&board->magic, board_magic, __ATOMIC_RELEASE);
}

Verdict answer_survey() noexcept {
  const size_t bytes = align_up(survey_bound(), Machine::page_size());
  const Address memory = file.map(slice_start + answer_offset, bytes);
  if (memory == 0) return Verdict::refused_memory;
  Sheet sheet(memory, bytes);
  survey(sheet);
  board->answer_bytes = sheet.used();
  SharedFile::unmap(memory, bytes);
  return Verdict::done;
}

Verdict answer_blocks(Address from, Address to) noexcept {
  const size_t bytes = align_up(blocks_bound, Machine::page_size());
  const Address memory = file.map(slice_start + answer_offset, bytes);
  if (memory == 0) return Verdict::refused_memory;
  Sheet sheet(memory, bytes);
  show_blocks(sheet, from, to);
  board->answer_bytes = sheet.used();
  SharedFile::unmap(memory, bytes);
  return Verdict::done;
}

void write_totals() noexcept {
  LockGuard guard(totals_lock);
  if (board->ended.load(Order::relaxed) == 0) add_up(board->totals);
}

static_assert(profile_offset + Layout::end <= slice_bytes);

// The mapping stays, also while the profile is off: what was sampled is followed until it is freed.
Verdict answer_profile(size_t mean) noexcept {
  constinit static Address memory = 0;  // this thread's alone; of `process`
  constinit static std::uint32_t process = 0;
  if (mean == 0) {
    profiler::stop();
    return Verdict::done;
  }
  if (process != Machine::process_number()) memory = 0;  // of the parent of a fork
  if (memory == 0) memory = file.map(slice_start + profile_offset, Layout::end);
  if (memory == 0) return Verdict::refused_memory;
  process = Machine::process_number();
  switch (profiler::start_at(memory, mean)) {
    case profiler::Start::done:
      return Verdict::done;
    case profiler::Start::refused_memory:
      return Verdict::refused_memory;
    case profiler::Start::kept_elsewhere:
      return Verdict::kept_elsewhere;
    case profiler::Start::not_in_this_mode:
      return Verdict::not_in_this_mode;
  }
  return Verdict::done;
}

Verdict answer(Question question) noexcept {
  board->answer_bytes = 0;
  switch (question) {
    case Question::totals:
      write_totals();
      return Verdict::done;
    case Question::survey:
      write_totals();
      return answer_survey();
    case Question::blocks:
      return answer_blocks(board->arguments[0], board->arguments[1]);
    case Question::profile:
      return answer_profile(board->arguments[0]);
    case Question::estimate:
      estimate(board->arguments[0], std::uint32_t(board->arguments[1]));
      write_totals();
      return Verdict::done;
    default:
      return Verdict::unknown_question;
  }
}

void answer_for_ever() noexcept {
  for (;;) {
    // Acquire pairs with the asker's release: the question is complete.
    const std::uint32_t asked = board->asked.load(Order::acquire);
    if (asked == board->answered.load(Order::relaxed)) {
      wait_shared(board->asked, asked, estimates_last());
      end_estimates();
      continue;
    }
    board->verdict = answer(board->question);
    board->answered.store(asked, Order::release);
    wake_shared(board->answered);
  }
}

void run() noexcept {
  char name[sizeof board->name] = {};
  read_thread_name(name);  // as yet it has that of the thread that made it
  name_thread(observer_name);
  board = open_board();
  if (board != nullptr) {
    file.keep_alone();
    __builtin_memcpy(board->name, name, sizeof name);
    introduce();
  }
  const bool ready = board != nullptr;
  state.store(ready ? 2 : 0, Order::release);
  Machine::wake(state);
  if (!ready) LinuxPlatform::end_worker();
  answer_for_ever();
}

}  // namespace

bool start(const char* where) noexcept {
  path[0] = 0;
  for (size_t i = 0; where != nullptr && where[i] != 0 && i + 1 < longest_path; ++i) {
    path[i] = where[i];
    path[i + 1] = 0;
  }
  state.store(1, Order::relaxed);
  if (!LinuxPlatform::start_worker(run, LinuxPlatform::Descriptors::own)) {
    state.store(0, Order::relaxed);
    return false;
  }
  // Until the thread has closed its copies of the program's descriptors: a pipe that the program
  // closes must end.
  const std::uint64_t limit = Machine::now() + patience_ms;
  while (state.load(Order::acquire) == 1 && Machine::now() < limit) {
    Machine::wait(state, 1, patience_ms / 10);
  }
  if (!is_running()) return false;
  LinuxPlatform::keep_last_words(board->last_words, sizeof board->last_words);
  return true;
}

void start_again_after_fork() noexcept {
  if (state.load(Order::relaxed) == 0) return;
  LinuxPlatform::keep_last_words(nullptr, 0);
  board = nullptr;
  new (&totals_lock) Machine::Lock;
  char where[longest_path];
  __builtin_memcpy(where, path, longest_path);
  start_counting_anew();
  start(where);
}

void finish() noexcept {
  if (!is_running()) return;
  write_totals();
  board->ended.store(1, Order::release);
}

bool is_running() noexcept { return state.load(Order::acquire) == 2; }

}  // namespace strata::observe
