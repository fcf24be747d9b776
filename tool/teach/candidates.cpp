// Values to offer.
#include "teach/candidates.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "observe/settings.hpp"
#include "observe/trouble.hpp"
#ifdef STRATA_HAS_TRACES
#include "replay/allocators.hpp"
#endif

namespace strata::tool {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The user's processes that have Strata's library in them.
std::vector<Candidate> processes() {
  std::vector<Candidate> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream maps(entry.path() / "maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.find("/libstrata.so") == std::string::npos) continue;
      std::string name;
      std::getline(std::ifstream(entry.path() / "comm"), name);
      found.push_back({pid, name});
      break;
    }
  }
  return found;
}

// Of the words that tell what the option takes ("on or off", "bytes, such as 64KiB, 8MiB") those
// that the library accepts.
std::vector<std::string> values_of(const OptionFacts& option) {
  std::string words = kind_words(option.kind);
  for (std::size_t at = 0; (at = words.find(" or ")) != std::string::npos;)
    words.replace(at, 4, ", ");
  std::vector<std::string> accepted;
  std::istringstream in(words);
  for (std::string word; std::getline(in >> std::ws, word, ',');) {
    try {
      environment_entry(option.name + "=" + word);
      accepted.push_back(word);
    } catch (const Trouble&) {  // a word of the sentence
    }
  }
  return accepted;
}

// "dirty_limit=", or when that is typed "mode=hardened".
std::vector<Candidate> settings(const std::string& typed) {
  std::vector<Candidate> found;
  for (const OptionFacts& option : library_options()) {
    const std::string begin = lower(option.name) + "=";
    if (typed.rfind(begin, 0) != 0) {
      found.push_back({begin, option.help});
      continue;
    }
    for (const std::string& value : values_of(option))
      found.push_back({begin + value, value == option.default_value ? "the default" : ""});
  }
  return found;
}

}  // namespace

std::vector<Candidate> candidates_for(const Argument& argument, const std::string& typed) {
  std::vector<Candidate> found;
  switch (argument.kind) {
    case ValueKind::choice:
      for (const std::string& choice : argument.choices) found.push_back({choice, ""});
      break;
    case ValueKind::process:
    case ValueKind::target:
      return processes();
    case ValueKind::setting:
      return settings(typed);
    case ValueKind::option:
      for (const OptionFacts& option : library_options())
        found.push_back({lower(option.name), option.help});
      break;
    case ValueKind::allocator:
#ifdef STRATA_HAS_TRACES
      for (const replay::Allocator& allocator : replay::installed_allocators())
        found.push_back({allocator.name, allocator.library});
#endif
      break;
    default:
      break;
  }
  return found;
}

}  // namespace strata::tool
