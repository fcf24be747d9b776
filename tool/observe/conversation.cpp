// Asking over a board. See conversation.hpp.
#include "observe/conversation.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

using observe::Board;

constexpr unsigned patience_ms = 5000;
constexpr unsigned patience_at_end_ms = 1000;

size_t board_bytes() {
  const auto page = size_t(::sysconf(_SC_PAGESIZE));
  return (sizeof(Board) + page - 1) / page * page;
}

long futex(Atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* time) {
  return ::syscall(SYS_futex, &word, operation, value, time, nullptr, 0);
}

// Reads arrays of plain data out of an answer, with every length checked.
class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}

  template <class T>
  T one() {
    T item;
    if (bytes_.size() - at_ < sizeof(T)) throw Trouble("the process's answer is cut off");
    std::memcpy(static_cast<void*>(&item), bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return item;
  }
  template <class T>
  std::vector<T> many(std::uint64_t count) {
    if (count > (bytes_.size() - at_) / sizeof(T)) throw Trouble("the process's answer is cut off");
    std::vector<T> items(count);
    if (count != 0) std::memcpy(items.data(), bytes_.data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
    return items;
  }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

bool is_observer(const ThreadName& thread) { return thread.name == observe::observer_name; }

// The board's file, where in it the process has its slice, and the thread that answers there.
struct Place {
  int file;
  std::uint64_t start;
  pid_t observer;
};

Place find_board(const Process& process) {
  for (const ThreadName& thread : process.threads()) {
    if (!is_observer(thread)) continue;
    const std::string folder = process.path(fmt::format("task/{}/", thread.number));
    const std::string position = process.read(fmt::format("task/{}/fdinfo/0", thread.number));
    const int file = ::open((folder + "fd/0").c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) process.refuse(errno);
    return {file, std::strtoull(position.c_str() + std::strlen("pos:"), nullptr, 10),
            thread.number};
  }
  throw Trouble("{}", why_not_observed(process));
}

}  // namespace

std::string why_not_observed(const Process& process) {
  if (is_observed(process)) return "";
  if (runs_under_strata(process)) {
    return fmt::format(
        "{} runs under Strata, but was not started to be looked into: start it by "
        "`strata run -- PROGRAM`, or with STRATA_OBSERVE=on",
        process.title());
  }
  return fmt::format("{} does not run under Strata: start it by `strata run -- PROGRAM`",
                     process.title());
}

bool is_observed(const Process& process) {
  for (const ThreadName& thread : process.threads()) {
    if (is_observer(thread)) return true;
  }
  return false;
}

bool runs_under_strata(const Process& process) {
  return process.read("maps").find("/libstrata.so") != std::string::npos;
}

Slice::Slice(int file, std::uint64_t start, bool owns) : file_(file), start_(start), owns_(owns) {
  void* const memory =
      ::mmap(nullptr, board_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file, off_t(start));
  if (memory == MAP_FAILED) {
    if (owns) ::close(file);
    throw Trouble("the process's board cannot be mapped: {}", std::strerror(errno));
  }
  board_ = static_cast<Board*>(memory);
  const std::uint64_t magic = __atomic_load_n(&board_->magic, __ATOMIC_ACQUIRE);
  const std::uint32_t version = board_->version;
  if (magic == observe::board_magic && version == observe::board_version) return;
  ::munmap(memory, board_bytes());
  if (owns) ::close(file);
  if (magic != observe::board_magic)
    throw Trouble("what the process shows is no board of Strata's");
  throw Trouble("the process's library speaks version {} of the protocol, this command version {}",
                version, observe::board_version);
}

Slice::~Slice() {
  ::munmap(board_, board_bytes());
  if (owns_) ::close(file_);
}

std::string Slice::last_words() const {
  const char* const text = board_->last_words;
  std::string words(text, ::strnlen(text, sizeof board_->last_words));
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return words;
}

bool Slice::lock(unsigned milliseconds) {
  struct flock wanted = {};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;
  wanted.l_start = off_t(start_);
  wanted.l_len = 1;
  for (unsigned waited = 0; ::fcntl(file_, F_OFD_SETLK, &wanted) != 0; waited += 5) {
    if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || waited >= milliseconds) {
      return false;
    }
    ::usleep(5000);
  }
  return true;
}

void Slice::unlock() {
  struct flock wanted = {};
  wanted.l_type = F_UNLCK;
  wanted.l_whence = SEEK_SET;
  wanted.l_start = off_t(start_);
  wanted.l_len = 1;
  ::fcntl(file_, F_OFD_SETLK, &wanted);
}

void Slice::put_question(observe::Question question) {
  board_->question = question;
  for (unsigned i = 0; i < 2; ++i) board_->arguments[i] = arguments_[i];
  // Release pairs with the observer's acquire.
  board_->asked.fetch_add(1, Order::release);
  futex(board_->asked, FUTEX_WAKE, 1, nullptr);
}

bool Slice::is_answered(unsigned milliseconds) {
  const std::uint32_t asked = board_->asked.load(Order::relaxed);
  const std::uint32_t answered = board_->answered.load(Order::acquire);
  if (answered == asked) return true;
  const timespec time = {time_t(milliseconds / 1000), long(milliseconds % 1000) * 1000000};
  futex(board_->answered, FUTEX_WAIT, answered, &time);
  return board_->answered.load(Order::acquire) == asked;
}

std::string Slice::take_answer() {
  const std::uint64_t bytes = board_->answer_bytes;
  std::string answer;
  if (bytes <= observe::largest_answer) {
    answer.resize(bytes);
    for (size_t at = 0; at < answer.size();) {
      const ssize_t got = ::pread(file_, answer.data() + at, answer.size() - at,
                                  off_t(start_ + observe::answer_offset + at));
      if (got <= 0) break;
      at += size_t(got);
    }
  }
  // The pages go back at once: they are charged to the process.
  ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              off_t(start_ + observe::answer_offset), off_t(observe::largest_answer));
  return answer;
}

observe::Totals Slice::take_totals() {
  observe::Totals totals = board_->totals;
  unlock();
  return totals;
}

observe::Verdict Slice::take_verdict() {
  const observe::Verdict verdict = board_->verdict;
  unlock();
  return verdict;
}

std::vector<observe::SlotBlocks> Slice::take_blocks() {
  const observe::Verdict verdict = board_->verdict;
  const std::string answer = take_answer();
  unlock();
  if (verdict == observe::Verdict::refused_memory) {
    throw Trouble("the process was refused the memory for its answer");
  }
  return Reader(answer).many<observe::SlotBlocks>(answer.size() / sizeof(observe::SlotBlocks));
}

HeapView Slice::take_survey() {
  HeapView view;
  view.totals = board_->totals;
  const observe::Verdict verdict = board_->verdict;
  const std::string answer = take_answer();
  unlock();
  if (verdict == observe::Verdict::refused_memory) {
    throw Trouble("the process was refused the memory for its answer");
  }
  Reader reader(answer);
  const auto head = reader.one<observe::Survey>();
  view.settings = head.settings;
  view.areas = reader.many<observe::Area>(head.areas);
  view.threads = reader.many<observe::Thread>(head.threads);
  auto unsettled = reader.many<observe::Unsettled>(head.unsettled);
  view.runs = reader.many<observe::Run>(head.runs);
  view.truncated = head.truncated != 0;

  std::sort(unsettled.begin(), unsettled.end(),
            [](const auto& a, const auto& b) { return a.slab < b.slab; });
  for (observe::Run& run : view.runs) {
    if (run.size_class >= class_count) run.size_class = 0;
    if (run.kind != observe::RunKind::slab) continue;
    std::int64_t live = std::int16_t(run.live);
    auto next = std::lower_bound(unsettled.begin(), unsettled.end(), run.address,
                                 [](const observe::Unsettled& entry, std::uint64_t address) {
                                   return entry.slab < address;
                                 });
    for (; next != unsettled.end() && next->slab == run.address; ++next) live += next->blocks;
    const SizeClass& size_class = size_classes.classes[run.size_class];
    const std::int64_t most = std::int64_t{size_class.capacity} * size_class.slots;
    run.live = std::uint16_t(live < 0 ? 0 : live > most ? most : live);
  }
  return view;
}

Conversation::Conversation(Process& process)
    : process_(process), slice_([&] {
        const Place place = find_board(process);
        observer_ = place.observer;
        return Slice(place.file, place.start, true);
      }()) {}

void Conversation::check_alive() const {
  if (process_.has_ended()) throw Trouble("{} ended while it was asked", process_.title());
  // A program that took its place may be observed too, by a thread of its own.
  if (::access(process_.path(fmt::format("task/{}", observer_)).c_str(), F_OK) != 0) {
    // Its threads are gone before it is: what ends has ended soon.
    if (process_.has_ended(patience_at_end_ms)) {
      throw Trouble("{} ended while it was asked", process_.title());
    }
    throw Trouble("{} replaced itself by another program (exec) while it was asked",
                  process_.title());
  }
}

void Conversation::ask(observe::Question question, std::uint64_t first, std::uint64_t second) {
  // Seen so several times in a row: a process may be stopped for a moment.
  constexpr unsigned looks = 15;
  unsigned stopped = 0;
  const auto alive = [&] {
    check_alive();
    const char state = process_.state();
    stopped = state == 'T' || state == 't' ? stopped + 1 : 0;
    if (stopped >= looks) {
      throw Trouble("{} does not answer: it is stopped; `kill -CONT {}` lets it go on",
                    process_.title(), process_.number());
    }
  };
  if (slice_.ask(question, patience_ms, alive, first, second)) return;
  check_alive();
  throw Trouble("{} does not answer: it has not in {} seconds (state {})", process_.title(),
                patience_ms / 1000, process_.state());
}

HeapView Conversation::survey() {
  ask(observe::Question::survey);
  return slice_.take_survey();
}

std::vector<observe::SlotBlocks> Conversation::blocks(std::uint64_t from, std::uint64_t to) {
  ask(observe::Question::blocks, from, to);
  return slice_.take_blocks();
}

observe::Totals Conversation::estimate(std::uint64_t mean, std::uint64_t milliseconds) {
  ask(observe::Question::estimate, mean, milliseconds);
  return slice_.take_totals();
}

observe::Totals Conversation::totals() {
  ask(observe::Question::totals);
  return slice_.take_totals();
}

void Conversation::switch_profile(std::uint64_t mean) {
  ask(observe::Question::profile, mean);
  switch (slice_.take_verdict()) {
    case observe::Verdict::done:
      return;
    case observe::Verdict::not_in_this_mode:
      throw Trouble("{} runs in a mode that checks; only the default mode has a heap profile",
                    process_.title());
    case observe::Verdict::kept_elsewhere:
      throw Trouble("{} is profiled by another command already", process_.title());
    default:
      throw Trouble("{} was refused the memory for a profile", process_.title());
  }
}

}  // namespace strata::tool
