// boot_main: reads the device tree and goes on to kernel_main.
#include "aarch64.hpp"
#include "frames/device_tree_memory.hpp"

using namespace strata;

extern "C" {
void boot_main(std::uint64_t tree);
}

namespace {

std::uint64_t tree_at;  // physical

const void* direct(std::uint64_t physical) noexcept {
  return reinterpret_cast<const void*>(kernel::Machine::direct_base + physical);
}

bool same(const char* a, const char* b) noexcept {
  for (; *a == *b; ++a, ++b) {
    if (*a == 0) return true;
  }
  return false;
}

// What the boot loader tells in /chosen.
struct Chosen {
  unsigned depth = 0;
  bool inside = false;
  const char* command_line = "";
  std::uint64_t module_base = 0;
  std::uint64_t module_end = 0;

  void begin(const char* name) {
    ++depth;
    if (depth == 2) inside = same(name, "chosen");
  }
  void property(const char* name, DeviceTreeValue value) {
    if (!inside || depth != 2) return;
    if (same(name, "bootargs")) command_line = value.text();
    if (same(name, "linux,initrd-start")) module_base = value.cells(0, value.bytes / 4);
    if (same(name, "linux,initrd-end")) module_end = value.cells(0, value.bytes / 4);
  }
  void end() { --depth; }
};

void for_each_entry(void* context, kernel::Visit* visit) {
  const DeviceTreeReader reader(direct(tree_at), tree_at);
  reader.for_each([&](std::uint64_t base, std::uint64_t length, bool usable) {
    visit(context, base, length, usable);
  });
}

}  // namespace

void boot_main(std::uint64_t physical_tree) {
  kernel::set_up_cpu(0);
  tree_at = physical_tree;
  const DeviceTree tree(direct(tree_at));
  if (!tree.valid()) kernel::panic("X0 leads to no device tree");
  Chosen chosen;
  tree.walk(chosen);

  kernel::Boot boot = {};
  boot.firmware = "device tree";
  boot.command_line = chosen.command_line;
  boot.for_each_entry = for_each_entry;
  const auto reserve = [&](std::uint64_t base, std::uint64_t end, const char* what) {
    boot.reserved[boot.reserved_count++] = {{base, end}, what};
  };
  std::uint64_t start, end;
  asm("ldr %0, =kernel_start" : "=r"(start));
  asm("ldr %0, =kernel_end" : "=r"(end));
  reserve(start, end, "the kernel");
  if (chosen.module_end > chosen.module_base) {
    reserve(chosen.module_base, chosen.module_end, "the module");
    boot.module = static_cast<const char*>(direct(chosen.module_base));
    boot.module_bytes = size_t(chosen.module_end - chosen.module_base);
  }
  kernel::kernel_main(boot);
}
