// LockGuard: holds any lock with lock() and unlock() for a scope.
#pragma once

namespace strata {

template <class Lock>
class [[nodiscard]] LockGuard {
 public:
  // Inlined whatever the compiler is asked for: a call would keep the guard itself in memory.
  [[gnu::always_inline]] explicit LockGuard(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  [[gnu::always_inline]] ~LockGuard() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

// For one thread, or where the caller already excludes others.
struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

}  // namespace strata
