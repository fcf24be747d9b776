// A trace played under Strata and looked into: what the heap was like when most was resident.
#pragma once

#include <vector>

#include "observe/account.hpp"
#include "observe/slab_blocks.hpp"
#include "replay/plan_builder.hpp"

namespace strata::tool {

struct ReplayedHeap {
  // At the end of the epoch when most was resident, its parts outside Strata left out: those are
  // the player's, and the program's are not known.
  Account account;
  SlabBlocks blocks;
  replay::Point asked{};  // by the program: when that was, and how much was alive
  // Resident bytes of the heap over the program's time, a point for each epoch.
  std::vector<replay::Point> resident;
};

// Plays the plan twice: to find out when most is resident, and to stop and look there. The settings'
// touch and pace count. std::runtime_error when the player fails, Trouble when it cannot be asked.
ReplayedHeap replay_and_look(const replay::Plan& plan, const replay::Allocator& strata,
                             const replay::Settings& settings);

}  // namespace strata::tool
