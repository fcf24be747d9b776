// Text from a heap profile. See text.hpp.
#include "profile/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "observe/words.hpp"

namespace strata::tool {
namespace {

std::string process_name(const HeapProfile& profile, const ProfileSample& sample) {
  const std::string name =
      std::filesystem::path(profile.processes[sample.process].executable).filename();
  return name.empty() ? "program" : name;
}

// Frames of the machinery of containers, and of functions that programs wrap malloc in: the site is
// who uses it.
bool is_machinery(const std::string& function) {
  for (const char* begin : {"std::",
                            "__gnu_cxx::",
                            "operator new",
                            "PyMem_",
                            "_PyMem_",
                            "PyObject_Malloc",
                            "PyObject_Calloc",
                            "PyObject_Realloc",
                            "_PyObject_Malloc",
                            "_PyObject_Calloc",
                            "_PyObject_Realloc",
                            "__libc_",
                            "malloc",
                            "calloc",
                            "realloc",
                            "xmalloc",
                            "xcalloc",
                            "xrealloc",
                            "xstrdup",
                            "g_malloc",
                            "g_realloc",
                            "g_slice_alloc",
                            "zmalloc",
                            "zcalloc",
                            "zrealloc",
                            "ztrymalloc"}) {
    if (function.starts_with(begin)) return true;
  }
  // "void std::vector<...>::grow(...)"
  const size_t inside = function.find(" std::");
  return inside != std::string::npos && inside < function.find('(');
}

// All functions of a stack, innermost first.
std::vector<const SourcePlace*> places_of(const HeapProfile& profile, const ProfileSample& sample) {
  std::vector<const SourcePlace*> places;
  for (const std::uint32_t location : sample.locations) {
    for (const SourcePlace& place : profile.locations[location].places) places.push_back(&place);
  }
  return places;
}

// "parse(std::vector<...> const&)" is "parse".
std::string short_name(const std::string& function) {
  int depth = 0;
  for (size_t i = 0; i < function.size(); ++i) {
    if (function[i] == '<') ++depth;
    if (function[i] == '>' && depth > 0) --depth;
    const bool is_operator = i >= 8 && function.compare(i - 8, 8, "operator") == 0;
    const bool anonymous = function.compare(i, 11, "(anonymous ") == 0;
    if (function[i] == '(' && depth == 0 && !is_operator && !anonymous && i != 0) {
      return function.substr(0, i);
    }
  }
  return function;
}

std::string words_of_place(const SourcePlace& place) {
  if (place.file.empty()) return short_name(place.function);
  const std::string file = std::filesystem::path(place.file).filename();
  return fmt::format("{} ({}:{})", short_name(place.function), file, place.line);
}

struct Site {
  Amount amount;
  double requested = 0;
  double allocated = 0;
  std::map<std::string, double> callers;  // by bytes
};

size_t site_in(const std::vector<const SourcePlace*>& places) {
  size_t at = 0;
  while (at + 1 < places.size() && is_machinery(places[at]->function)) ++at;
  return at;
}

std::string name_of_site(const std::vector<const SourcePlace*>& places, size_t site) {
  return places.empty() ? "an unknown place" : words_of_place(*places[site]);
}

std::string callers_of(const std::vector<const SourcePlace*>& places, size_t site) {
  constexpr size_t most = 3;
  std::string callers;
  size_t named = 0;
  for (size_t i = site + 1; i < places.size() && named < most; ++i) {
    if (is_machinery(places[i]->function)) continue;
    callers += (named++ == 0 ? "" : " < ") + short_name(places[i]->function);
  }
  return callers;
}

}  // namespace

std::string collapsed_stacks(const HeapProfile& profile, View view) {
  std::map<std::string, double> stacks;
  for (const ProfileSample& sample : profile.samples) {
    const double bytes = amount_of(sample, view).bytes;
    if (bytes < 0.5) continue;
    std::string line = process_name(profile, sample);
    const auto places = places_of(profile, sample);
    for (size_t i = places.size(); i-- > 0;) {
      std::string function = places[i]->function;
      std::replace(function.begin(), function.end(), ';', ',');
      line += ';' + function;
    }
    stacks[line] += bytes;
  }
  std::string text;
  for (const auto& [stack, bytes] : stacks) {
    text += fmt::format("{} {}\n", stack, std::llround(bytes));
  }
  return text;
}

std::string site_of(const HeapProfile& profile, const ProfileSample& sample) {
  const auto places = places_of(profile, sample);
  return name_of_site(places, site_in(places));
}

std::string site_table(const HeapProfile& profile, View view, unsigned most) {
  std::map<std::string, Site> sites;
  double all = 0;
  for (const ProfileSample& sample : profile.samples) {
    const Amount amount = amount_of(sample, view);
    if (amount.bytes < 0.5) continue;
    const auto places = places_of(profile, sample);
    const size_t at = site_in(places);
    const std::string name = name_of_site(places, at);
    Site& site = sites[name];
    site.amount.blocks += amount.blocks;
    site.amount.bytes += amount.bytes;
    if (!places.empty()) site.callers[callers_of(places, at)] += amount.bytes;
    all += amount.bytes;
  }
  std::vector<std::pair<std::string, Site>> order(sites.begin(), sites.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.amount.bytes > b.second.amount.bytes;
  });
  if (order.empty()) return fmt::format("  nothing was sampled that is {}\n", words_of(view));
  std::string text;
  for (size_t i = 0; i < order.size() && i < most; ++i) {
    const auto& [name, site] = order[i];
    text += fmt::format("{:>11} {:>6} {:>9}  {}\n", size_words(site.amount.bytes),
                        share_words(site.amount.bytes, all), short_count(site.amount.blocks), name);
    const auto caller =
        std::max_element(site.callers.begin(), site.callers.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (caller != site.callers.end() && !caller->first.empty()) {
      const char* const more = site.callers.size() > 1 ? ", and others" : "";
      text += fmt::format("{:>30}< {}{}\n", "", caller->first, more);
    }
  }
  if (order.size() > most) {
    double rest = 0;
    for (size_t i = most; i < order.size(); ++i) rest += order[i].second.amount.bytes;
    text += fmt::format("{:>11} {:>6} {:>9}  at {} other sites\n", size_words(rest),
                        share_words(rest, all), "", order.size() - most);
  }
  return text;
}

}  // namespace strata::tool
