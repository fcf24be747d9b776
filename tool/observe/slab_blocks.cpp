// Asking for single blocks. See slab_blocks.hpp.
#include "observe/slab_blocks.hpp"

#include <algorithm>

#include "ranges/slot.hpp"

namespace strata::tool {
namespace {

bool is_slab(const observe::Run& run) {
  return run.kind == observe::RunKind::slab || run.kind == observe::RunKind::slab_part;
}

std::string in_base_36(unsigned number) {
  constexpr char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string text;
  for (; number != 0 || text.empty(); number /= 36) text += digits[number % 36];
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace

SlabBlocks read_blocks(Conversation& conversation, const Account& account, size_t most) {
  SlabBlocks found;
  std::vector<std::uint64_t> slots;
  bool wanted = false;  // of the slab whose slots come
  for (const RunShare& share : account.runs) {
    const observe::Run& run = share.run;
    if (!is_slab(run)) continue;
    const SizeClass& size_class = size_classes.classes[run.size_class];
    if (run.kind == observe::RunKind::slab) {
      wanted = run.live != 0 && run.live < size_class.capacity * size_class.slots;
    }
    if (wanted && slots.size() < most) slots.push_back(run.address);
  }
  std::sort(slots.begin(), slots.end());
  for (size_t i = 0; i < slots.size();) {
    // As many neighbours as one answer has room for.
    const std::uint64_t end = slots[i] + observe::most_slots_of_blocks * slot_size;
    size_t last = i;
    while (last + 1 < slots.size() && slots[last + 1] < end) ++last;
    for (const observe::SlotBlocks& one : conversation.blocks(slots[i], slots[last] + slot_size)) {
      found[one.address] = one;
    }
    i = last + 1;
  }
  return found;
}

std::string rows_of(const observe::SlotBlocks& blocks, unsigned capacity) {
  std::string rows;
  bool free = true;
  unsigned length = 0;
  const auto end_row = [&] {
    if (!rows.empty()) rows += '.';
    rows += in_base_36(length);
    length = 0;
  };
  for (unsigned i = 0; i < capacity; ++i) {
    if (((blocks.free[i / 64] >> i % 64 & 1) != 0) != free) {
      end_row();
      free = !free;
    }
    ++length;
  }
  end_row();
  return rows;
}

}  // namespace strata::tool
