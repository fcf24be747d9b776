// Merging threads, following blocks.
#include "trace/history.hpp"

#include <algorithm>

namespace strata::trace {
namespace {

// How long an event that cannot be waits for others, in nanoseconds, each time it is looked at.
constexpr std::uint64_t waits[] = {1000, 20000, 1000000};
constexpr unsigned most_waits = 3;

}  // namespace

History::History(const TraceFile& file, const ProcessInTrace& process) {
  threads_.reserve(process.threads.size());
  for (const std::uint32_t thread : process.threads) {
    threads_.push_back({TraceFile::Thread(file, process.number, thread), {}, 0, 0, 0, {}});
    schedule(std::uint32_t(threads_.size() - 1));
  }
}

bool History::refill(Thread& thread) {
  if (thread.at < thread.events.size()) return true;
  thread.events = thread.source.next_chunk();
  thread.at = 0;
  return !thread.events.empty();
}

void History::schedule(std::uint32_t index, std::uint64_t not_before) {
  Thread& thread = threads_[index];
  if (refill(thread)) turns_.push({std::max(thread.events[thread.at].time, not_before), index});
}

std::uint32_t History::new_number() {
  if (spare_numbers_.empty()) return numbers_++;
  const std::uint32_t number = spare_numbers_.back();
  spare_numbers_.pop_back();
  return number;
}

bool History::can_be(const Event& event) const {
  switch (event.kind) {
    case Kind::malloc:
    case Kind::calloc:
    case Kind::aligned:
      return !alive_.contains(event.address);
    case Kind::free:
    case Kind::realloc_from:
      return alive_.contains(event.address);
    default:
      return true;
  }
}

std::optional<Step> History::next() {
  if (pending_) {
    const std::optional<Step> step = pending_;
    pending_.reset();
    return step;
  }
  while (!turns_.empty()) {
    const auto [time, index] = turns_.top();
    turns_.pop();
    Thread& thread = threads_[index];
    const Event event = thread.events[thread.at];
    // Alone, there is nobody to wait for.
    if (!can_be(event) && thread.waits < most_waits && !turns_.empty()) {
      turns_.push({time + waits[thread.waits++], index});
      continue;
    }
    if (thread.waits != 0) ++oddities_.events_waited;
    thread.waits = 0;
    ++thread.at;
    const std::optional<Step> step = apply(index, event);
    schedule(index, time);
    if (step) return step;
  }
  return {};
}

std::optional<Step> History::apply(std::uint32_t index, const Event& event) {
  Thread& thread = threads_[index];
  Step step;
  step.thread = index;
  step.time = event.time;
  if (event.kind == Kind::site) {
    thread.site = event.address;
    return {};
  }
  step.site = thread.site;
  thread.site = 0;
  switch (event.kind) {
    case Kind::malloc:
    case Kind::calloc:
    case Kind::aligned:
      step.origin = event.kind;
      step.alignment_log2 = event.alignment_log2;
      return obtain(step, event);
    case Kind::free:
      return give_back(step, event.address);
    case Kind::realloc_from:
      begin_move(thread, event.address);
      return {};
    case Kind::realloc_to:
      return end_move(thread, step, event);
    case Kind::failed:
      return refuse(thread, step, event);
    case Kind::thread_end:
      step.kind = StepKind::thread_end;
      return step;
    default:
      return {};
  }
}

Step History::end_unseen(Step next, const Block& block) {
  ++oddities_.unseen_frees;
  pending_ = next;
  Step end = next;
  end.kind = StepKind::free;
  end.block = block.number;
  end.old_size = block.size;
  end.size = 0;
  return end;
}

std::optional<Step> History::obtain(Step step, const Event& event) {
  step.kind = StepKind::allocate;
  step.address = event.address;
  step.size = event.size;
  const auto [found, is_new] = alive_.try_emplace(event.address);
  const Block before = found->second;
  if (is_new) found->second.number = new_number();
  found->second.size = event.size;
  step.block = found->second.number;  // when one lived there, its number goes on
  if (is_new) return step;
  return end_unseen(step, before);
}

std::optional<Step> History::give_back(Step step, std::uint64_t address) {
  const auto found = alive_.find(address);
  if (found == alive_.end()) {
    ++oddities_.unknown_frees;
    return {};
  }
  step.kind = StepKind::free;
  step.address = address;
  step.block = found->second.number;
  step.old_size = found->second.size;
  spare_numbers_.push_back(step.block);
  alive_.erase(found);
  return step;
}

void History::begin_move(Thread& thread, std::uint64_t address) {
  const auto found = alive_.find(address);
  if (found == alive_.end()) {
    ++oddities_.unknown_frees;
    thread.moving.push_back({address, {}});
    return;
  }
  thread.moving.push_back({address, found->second});
  alive_.erase(found);
}

std::optional<Step> History::end_move(Thread& thread, Step step, const Event& event) {
  std::optional<Block> block;
  if (!thread.moving.empty()) {
    block = thread.moving.back().block;
    thread.moving.pop_back();
  }
  // A block from before the recording: as far as we know it begins here.
  if (!block) return obtain(step, event);
  step.kind = StepKind::reallocate;
  step.address = event.address;
  step.size = event.size;
  step.old_size = block->size;
  step.block = block->number;
  const Block moved{block->number, event.size};
  const auto [found, is_free] = alive_.try_emplace(event.address, moved);
  if (is_free) return step;
  const Block before = found->second;
  spare_numbers_.push_back(before.number);
  found->second = moved;
  return end_unseen(step, before);
}

std::optional<Step> History::refuse(Thread& thread, Step step, const Event& event) {
  if (thread.moving.empty()) {
    ++oddities_.refused;
    return {};
  }
  // realloc to nothing frees; otherwise the block stays where it was.
  const auto [from, block] = thread.moving.back();
  thread.moving.pop_back();
  if (event.size != 0) ++oddities_.refused;
  if (block) alive_.emplace(from, *block);
  return event.size == 0 && block ? give_back(step, from) : std::nullopt;
}

}  // namespace strata::trace
