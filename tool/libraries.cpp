// Finding Strata's own libraries.
#include "libraries.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace strata::tool {

std::string own_file(const std::string& name) {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const std::filesystem::path& folder :
       {here, here / ".." / STRATA_LIBRARY_FOLDER, here / "../lib", here / "../lib/strata"}) {
    const std::filesystem::path path = folder / name;
    if (std::filesystem::exists(path)) return std::filesystem::canonical(path);
  }
  throw std::runtime_error(name + " is not beside the command, in " + here.string());
}

std::string preload_of(const std::string& first, const std::string& second) {
  const char* const before = std::getenv("LD_PRELOAD");
  std::string preload;
  for (const std::string& part : {first, second, std::string(before != nullptr ? before : "")}) {
    if (!part.empty()) preload += (preload.empty() ? "" : ":") + part;
  }
  return preload;
}

}  // namespace strata::tool
