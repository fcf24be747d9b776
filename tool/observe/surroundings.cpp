// The surroundings of a process. See surroundings.hpp.
#include "observe/surroundings.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "observe/program.hpp"
#include "observe/settings.hpp"

namespace strata::tool {
namespace {

// A row of /proc/PID/limits: the soft limit, if there is one.
std::optional<std::uint64_t> limit(const std::string& text, const std::string& row) {
  const size_t at = text.find(row);
  if (at == std::string::npos) return std::nullopt;
  std::istringstream words(text.substr(at + row.size()));
  std::string soft;
  words >> soft;
  if (soft.empty() || soft == "unlimited") return std::nullopt;
  return std::strtoull(soft.c_str(), nullptr, 10);
}

std::optional<std::uint64_t> smaller(std::optional<std::uint64_t> a,
                                     std::optional<std::uint64_t> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

// Where the control group of version 2 is, or empty.
std::string group_folder(const Process& process) {
  std::istringstream lines(file_text(process.path("cgroup")));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("0::", 0) == 0) return "/sys/fs/cgroup" + line.substr(3);
  }
  return "";
}

void look_at_libraries(Surroundings& around, const std::vector<Mapping>& mappings) {
  static constexpr const char* allocators[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
                                               "libtbbmalloc", "libhoard"};
  static constexpr struct {
    const char* part;
    const char* name;
  } runtimes[] = {{"libpython", "python"}, {"/python3", "python"}, {"/node", "node"},
                  {"libnode", "node"},     {"libjvm", "java"},     {"libruby", "ruby"}};
  std::set<std::string> seen_allocators;
  std::set<std::string> seen_runtimes;
  for (const Mapping& mapping : mappings) {
    const std::string file = mapping.name.substr(mapping.name.rfind('/') + 1);
    for (const char* allocator : allocators) {
      if (file.rfind(allocator, 0) == 0) seen_allocators.insert(file);
    }
    if (!mapping.is_executable()) continue;
    for (const auto& runtime : runtimes) {
      if (mapping.name.find(runtime.part) != std::string::npos) seen_runtimes.insert(runtime.name);
    }
  }
  around.allocators.assign(seen_allocators.begin(), seen_allocators.end());
  around.runtimes.assign(seen_runtimes.begin(), seen_runtimes.end());
}

}  // namespace

Surroundings look_around(const Process& process, const std::vector<Mapping>& mappings) {
  Surroundings around;
  for (const std::string& entry : process.environment()) {
    const std::string complaint = complaint_about(entry);
    if (!complaint.empty()) around.complaints.push_back(complaint);
  }
  const std::string limits = file_text(process.path("limits"));
  around.address_limit =
      smaller(limit(limits, "Max address space"), limit(limits, "Max data size"));
  around.address_space = process.status_bytes("VmSize").value_or(0);
  const std::string group = group_folder(process);
  const std::string most = file_text(group + "/memory.max");
  if (!most.empty() && most.rfind("max", 0) != 0) {
    around.group_limit = std::strtoull(most.c_str(), nullptr, 10);
    around.group_use = std::strtoull(file_text(group + "/memory.current").c_str(), nullptr, 10);
  }
  around.mappings = mappings.size();
  around.most_mappings =
      std::strtoull(file_text("/proc/sys/vm/max_map_count").c_str(), nullptr, 10);
  around.program_has_own_malloc = examine_program(process.path("exe")).has_own_malloc;
  look_at_libraries(around, mappings);
  return around;
}

}  // namespace strata::tool
