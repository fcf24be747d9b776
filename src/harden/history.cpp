// See history.hpp.
#include "harden/history.hpp"

#include "base/atomic.hpp"
#include "harden/guards.hpp"
#include "platform/current.hpp"
#include "ranges/slot_supply.hpp"

namespace strata::harden {
namespace {

constexpr size_t piece_bytes = 4 * MiB;
constexpr size_t most_pieces = size_t{1} << 18;  // of a range of 1 TiB
constexpr unsigned most_outside = 1024;

constinit Atomic<Address> shadow;
constinit size_t shadow_bytes;             // written before `shadow`
constinit Atomic<unsigned> opened;         // 1: tried
Atomic<std::uint8_t> pieces[most_pieces];  // 1: committed

struct Outside {
  Atomic<Address> block;
  History history;
};
Outside outside[most_outside];

bool open_shadow() noexcept {
  unsigned expected = 0;
  if (!opened.compare_exchange(expected, 1, Order::acq_rel)) return false;
  // What the range has in use grows, up to what was reserved of it.
  Address reserved = 0;
  size_t bytes = most_pieces * piece_bytes;
  for (; bytes >= 1 * GiB; bytes /= 4) {
    reserved = Machine::reserve(bytes, Machine::page_size());
    if (reserved != 0) break;
  }
  if (reserved == 0) {
    warn_once(Shrinks::histories);
    return false;
  }
  shadow_bytes = bytes;
  shadow.store(reserved, Order::release);
  return true;
}

History* outside_of(Address block) noexcept {
  Outside& entry = outside[(block >> 12 ^ block >> 24) % most_outside];
  if (entry.block.exchange(block, Order::relaxed) != block) entry.history = {};
  return &entry.history;
}

}  // namespace

History* history_of(Address block) noexcept {
  const Address offset = block - seen_primary_base();
  if (offset >= seen_primary_bytes()) return outside_of(block);
  if (shadow.load(Order::acquire) == 0 && !open_shadow()) return nullptr;
  const Address base = shadow.load(Order::acquire);
  if (offset >= shadow_bytes) return outside_of(block);
  const size_t piece = offset / piece_bytes;
  if (pieces[piece].load(Order::acquire) == 0) {
    if (!Machine::commit(base + piece * piece_bytes, piece_bytes)) {
      warn_once(Shrinks::histories);
      return nullptr;
    }
    pieces[piece].store(1, Order::release);
  }
  return reinterpret_cast<History*>(base + align_down(offset, granule_size));
}

bool is_in_shadow(Address address) noexcept {
  const Address begin = shadow.load(Order::relaxed);
  return begin != 0 && address - begin < shadow_bytes;
}

}  // namespace strata::harden
