// boot_main: reads the PVH start info and goes on to kernel_main.
#include "boot.hpp"
#include "frames/firmware.hpp"
#include "x86_64.hpp"

extern "C" {
extern unsigned char kernel_end[];  // an absolute symbol: a physical address
void boot_main(std::uint32_t info);
}

namespace {

constexpr std::uint32_t pvh_magic = 0x336ec578;

struct StartInfo {
  std::uint32_t magic, version, flags, modules;
  std::uint64_t module_list, command_line, rsdp, map;
  std::uint32_t map_entries, reserved;
};
struct Module {
  std::uint64_t base, size, command_line, reserved;
};

template <class T>
const T* low(std::uint64_t physical) noexcept {
  return reinterpret_cast<const T*>(strata::KernelMachine::direct_base + physical);
}

const StartInfo* info;

void for_each_entry(void* context, kernel::Visit* visit) {
  const strata::E820Reader reader{low<char>(info->map), info->map_entries};
  reader.for_each([&](std::uint64_t base, std::uint64_t length, bool usable) {
    visit(context, base, length, usable);
  });
}

}  // namespace

void boot_main(std::uint32_t physical_info) {
  kernel::set_up_interrupts();
  kernel::set_up_cpu(0);
  asm volatile("sti" ::: "memory");
  info = low<StartInfo>(physical_info);
  if (info->magic != pvh_magic || info->version == 0) {
    kernel::panic("not started by PVH, or its start info has no memory map");
  }
  kernel::Boot boot = {};
  boot.firmware = "PVH";
  boot.command_line = info->command_line != 0 ? low<char>(info->command_line) : "";
  boot.for_each_entry = for_each_entry;
  const auto reserve = [&](std::uint64_t base, std::uint64_t bytes, const char* what) {
    boot.reserved[boot.reserved_count++] = {{base, base + bytes}, what};
  };
  std::uint64_t end;
  asm("movabsq $kernel_end, %0" : "=r"(end));
  reserve(0x100000, end - 0x100000, "the kernel");
  reserve(0x8000, 0x1000, "where other CPUs start");
  reserve(physical_info, sizeof(StartInfo), "the start info");
  reserve(info->map, info->map_entries * 24, "the memory map");
  if (info->command_line != 0) reserve(info->command_line, 4096, "the command line");
  if (info->modules != 0) {
    const Module* module = low<Module>(info->module_list);
    reserve(info->module_list, info->modules * sizeof(Module), "the list of modules");
    reserve(module->base, module->size, "the module");
    boot.module = low<char>(module->base);
    boot.module_bytes = module->size;
  }
  kernel::kernel_main(boot);
}
