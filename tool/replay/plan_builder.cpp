// Making plans.
#include "replay/plan_builder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>

namespace strata::replay {
namespace {

using trace::Step;
using trace::StepKind;

constexpr std::uint32_t epochs_wanted = 500;
constexpr std::uint64_t shortest_epoch = 2000;  // events: below it barriers outweigh the calls

int unnamed_file() {
  const char* const chosen = std::getenv("TMPDIR");
  for (const char* folder : {chosen != nullptr ? chosen : "/tmp", "/var/tmp"}) {
    const int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return file;
    std::string name = std::string(folder) + "/strata-plan.XXXXXX";
    const int named = mkostemp(name.data(), O_CLOEXEC);
    if (named < 0) continue;
    unlink(name.c_str());
    return named;
  }
  throw std::system_error(errno, std::generic_category(), "cannot make a file for the plan");
}

void write_at(int file, std::uint64_t offset, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size != 0) {
    const ssize_t wrote = pwrite(file, at, size, off_t(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0)
      throw std::system_error(errno, std::generic_category(), "cannot write the plan");
    at += wrote;
    offset += std::uint64_t(wrote);
    size -= std::size_t(wrote);
  }
}

class Builder {
 public:
  Builder(Plan& plan, std::uint32_t threads) : plan_(plan), threads_(threads) {
    header_.magic = PlanHeader::right_magic;
    header_.threads = threads;
    at_ = sizeof header_;
  }

  void add(const Step& step) {
    switch (step.kind) {
      case StepKind::allocate:
        allocate(step);
        break;
      case StepKind::reallocate:
        reallocate(step);
        break;
      case StepKind::free:
        free(step);
        break;
      case StepKind::thread_end:
        // Its end is written when nothing more came: other libraries may free after it.
        put(step.thread, make_operation(Action::nothing, 0));
        threads_[step.thread].ended = true;
        break;
    }
    last_time_ = step.time;
  }

  void end_epoch() {
    if (threads_in_epoch_.empty()) return;
    epochs_.push_back({last_time_, live_bytes_, std::uint32_t(threads_in_epoch_.size()), 0});
    std::uint32_t alive = 0;
    for (const std::uint32_t index : threads_in_epoch_) threads_[index].in_epoch = false;
    for (const Thread& thread : threads_) alive += thread.started && !thread.gone ? 1 : 0;
    header_.most_threads = std::max(header_.most_threads, alive);
    for (Thread& thread : threads_) thread.gone = thread.ended;
    threads_in_epoch_.clear();
    spare_slots_.insert(spare_slots_.end(), emptied_.begin(), emptied_.end());
    emptied_.clear();
    plan_.asked.push_back({double(last_time_) / 1e9, live_bytes_});
  }

  void finish(std::uint32_t main_thread) {
    end_epoch();
    std::vector<std::uint64_t> blocks;
    std::vector<PlanThread> table;
    for (Thread& thread : threads_) {
      if (thread.ended) push(thread, make_operation(Action::thread_end, 0));
      flush(thread);
      PlanThread entry = thread.entry;
      entry.first_block = std::uint32_t(blocks.size());
      entry.blocks = std::uint32_t(thread.blocks.size());
      table.push_back(entry);
      blocks.insert(blocks.end(), thread.blocks.begin(), thread.blocks.end());
    }
    header_.main_thread = main_thread;
    header_.epochs = std::uint32_t(epochs_.size());
    header_.blocks = std::uint32_t(blocks.size());
    header_.threads_at = append(table.data(), table.size() * sizeof table[0]);
    header_.epochs_at = append(epochs_.data(), epochs_.size() * sizeof epochs_[0]);
    header_.blocks_at = append(blocks.data(), blocks.size() * sizeof blocks[0]);
    header_.end = at_;
    write_at(plan_.file, 0, &header_, sizeof header_);
  }

  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t live_blocks() const { return live_blocks_; }

 private:
  struct Thread {
    PlanThread entry{};
    std::vector<Operation> waiting;  // for its next block
    std::vector<std::uint64_t> blocks;
    bool started = false, ended = false, gone = false, in_epoch = false;
  };
  // Where a living block is.
  struct Place {
    std::uint32_t slot = 0;
    std::uint32_t thread = 0;  // that filled it
    std::uint32_t epoch = 0;   // when
  };

  [[nodiscard]] bool alone() const { return threads_.size() == 1; }

  std::uint64_t append(const void* data, std::size_t size) {
    const std::uint64_t here = at_;
    write_at(plan_.file, here, data, size);
    at_ += (size + 15) / 16 * 16;
    return here;
  }
  void flush(Thread& thread) {
    if (thread.waiting.empty()) return;
    thread.waiting.resize(operations_per_block);
    thread.blocks.push_back(
        append(thread.waiting.data(), operations_per_block * sizeof(Operation)));
    thread.waiting.clear();
  }
  void push(Thread& thread, const Operation& operation) {
    if (thread.waiting.capacity() == 0) thread.waiting.reserve(operations_per_block);
    thread.waiting.push_back(operation);
    ++thread.entry.operations;
    if (thread.waiting.size() == operations_per_block) flush(thread);
  }
  void put(std::uint32_t index, const Operation& operation) {
    Thread& thread = threads_[index];
    const auto epoch = std::uint32_t(epochs_.size());
    if (!thread.in_epoch) {
      if (!thread.started) thread.entry.first_epoch = epoch;
      // A thread that is started waits for its first epoch by being started then.
      if (thread.started) push(thread, make_operation(Action::epoch, epoch));
      thread.started = thread.in_epoch = true;
      threads_in_epoch_.push_back(index);
    }
    thread.ended = false;
    push(thread, operation);
  }

  std::uint32_t take_slot() {
    if (spare_slots_.empty()) return header_.slots++;
    const std::uint32_t slot = spare_slots_.back();
    spare_slots_.pop_back();
    return slot;
  }
  void empty_slot(std::uint32_t slot) { (alone() ? spare_slots_ : emptied_).push_back(slot); }
  Place& place_of(std::uint32_t block) {
    if (block >= places_.size()) places_.resize(block + 1);
    return places_[block];
  }
  [[nodiscard]] bool must_wait(const Place& place, std::uint32_t thread) const {
    return place.thread != thread && place.epoch == epochs_.size();
  }

  void allocate(const Step& step) {
    Place& place = place_of(step.block);
    place = {take_slot(), step.thread, std::uint32_t(epochs_.size())};
    const Action action = step.origin == trace::Kind::calloc    ? Action::calloc
                          : step.origin == trace::Kind::aligned ? Action::aligned
                                                                : Action::malloc;
    put(step.thread, make_operation(action, place.slot, step.size, false, 0, step.alignment_log2));
    live_bytes_ += step.size;
    ++live_blocks_;
  }
  void reallocate(const Step& step) {
    Place& place = place_of(step.block);
    const Place before = place;
    const bool waits = must_wait(before, step.thread);
    if (!alone()) {
      place = {take_slot(), step.thread, std::uint32_t(epochs_.size())};
      empty_slot(before.slot);
    }
    put(step.thread, make_operation(Action::old_size, 0, step.old_size));
    put(step.thread, make_operation(Action::realloc, place.slot, step.size, waits, before.slot));
    live_bytes_ += step.size - step.old_size;
  }
  void free(const Step& step) {
    const Place place = place_of(step.block);
    put(step.thread, make_operation(Action::free, place.slot, 0, must_wait(place, step.thread)));
    empty_slot(place.slot);
    live_bytes_ -= step.old_size;
    --live_blocks_;
  }

  Plan& plan_;
  PlanHeader header_{};
  std::uint64_t at_ = 0;
  std::vector<Thread> threads_;
  std::vector<Place> places_;  // by block
  std::vector<std::uint32_t> spare_slots_;
  std::vector<std::uint32_t> emptied_;  // in this epoch
  std::vector<std::uint32_t> threads_in_epoch_;
  std::vector<PlanEpoch> epochs_;
  std::uint64_t last_time_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t live_blocks_ = 0;
};

}  // namespace

Plan::~Plan() {
  if (file >= 0) close(file);
}
Plan::Plan(Plan&& other) noexcept
    : file(std::exchange(other.file, -1)),
      figures(std::move(other.figures)),
      asked(std::move(other.asked)) {}
Plan& Plan::operator=(Plan&& other) noexcept {
  std::swap(file, other.file);
  figures = std::move(other.figures);
  asked = std::move(other.asked);
  return *this;
}

Plan build_plan(const trace::TraceFile& trace, const trace::ProcessInTrace& process,
                const std::function<void(double)>& progress) {
  Plan plan;
  plan.file = unnamed_file();
  TraceFigures& figures = plan.figures;
  figures.threads = std::uint32_t(process.threads.size());
  figures.cut_off = trace.cut_off();

  Builder builder(plan, figures.threads);
  trace::History history(trace, process);
  const std::uint64_t per_epoch = std::max(shortest_epoch, process.events / epochs_wanted);
  const std::uint64_t time_per_epoch =
      std::max<std::uint64_t>(1000000, (trace.last_time(process) - process.start) / epochs_wanted);
  std::uint64_t in_epoch = 0;
  std::uint64_t first_time = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t epoch_began = 0;
  std::uint64_t last_time = 0;
  while (const std::optional<Step> step = history.next()) {
    first_time = std::min(first_time, step->time);
    // By number of events, and by time, so that a quiet hour is seen too.
    if (in_epoch >= per_epoch || (in_epoch != 0 && step->time > epoch_began + time_per_epoch)) {
      builder.end_epoch();
      in_epoch = 0;
    }
    if (in_epoch++ == 0) {
      epoch_began = step->time;
      progress(double(figures.events) / double(std::max<std::uint64_t>(1, process.events)));
    }
    builder.add(*step);
    last_time = std::max(last_time, step->time);
    if (step->kind != StepKind::thread_end) ++figures.events;
    if (step->kind == StepKind::allocate) ++figures.allocations;
    figures.peak_live_bytes = std::max(figures.peak_live_bytes, builder.live_bytes());
    figures.peak_live_blocks = std::max(figures.peak_live_blocks, builder.live_blocks());
  }
  if (figures.events == 0) throw trace::TraceError(trace.path() + ": the process has no events");
  // The program's first thread; one that is alone is it in any case.
  const auto first = std::find(process.threads.begin(), process.threads.end(), 0U);
  builder.finish(figures.threads == 1 ? 0 : std::uint32_t(first - process.threads.begin()));
  figures.seconds = double(last_time - first_time) / 1e9;
  figures.processor = double(process.processor_time) / 1e9;
  figures.end_live_bytes = builder.live_bytes();
  figures.unknown_frees = history.oddities().unknown_frees;
  figures.unseen_frees = history.oddities().unseen_frees;
  figures.refused = history.oddities().refused;
  for (Point& point : plan.asked) point.seconds -= double(first_time) / 1e9;
  figures.mean_live_bytes = mean_over_time(plan.asked);
  return plan;
}

}  // namespace strata::replay
