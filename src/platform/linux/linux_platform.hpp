// The Linux process: reservations are PROT_NONE mappings, commit is mprotect, purge is
// MADV_DONTNEED (users read RSS, and MADV_FREE leaves it high).
#pragma once

#include "base/attributes.hpp"
#include "platform/linux/futex_lock.hpp"
#include "platform/platform.hpp"

namespace strata {

struct LinuxPlatform : PlatformDefaults<LinuxPlatform> {
  using Lock = FutexLock;
  static constexpr bool has_worker = true;
  static constexpr bool has_huge_pages = true;

  static size_t page_size() noexcept { return page_size_ != 0 ? page_size_ : read_page_size(); }

  static Address reserve(size_t bytes, size_t alignment) noexcept;
  static void release(Address address, size_t bytes) noexcept;
  static bool commit(Address address, size_t bytes) noexcept;
  static bool purge(Address address, size_t bytes) noexcept;
  static std::uint64_t now() noexcept;
  static Address current_thread() noexcept { return Address(__builtin_thread_pointer()); }
  STRATA_COLD [[noreturn]] static void fail(const char* text) noexcept;
  // Where write_report() leaves a copy of the first report, cut off at `bytes`; null: nowhere.
  static void keep_last_words(char* buffer, size_t bytes) noexcept;

  // In place of PlatformDefaults':

  // Gives pages and their commit charge back; the addresses stay reserved.
  static bool decommit(Address address, size_t bytes) noexcept;
  // Asks for the physical pages now. A hint: failure is harmless.
  static void populate(Address address, size_t bytes) noexcept;
  // Grows or shrinks a mapping, moving it when needed; 0 when refused.
  static Address remap(Address address, size_t old_bytes, size_t new_bytes) noexcept;
  // Moves what pages hold to others, which are given up for it; those it came from read zero. The
  // pages lie in one mapping each. False: refused, nothing is changed.
  static bool move_pages(Address from, size_t bytes, Address to) noexcept;
  // Says whether ranges may be backed by huge pages. Default: never.
  static void allow_huge_pages(Address address, size_t bytes, bool allow) noexcept;
  // Makes pages inaccessible; what they hold stays. commit() makes them accessible again.
  static bool protect(Address address, size_t bytes) noexcept;
  // For each page whether it is in memory: bit 0 of a byte. False: it cannot be known.
  static bool find_resident(Address address, size_t bytes, unsigned char* pages) noexcept;
  // Guard pages by markers (Linux 6.13), which take no mapping: touching one is a fault, what the
  // pages held is gone; removed, they read zero. False where the kernel has none or refuses.
  static bool install_guard(Address address, size_t bytes) noexcept;
  static bool remove_guard(Address address, size_t bytes) noexcept;
  // How many mappings a process may have.
  static size_t mapping_limit() noexcept;
  // From the system's source of randomness. False: refused, nothing is written.
  static bool random_bytes(void* memory, size_t bytes) noexcept;

  // Writes to the standard error, without buffering or allocation; keeps errno.
  static void write_error(const char* text, size_t length) noexcept;
  // As write_error, to the file that set_report_file named: appended, made when missing. Where it
  // cannot be opened, to the standard error. May be called in signal handlers and forked children.
  static void write_report(const char* text, size_t length) noexcept;
  // "%p" stands for the number of the process that writes. A relative path counts from where the
  // process is now. False: too long.
  static bool set_report_file(const char* path) noexcept;

  // What an address is, for messages; `name` gets the file name of a module, cut off at `size`.
  enum class Place { nowhere, mapped, stack, module };
  static Place whereabouts(Address address, char* name, size_t size) noexcept;

  // Calls visit(context, begin, end) for each mapping that may be written. Reads /proc/self/maps.
  static void visit_writable(void (*visit)(void* context, Address begin, Address end) noexcept,
                             void* context) noexcept;
  // Copies memory that may not be there. False: it is not, or not all of it.
  static bool read_memory(Address from, void* to, size_t bytes) noexcept;
  // Whether the address is in this library's own file.
  static bool is_own_code(Address address) noexcept;

  // The return addresses of the calling thread's callers, the innermost first, but for those in
  // this library; at most `most`. How many there are.
  static unsigned walk_stack(Address* frames, unsigned most) noexcept;
  // The program or library that is mapped around an address. `name` is its path, empty for the
  // program itself, and lives as long as the module. False: none is known there.
  struct LoadedModule {
    Address begin;
    Address end;
    Address bias;  // what was added to the addresses in its file
    const char* name;
  };
  static bool find_module(Address address, LoadedModule& module) noexcept;

  // Maps a part of a file, shared with whoever else does; 0 when that cannot be, or when the file
  // ends before. release() undoes it.
  static Address map_shared(const char* path, size_t offset, size_t bytes) noexcept;

  // The file an address of code or data was loaded from, and where it stands there, in the numbers
  // that symbol tables use. False: of no file. Reads /proc/self/maps; may be called by a signal
  // handler.
  static bool locate(Address address, char* path, size_t size, Address& in_file) noexcept;

  // An access that the processor refused (SIGSEGV).
  struct Fault {
    Address address;
    bool writes;
    const void* context;  // for walk_fault
  };
  // From now on `look` is called, in the faulting thread, when an access faults; it may call what a
  // signal handler may. Then all goes on as without: the handler that was there before is called,
  // or the program ends by the signal. A handler that the program sets later takes its place.
  static bool watch_faults(void (*look)(const Fault& fault) noexcept) noexcept;
  // Calls `told` when the process gets SIGUSR2, unless the program handles that. In a handler.
  static bool watch_signal(void (*told)() noexcept) noexcept;
  // As walk_stack, from where the fault happened; the first frame is the access itself.
  static unsigned walk_fault(const Fault& fault, Address* frames, unsigned most) noexcept;

  // Largest address space this process may reserve at once, in bytes; no limit: ~0.
  static size_t address_space_limit() noexcept;
  // The kernel's numbers of this thread and this process, for messages.
  static std::uint32_t thread_number() noexcept;
  static std::uint32_t process_number() noexcept;
  static std::uint32_t parent_process_number() noexcept;
  // The path of the program's file, cut off at `size`; empty when the system does not tell.
  static void read_executable(char* path, size_t size) noexcept;

  // Runs `body` in a thread that libc knows nothing of: without signals, without thread-local
  // storage, on a small stack. `body` never returns and may call nothing that needs either. False
  // when the system refuses. The thread does not exist in the child of a fork. At most one thread
  // of each kind: one that shares the process's descriptors, one that begins with a copy of them.
  enum class Descriptors : unsigned { shared, own };
  static bool start_worker(void (*body)() noexcept,
                           Descriptors descriptors = Descriptors::shared) noexcept;
  // Ends such a thread, from within.
  [[noreturn]] static void end_worker() noexcept;
  // What such a thread has for a stack and storage; address 0: there was none yet.
  struct WorkerMemory {
    Address address;
    size_t bytes;
  };
  static WorkerMemory worker_memory(Descriptors descriptors) noexcept;
  // Sleeps until `word` is no longer `seen`, wake(word) is called, or `milliseconds` have passed.
  static void wait(Atomic<std::uint32_t>& word, std::uint32_t seen,
                   std::uint32_t milliseconds) noexcept;
  static void wake(Atomic<std::uint32_t>& word) noexcept;

 private:
  STRATA_EARLY static size_t read_page_size() noexcept;
  static inline size_t page_size_ = 0;  // written once with the same value by whoever is first
};

}  // namespace strata
