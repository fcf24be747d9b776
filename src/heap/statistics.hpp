// Statistics of the whole heap, found by walking the slots: exact for what no other thread changes
// meanwhile. O(committed slots); takes the supply's lock, allocates nothing.
#pragma once

#include "heap/size_classes.hpp"

namespace strata::heap {

struct ClassStatistics {
  size_t slabs = 0;
  size_t live = 0;      // blocks
  size_t free = 0;      // blocks that are carved and not live
  size_t resident = 0;  // bytes touched in the class's slabs
};

struct Statistics {
  ClassStatistics classes[class_count];
  size_t strips = 0;  // slots that falloc cut from; their bytes count as small ones, too
  size_t strip_live_bytes = 0;
  size_t small_live_bytes = 0;
  size_t small_free_bytes = 0;  // resident bytes of slabs and strips that are not live
  size_t large_blocks = 0;
  size_t large_bytes = 0;
  size_t huge_blocks = 0;
  size_t huge_bytes = 0;
  size_t lent_bytes = 0;   // runs of slots that regions grew by, used by them or not
  size_t dirty_bytes = 0;  // waits for purging
  size_t metadata_bytes = 0;
  size_t committed_bytes = 0;
  size_t reserved_bytes = 0;
  size_t purged_bytes = 0;  // since the start
  size_t purges = 0;
  size_t threads = 0;

  [[nodiscard]] size_t live_bytes() const noexcept {
    return small_live_bytes + large_bytes + lent_bytes + huge_bytes;
  }
};

// Fills `statistics`, which the caller zeroed. Blocks that the calling thread holds on their way
// home are sent first.
void collect(Statistics& statistics) noexcept;

}  // namespace strata::heap
