// Atomic<T>: the few atomic operations the core uses, over compiler builtins.
//
// Why not <atomic>: GCC 12's header pulls in pthread.h, stdio.h and std::string in C++20 mode,
// which a freestanding build must not see. Every operation names its memory order at the call.
// Arithmetic is for integers; what only moves a value takes an enum or a pointer as well.
#pragma once

namespace strata {

enum class Order : int {
  relaxed = __ATOMIC_RELAXED,
  acquire = __ATOMIC_ACQUIRE,
  release = __ATOMIC_RELEASE,
  acq_rel = __ATOMIC_ACQ_REL,
  seq_cst = __ATOMIC_SEQ_CST,
};

template <class T>
class Atomic {
 public:
  constexpr Atomic() noexcept = default;
  constexpr explicit Atomic(T value) noexcept : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order) const noexcept {
    T value;
    __atomic_load(&value_, &value, int(order));
    return value;
  }
  void store(T value, Order order) noexcept { __atomic_store(&value_, &value, int(order)); }
  T exchange(T value, Order order) noexcept {
    T old;
    __atomic_exchange(&value_, &value, &old, int(order));
    return old;
  }
  // On failure `expected` holds the value found (read with relaxed order unless `order` acquires).
  bool compare_exchange(T& expected, T desired, Order order) noexcept {
    const int on_failure = order == Order::acq_rel || order == Order::acquire ? __ATOMIC_ACQUIRE
                           : order == Order::seq_cst                          ? __ATOMIC_SEQ_CST
                                                                              : __ATOMIC_RELAXED;
    return __atomic_compare_exchange(&value_, &expected, &desired, false, int(order), on_failure);
  }
  T fetch_add(T value, Order order) noexcept {
    return __atomic_fetch_add(&value_, value, int(order));
  }
  T fetch_sub(T value, Order order) noexcept {
    return __atomic_fetch_sub(&value_, value, int(order));
  }
  T fetch_and(T value, Order order) noexcept {
    return __atomic_fetch_and(&value_, value, int(order));
  }
  // Clears a bit and says whether it was set: one `lock btr` on x86-64.
  bool reset_bit(unsigned bit, Order order) noexcept {
    const T mask = T{1} << bit;
    return (__atomic_fetch_and(&value_, ~mask, int(order)) & mask) != 0;
  }
  T fetch_or(T value, Order order) noexcept {
    return __atomic_fetch_or(&value_, value, int(order));
  }

 private:
  T value_{};
};

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

}  // namespace strata
