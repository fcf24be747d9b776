// Finding allocators.
#include "replay/allocators.hpp"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <stdexcept>

#include "libraries.hpp"

namespace strata::replay {
namespace {

struct Known {
  const char* name;
  const char* file;     // a pattern
  const char* package;  // Debian's
};
constexpr Known known[] = {
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
    {"mimalloc", "libmimalloc.so.2*", "libmimalloc2.0"},
    {"tcmalloc", "libtcmalloc_minimal.so.4*", "libtcmalloc-minimal4"},
};

constexpr const char* option_names[] = {
#define STRATA_OPTION(identifier, name, kind, default_value, help) name,
#include "options/options.def"
#undef STRATA_OPTION
};

void check_option(const std::string& name) {
  std::string names;
  for (const char* const one : option_names) {
    if (name == one) return;
    names += (names.empty() ? "" : ", ") + std::string(one);
  }
  throw std::runtime_error("Strata has no option '" + name + "'; it has " + names);
}

std::string find_library(const std::string& pattern) {
  for (const char* folder : {"/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"}) {
    glob_t found{};
    const bool any = glob((std::string(folder) + "/" + pattern).c_str(), 0, nullptr, &found) == 0;
    const std::string path = any ? found.gl_pathv[0] : "";
    globfree(&found);
    if (any) return std::filesystem::canonical(path);
  }
  return "";
}

// "libfoo.so.2" is foo.
std::string name_of(const std::string& path) {
  std::string name = std::filesystem::path(path).filename();
  if (name.starts_with("lib")) name = name.substr(3);
  return name.substr(0, name.find(".so"));
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(at, begin);
    parts.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return parts;
}

Allocator by_name(const std::string& name) {
  if (name == "strata") return {"strata", tool::own_file("libstrata.so"), {}};
  if (name == "system" || name == "glibc") return {"system", "", {}};
  for (const Known& one : known) {
    if (name != one.name) continue;
    const std::string path = find_library(one.file);
    if (path.empty()) {
      throw std::runtime_error(name + " is not installed (Debian: " + one.package + ")");
    }
    return {name, path, {}};
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name, ignored)) {
    std::string names = "strata, system";
    for (const Known& one : known) names += std::string(", ") + one.name;
    throw std::runtime_error("no allocator '" + name + "': neither a library's path nor one of " +
                             names);
  }
  return {name_of(name), std::filesystem::canonical(name), {}};
}

}  // namespace

std::vector<Allocator> installed_allocators() {
  std::vector<Allocator> found{by_name("strata"), by_name("system")};
  for (const Known& one : known) {
    const std::string path = find_library(one.file);
    if (!path.empty()) found.push_back({one.name, path, {}});
  }
  return found;
}

Allocator find_allocator(const std::string& text) {
  const std::vector<std::string> parts = split(text, '@');
  Allocator allocator = by_name(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw std::runtime_error("'" + parts[i] + "' in '" + text + "' is not VARIABLE=value");
    }
    allocator.environment.emplace_back(parts[i].substr(0, equals), parts[i].substr(equals + 1));
    allocator.name += " " + parts[i];
  }
  return allocator;
}

Allocator strata_with(const std::string& options) {
  Allocator allocator = by_name("strata");
  for (const std::string& option : split(options, ',')) {
    const std::size_t equals = option.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw std::runtime_error("'" + option + "' is not OPTION=value");
    }
    std::string name = option.substr(0, equals);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return char(std::toupper(c)); });
    if (name.starts_with("STRATA_")) name = name.substr(7);
    check_option(name);
    allocator.environment.emplace_back("STRATA_" + name, option.substr(equals + 1));
    allocator.name += " " + name + option.substr(equals);
  }
  return allocator;
}

}  // namespace strata::replay
