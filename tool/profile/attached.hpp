// The heap profile of a process that runs: switched on and off over its board, read from it.
#pragma once

#include "observe/conversation.hpp"
#include "profile/heap_profile.hpp"

namespace strata::tool {

class AttachedProfile {
 public:
  // Trouble when the process cannot be asked; see Conversation.
  explicit AttachedProfile(Process& process) : conversation_(process) {}

  // Whether it is on: what it knows so far can be taken at once.
  [[nodiscard]] bool is_on();
  // On with one sample in `mean` bytes, or to another mean. Trouble when the process refuses.
  void switch_on(std::uint64_t mean);
  void switch_off();
  // As it is now: live blocks, all that was allocated while it was on, what holds sparse slabs.
  HeapProfile take();

 private:
  Conversation conversation_;
};

}  // namespace strata::tool
