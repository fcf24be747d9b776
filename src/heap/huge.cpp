// Huge blocks: mappings of their own, for what is too large for a run of slots, or does not fit in
// the addresses that are left. They grow and move by remapping, without a copy, and give
// everything back when freed. Behind each is a page that was reserved with it and cannot be
// touched.
//
// Their records stand in a hash table by address. Thread-safe: one lock, held over no system call
// but those of the table's own memory.
#include "heap/state.hpp"

namespace strata::heap {
namespace {

struct HugeBlock {
  Address address = 0;
  size_t bytes = 0;  // mapped; the program may use all of it
  HugeBlock* next = nullptr;
};

struct HugeTable {
  static constexpr size_t buckets = 256;

  Machine::Lock lock;
  HugeBlock* heads[buckets] = {};
  MetadataPool<HugeBlock> records;
  HugeUsage usage;
  // The last ones that were freed, for reports: addresses that are nobody's now, or somebody
  // else's.
  HugeBlock freed[32] = {};
  unsigned freed_count = 0;

  static size_t bucket_of(Address address) noexcept {
    return (address >> 12 ^ address >> 21 ^ address >> 30) % buckets;
  }
  HugeBlock* find(Address address) noexcept {
    HugeBlock* block = heads[bucket_of(address)];
    while (block != nullptr && block->address != address) block = block->next;
    return block;
  }
  bool insert(Address address, size_t bytes) noexcept {
    HugeBlock* const block = records.take();
    if (block == nullptr) return false;
    link(block, address, bytes);
    return true;
  }
  void link(HugeBlock* block, Address address, size_t bytes) noexcept {
    block->address = address;
    block->bytes = bytes;
    HugeBlock*& head = heads[bucket_of(address)];
    block->next = head;
    head = block;
    ++usage.blocks;
    usage.bytes += bytes;
  }
  // The block's record, no longer in the table, or nullptr when the address is none.
  HugeBlock* unlink(Address address) noexcept {
    HugeBlock** link = &heads[bucket_of(address)];
    while (*link != nullptr && (*link)->address != address) link = &(*link)->next;
    HugeBlock* const block = *link;
    if (block == nullptr) return nullptr;
    *link = block->next;
    --usage.blocks;
    usage.bytes -= block->bytes;
    return block;
  }
};

constinit HugeTable table;

}  // namespace

namespace {

// Address space made usable, and a page more that is not; or 0.
Address map(size_t bytes, size_t alignment) noexcept {
  const Address address = Machine::reserve(bytes + Machine::page_size(), alignment);
  if (address == 0) return 0;
  // All alike: the system moves only what is one mapping (see remap).
  Machine::allow_huge_pages(address, bytes + Machine::page_size(),
                            range_settings.huge_pages_after <= bytes);
  if (Machine::commit(address, bytes)) return address;
  Machine::release(address, bytes + Machine::page_size());
  return 0;
}
void unmap(Address address, size_t bytes) noexcept {
  Machine::release(address, bytes + Machine::page_size());
}

// The mapping with its last page. That one is made like the others for the moment, because the
// system moves only what is alike; where it cannot be closed again the block has no guard.
template <class M = Machine>
Address remap(Address address, size_t old_bytes, size_t new_bytes) noexcept {
  if constexpr (requires { M::protect(address, old_bytes); }) {
    const size_t page = M::page_size();
    if (!M::commit(address + old_bytes, page)) return 0;
    const Address moved = M::remap(address, old_bytes + page, new_bytes + page);
    M::protect(moved != 0 ? moved + new_bytes : address + old_bytes, page);
    return moved;
  } else {
    return M::remap(address, old_bytes, new_bytes);
  }
}

}  // namespace

void* allocate_huge(size_t size, size_t alignment) noexcept {
  if constexpr (!Machine::maps_large_blocks) return nullptr;
  const size_t page = Machine::page_size();
  const size_t bytes = align_up(size, page);
  if (bytes > size_t(PTRDIFF_MAX) - alignment - page) return nullptr;
  if (alignment < page) alignment = page;
  Address address = map(bytes, alignment);
  // Refused: what small blocks have left behind may be just what is missing.
  if (address == 0 && slot_supply.give_back_unused()) address = map(bytes, alignment);
  if (address == 0) return nullptr;
  bool recorded = false;
  {
    LockGuard guard(table.lock);
    recorded = table.insert(address, bytes);
  }
  if (!recorded) {
    unmap(address, bytes);
    return nullptr;
  }
  if (range_settings.provision == Provision::eager) Machine::populate(address, bytes);
  count_large_block(size);
  return reinterpret_cast<void*>(address);
}

bool free_huge(void* pointer) noexcept {
  if constexpr (!Machine::maps_large_blocks) return false;
  size_t bytes = 0;
  {
    LockGuard guard(table.lock);
    HugeBlock* const block = table.unlink(Address(pointer));
    if (block == nullptr) return false;
    bytes = block->bytes;
    table.freed[table.freed_count++ % (sizeof table.freed / sizeof table.freed[0])] = *block;
    table.records.give(block);
  }
  unmap(Address(pointer), bytes);
  return true;
}

size_t freed_huge_size(const void* pointer) noexcept {
  LockGuard guard(table.lock);
  for (const HugeBlock& block : table.freed) {
    if (block.address == Address(pointer)) return block.bytes;
  }
  return 0;
}

size_t huge_size(const void* pointer) noexcept {
  if constexpr (!Machine::maps_large_blocks) return 0;
  LockGuard guard(table.lock);
  const HugeBlock* const block = table.find(Address(pointer));
  return block != nullptr ? block->bytes : 0;
}

size_t huge_around(Address address, Address& begin) noexcept {
  LockGuard guard(table.lock);
  for (const HugeBlock* block : table.heads) {
    for (; block != nullptr; block = block->next) {
      if (address - block->address >= block->bytes) continue;
      begin = block->address;
      return block->bytes;
    }
  }
  return 0;
}

void* reallocate_huge(void* pointer, size_t size) noexcept {
  if constexpr (!Machine::maps_large_blocks) return nullptr;
  const size_t old_bytes = huge_size(pointer);
  if (size > size_t(PTRDIFF_MAX)) return nullptr;
  const size_t bytes = align_up(size, Machine::page_size());
  if (bytes == old_bytes) return pointer;
  if (bytes > largest_small && bytes >= old_bytes / 2) {
    // The record goes first: the old address may belong to another thread's new mapping as soon as
    // the kernel has moved ours.
    HugeBlock* block = nullptr;
    {
      LockGuard guard(table.lock);
      block = table.unlink(Address(pointer));
    }
    if (block == nullptr) {  // another thread frees or resizes it too
      report(Misuse::invalid_pointer, pointer);
      return nullptr;
    }
    sample::freed(pointer);  // for the sampling point a remapped block is a new one
    const Address moved = remap(Address(pointer), old_bytes, bytes);
    {
      LockGuard guard(table.lock);
      table.link(block, moved != 0 ? moved : Address(pointer), moved != 0 ? bytes : old_bytes);
    }
    if (moved != 0) {
      count_moved(reinterpret_cast<void*>(moved), bytes);
      return reinterpret_cast<void*>(moved);
    }
    // Refused, perhaps by a filter of system calls: then the bytes are copied.
  }
  void* const copy = allocate(size);
  if (copy == nullptr) return nullptr;
  __builtin_memcpy(copy, pointer, size < old_bytes ? size : old_bytes);
  sample::freed(pointer);
  free_huge(pointer);
  return copy;
}

HugeUsage huge_usage() noexcept {
  LockGuard guard(table.lock);
  return table.usage;
}

void for_each_huge(HugeVisitor visit, void* context) noexcept {
  LockGuard guard(table.lock);
  for (const HugeBlock* block : table.heads) {
    for (; block != nullptr; block = block->next) visit(context, block->address, block->bytes);
  }
}

void for_each_huge_record_chunk(HugeVisitor visit, void* context) noexcept {
  LockGuard guard(table.lock);
  table.records.for_each_chunk([&](Address chunk, size_t bytes) { visit(context, chunk, bytes); });
}

Machine::Lock& huge_lock() noexcept { return table.lock; }

}  // namespace strata::heap
