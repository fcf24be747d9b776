// SharedLock: a mutex for memory that several processes map, which survives the death of its
// holder.
//
// The kernel keeps the list of robust mutexes a thread holds; if the thread dies, the next one to
// lock is told. Region then builds its index anew (Region::recover) before it serves anybody.
//
// init() once, by the process that creates the memory. Cost: without contention no system call.
#pragma once

#include <pthread.h>

#include <cerrno>

namespace strata {

class SharedLock {
 public:
  // False if the system has no such mutexes.
  bool init() noexcept {
    pthread_mutexattr_t attributes;
    if (::pthread_mutexattr_init(&attributes) != 0) return false;
    const bool made = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                      ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                      ::pthread_mutex_init(&mutex_, &attributes) == 0;
    ::pthread_mutexattr_destroy(&attributes);
    return made;
  }
  void lock() noexcept {
    if (::pthread_mutex_lock(&mutex_) == EOWNERDEAD) {
      ::pthread_mutex_consistent(&mutex_);
      owner_died_ = true;
      ++deaths_;
    }
  }
  void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }
  // Did the holder before us die inside? Asked once a lock.
  bool owner_died() noexcept {
    const bool died = owner_died_;
    owner_died_ = false;
    return died;
  }
  [[nodiscard]] unsigned deaths() const noexcept { return deaths_; }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  bool owner_died_ = false;  // written by the holder
  unsigned deaths_ = 0;      // written by the holder
};

}  // namespace strata
