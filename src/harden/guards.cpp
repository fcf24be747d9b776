// Guard pages. See guards.hpp.
#include "harden/guards.hpp"

#include "base/atomic.hpp"
#include "base/print.hpp"
#include "harden/protections.hpp"
#include "platform/current.hpp"

namespace strata::harden {
namespace {

// How guards are made, found out with the first one. Once markers have worked they are all there
// is.
enum class Way : unsigned { unknown, markers, protections };
constinit Atomic<Way> way;
constinit Atomic<size_t> protections;       // in force
constinit Atomic<size_t> most_protections;  // 0: not asked yet
constinit Atomic<unsigned> warned;

constexpr const char* warnings[] = {
    "guard pages are refused, or too many for this system: blocks beyond lie without",
    "few addresses: those of a size class may be given to another, and no large block is guarded",
    "no randomness from the system: places and canaries can be guessed",
    "few addresses or mappings: not every sampled block is guarded",
    "few addresses or little memory: who allocated and freed a block is not always known",
};

size_t protection_limit() noexcept {
  size_t limit = most_protections.load(Order::relaxed);
  if (limit == 0) {
    limit = Machine::mapping_limit() / 4 + 1;
    most_protections.store(limit, Order::relaxed);
  }
  return limit;
}

}  // namespace

void warn_once(Shrinks what) noexcept {
  const unsigned bit = 1U << unsigned(what);
  if ((warned.load(Order::relaxed) & bit) != 0) return;
  if ((warned.fetch_or(bit, Order::relaxed) & bit) != 0) return;
  Line line;
  line.text("strata: warning: ").text(warnings[unsigned(what)]).text("\n");
  Machine::write_error(line.c_str(), line.length());
}

bool install_guard(Address address, size_t bytes) noexcept {
  if constexpr (!has(Protection::guards)) return false;
  const Way now = way.load(Order::relaxed);
  if (now != Way::protections) {
    if (Machine::install_guard(address, bytes)) {
      way.store(Way::markers, Order::relaxed);
      return true;
    }
    if (now == Way::unknown) way.store(Way::protections, Order::relaxed);
  }
  if (now != Way::markers) {
    if (protections.fetch_add(1, Order::relaxed) < protection_limit() &&
        Machine::purge(address, bytes) && Machine::protect(address, bytes)) {
      return true;
    }
    protections.fetch_sub(1, Order::relaxed);
  }
  warn_once(Shrinks::guards);
  return false;
}

bool remove_guard(Address address, size_t bytes) noexcept {
  if (way.load(Order::relaxed) == Way::markers) return Machine::remove_guard(address, bytes);
  if (!Machine::commit(address, bytes)) return false;
  protections.fetch_sub(1, Order::relaxed);
  return true;
}

bool shut_pages(Address address, size_t bytes) noexcept {
  if constexpr (!has(Protection::guards)) return false;
  if (protections.fetch_add(1, Order::relaxed) < protection_limit() / 4 &&
      Machine::protect(address, bytes)) {
    return true;
  }
  protections.fetch_sub(1, Order::relaxed);
  return false;
}

bool reopen_pages(Address address, size_t bytes) noexcept {
  if (!Machine::commit(address, bytes)) return false;
  protections.fetch_sub(1, Order::relaxed);
  return true;
}

bool turn_into_guard(Address address, size_t bytes) noexcept {
  return way.load(Order::relaxed) == Way::markers && Machine::install_guard(address, bytes) &&
         reopen_pages(address, bytes);
}

}  // namespace strata::harden
