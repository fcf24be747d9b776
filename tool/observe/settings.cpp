// Options of the library. See settings.hpp.
#include "observe/settings.hpp"

#include <algorithm>
#include <cctype>

#include "observe/trouble.hpp"
#include "options/options.hpp"
#include "options/parse.hpp"

namespace strata::tool {
namespace {

constexpr const char prefix[] = "STRATA_";

std::string canonical(std::string name) {
  for (char& letter : name) {
    letter = letter == '-' ? '_' : char(std::toupper(static_cast<unsigned char>(letter)));
  }
  return name.rfind(prefix, 0) == 0 ? name.substr(sizeof prefix - 1) : name;
}

const OptionFacts* known(const std::string& name) {
  for (const OptionFacts& option : library_options()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

const OptionFacts& nearest(const std::string& name) {
  const auto& all = library_options();
  return *std::min_element(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return options::distance(a.name.c_str(), name.c_str()) <
           options::distance(b.name.c_str(), name.c_str());
  });
}

}  // namespace

const std::vector<OptionFacts>& library_options() {
  static const std::vector<OptionFacts> all = [] {
    std::vector<OptionFacts> found;
    options::for_each(
        [](const char* name, const char* kind, const char* default_value, const char* help,
           void* context) {
          static_cast<std::vector<OptionFacts>*>(context)->push_back(
              {name, kind, default_value, help});
        },
        &found);
    return found;
  }();
  return all;
}

const OptionFacts& find_option(const std::string& name) {
  const std::string wanted = canonical(name);
  const OptionFacts* const option = known(wanted);
  if (option != nullptr) return *option;
  throw Trouble("there is no option {}; did you mean {}?", wanted, nearest(wanted).name);
}

std::string environment_entry(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    throw Trouble("\"{}\" is not of the form OPTION=VALUE", assignment);
  }
  const OptionFacts& option = find_option(assignment.substr(0, equals));
  const std::string value = assignment.substr(equals + 1);
  if (options::apply(option.name.c_str(), value.c_str()) != options::Result::applied) {
    throw Trouble("{} is no value for {}: {}", value.empty() ? "nothing" : '"' + value + '"',
                  option.name, kind_words(option.kind));
  }
  return prefix + option.name + "=" + value;
}

std::string complaint_about(const std::string& entry) {
  const size_t equals = entry.find('=');
  if (entry.rfind(prefix, 0) != 0 || equals == std::string::npos) return "";
  const std::string name = entry.substr(sizeof prefix - 1, equals - (sizeof prefix - 1));
  const OptionFacts* const option = known(name);
  if (option == nullptr) {
    return fmt::format("there is no option {}{}; did you mean {}{}?", prefix, name, prefix,
                       nearest(name).name);
  }
  const std::string value = entry.substr(equals + 1);
  if (options::apply(name.c_str(), value.c_str()) != options::Result::applied) {
    return fmt::format("\"{}\" is no value for {}{}: {}; the default {} is in effect", value,
                       prefix, name, kind_words(option->kind), option->default_value);
  }
  return "";
}

std::string kind_words(const std::string& kind) {
  if (kind == "bytes") return "bytes, such as 4096, 64KiB, 8MiB, 1GiB, 10MB";
  if (kind == "milliseconds") return "a time, such as 500ms, 2s, 1min, or a number of milliseconds";
  if (kind == "toggle") return "on or off";
  if (kind == "huge_pages") return "on, off, or bytes of at least 2MiB, such as 16MiB";
  if (kind == "commit") return "lazy or eager";
  if (kind == "stats") return "exit or off";
  if (kind == "observe") return "on or off";
  if (kind == "mode") return "default, hardened or diagnose";
  if (kind == "on_error") return "abort or report";
  if (kind == "path") return "the path of a file";
  return kind;
}

}  // namespace strata::tool
