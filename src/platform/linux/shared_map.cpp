// Memory that is shared through a file, and what the kernel says about this process. Part of
// LinuxPlatform.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/linux/linux_platform.hpp"
#include "platform/linux/raw_syscall.hpp"

namespace strata {

Address LinuxPlatform::map_shared(const char* path, size_t offset, size_t bytes) noexcept {
  const long file = raw::call(SYS_openat, AT_FDCWD, long(path), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (raw::failed(file)) return 0;
  // Beyond the file's end its memory cannot be touched.
  const bool reaches = raw::call(SYS_lseek, file, 0, SEEK_END) >= long(offset + bytes);
  long address = -1;
  if (reaches) {
    address =
        raw::call(SYS_mmap, 0, long(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file, long(offset));
  }
  raw::call(SYS_close, file);
  return raw::failed(address) ? 0 : Address(address);
}

std::uint32_t LinuxPlatform::parent_process_number() noexcept {
  return std::uint32_t(raw::call(SYS_getppid));
}

void LinuxPlatform::read_executable(char* path, size_t size) noexcept {
  const long length =
      raw::call(SYS_readlinkat, AT_FDCWD, long("/proc/self/exe"), long(path), long(size - 1));
  path[raw::failed(length) ? 0 : length] = 0;
}

}  // namespace strata
