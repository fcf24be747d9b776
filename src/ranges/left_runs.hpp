// LeftRuns: runs of slots that were given back without the supply's lock. Whoever holds it next
// collects them, the worker at the latest.
//
// A stack in one word: the number of the run left last among the slots of its range, plus one, and
// above it how many slots all of them have. Runs are put on singly and taken off together, so a
// head that went away and came back (ABA) is harmless: the run is linked to the one that the
// compare-and-swap found again.
//
// Nobody is woken for a run. It may be left while the worker is awake, and of a leaver and a worker
// that goes to sleep one sees the other (all four accesses are seq_cst):
//
//   leaver   puts the run on the stack; is the worker awake?  no:  the leaver collects
//   worker   says that it sleeps; is anything on the stack?   yes: it is awake again, and collects
//
// tests/protocol explores every interleaving: hence the parameter WordOf, which is Atomic everywhere
// else. SlotType has next and length.
#pragma once

#include <cstdint>

#include "base/atomic.hpp"

namespace strata {

enum class Left : std::uint8_t {
  no,       // the worker sleeps, or too much is left already: give the run back under the lock
  yes,      // nothing remains to be done
  collect,  // the worker fell asleep meanwhile: take the lock and collect
};

// `most`: slots that may be left together.
template <class SlotType, std::uint32_t most, template <class> class WordOf = Atomic>
class LeftRuns {
 public:
  // `first`: where the range's slots begin. `awake`: not 0 while the worker is.
  Left leave(SlotType* first, SlotType* run, std::uint32_t slots,
             const WordOf<std::uint32_t>& awake) noexcept {
    if (awake.load(Order::relaxed) == 0) return Left::no;
    run->length = slots;
    const auto number = std::uint64_t(run - first) + 1;
    std::uint64_t found = word_.load(Order::relaxed);
    std::uint64_t wanted = 0;
    do {
      const std::uint64_t all = (found >> slots_at) + slots;
      if (all > most) return Left::no;
      run->next = slot_at(first, found);
      wanted = all << slots_at | number;
    } while (!word_.compare_exchange(found, wanted, Order::seq_cst));
    return awake.load(Order::seq_cst) != 0 ? Left::yes : Left::collect;
  }

  [[nodiscard]] bool any() const noexcept { return word_.load(Order::relaxed) != 0; }

  // Takes all runs: the one left last, and the others linked through `next`.
  SlotType* take(SlotType* first) noexcept {
    return slot_at(first, word_.exchange(0, Order::acquire));
  }

  // The worker wants to sleep. False: something was left meanwhile, and it must not.
  bool may_sleep(WordOf<std::uint32_t>& awake) noexcept {
    awake.store(0, Order::seq_cst);
    if (word_.load(Order::seq_cst) == 0) return true;
    awake.store(1, Order::relaxed);
    return false;
  }

 private:
  static constexpr unsigned slots_at = 32;

  static SlotType* slot_at(SlotType* first, std::uint64_t word) noexcept {
    const auto number = std::uint32_t(word);
    return number == 0 ? nullptr : first + (number - 1);
  }

  WordOf<std::uint64_t> word_;
};

}  // namespace strata
