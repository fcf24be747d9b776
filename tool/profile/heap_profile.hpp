// HeapProfile: who allocates and who holds, with names: what every way of showing it is made from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "profile/held.hpp"
#include "profile/recording.hpp"
#include "profile/symbols.hpp"

namespace strata::tool {

// Estimates; they need not be whole numbers.
struct Amount {
  double blocks = 0;
  double bytes = 0;
};

struct Location {
  std::uint32_t mapping = 0;        // in HeapProfile::mappings
  std::uint64_t address = 0;        // in its file; of the call
  std::vector<SourcePlace> places;  // innermost first, at least one
};

// A stack of one process, and what it accounts for.
struct ProfileSample {
  std::uint32_t process = 0;             // in HeapProfile::processes
  std::vector<std::uint32_t> locations;  // innermost first
  Amount allocated;
  double requested = 0;  // of the allocated bytes; the rest is what sizes are rounded up by
  Amount peak;           // live when its process held most, as far as that was seen
  Amount live;           // live when the profile was taken, or when its process ended
  Amount held;           // free memory in slabs that its live blocks keep, and how many these are
};

struct ProfiledProcess {
  std::uint32_t number = 0;
  std::uint32_t parent = 0;
  std::string executable;
  std::uint64_t samples = 0;
  std::uint64_t dropped = 0;
  std::uint64_t peak_bytes = 0;
};

// A small block that was sampled: where in its slab, who asked for how much, and when.
struct SampledBlock {
  std::uint32_t process = 0;  // in HeapProfile::processes
  std::uint32_t sample = 0;   // in HeapProfile::samples
  std::uint64_t place = 0;
  std::uint64_t size = 0;
  std::uint64_t age = 0;  // milliseconds
};

struct HeapProfile {
  std::string command;
  std::uint64_t mean = 0;
  std::uint64_t taken = 0;         // seconds since 1970
  std::uint64_t milliseconds = 0;  // that it covers
  bool knows_held = false;
  std::vector<std::string> mappings;  // paths; the first is empty: code of no file
  std::vector<Location> locations;
  std::vector<ProfileSample> samples;
  std::vector<ProfiledProcess> processes;
  std::vector<SampledBlock> blocks;  // live at the peak of their process
};

// What a process had at its peak.
struct LivePeak {
  std::uint64_t time = 0;  // of the system's monotonic clock, in milliseconds
  std::uint64_t bytes = 0;
  std::vector<LiveBlock> live;
};

class ProfileBuilder {
 public:
  explicit ProfileBuilder(HeapProfile& profile) : profile_(profile) { profile.mappings = {""}; }
  // `held`: what blocks of it kept at some moment; empty: not known.
  void add(const RecordedProcess& process, const LivePeak& peak,
           const std::vector<HeldBlock>& held);

 private:
  std::uint32_t location(const RecordedProcess& process, std::uint64_t frame);
  std::uint32_t mapping(const std::string& path);

  HeapProfile& profile_;
  Symbols symbols_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> locations_;
};

// Which of a sample's amounts is shown.
enum class View { live, peak, allocated, held };
Amount amount_of(const ProfileSample& sample, View view);
// "live", "live at the peak", ...
const char* words_of(View view);

}  // namespace strata::tool
