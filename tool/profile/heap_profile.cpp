// Putting names to a recorded profile. See heap_profile.hpp.
#include "profile/heap_profile.hpp"

#include <fmt/core.h>

#include <filesystem>

namespace strata::tool {

std::uint32_t ProfileBuilder::mapping(const std::string& path) {
  for (std::uint32_t i = 0; i < profile_.mappings.size(); ++i) {
    if (profile_.mappings[i] == path) return i;
  }
  profile_.mappings.push_back(path);
  return std::uint32_t(profile_.mappings.size() - 1);
}

std::uint32_t ProfileBuilder::location(const RecordedProcess& process, std::uint64_t frame) {
  const std::uint64_t module = frame >> observe::frame_module_shift;
  // A frame is where a call returns to; the call stands before it.
  std::uint64_t address = (frame & observe::frame_address) - 1;
  Location made;
  if (module != 0 && module <= process.files.size()) {
    const LoadedFile& file = process.files[module - 1];
    made.mapping = mapping(file.path);
    address -= file.bias;
  }
  const auto [known, is_new] = locations_.try_emplace({made.mapping, address}, 0);
  if (!is_new) return known->second;
  made.address = address;
  if (made.mapping != 0) made.places = symbols_.at(profile_.mappings[made.mapping], address);
  if (made.places.empty()) {
    SourcePlace place;
    const std::string& path = profile_.mappings[made.mapping];
    place.function =
        path.empty()
            ? fmt::format("code made at run time, {:#x}", address)
            : fmt::format("{}+{:#x}", std::filesystem::path(path).filename().string(), address);
    made.places.push_back(place);
  }
  for (SourcePlace& place : made.places) {
    if (place.function.empty()) place.function = "?";
  }
  known->second = std::uint32_t(profile_.locations.size());
  profile_.locations.push_back(std::move(made));
  return known->second;
}

void ProfileBuilder::add(const RecordedProcess& process, const LivePeak& peak,
                         const std::vector<HeldBlock>& held) {
  const auto number = std::uint32_t(profile_.processes.size());
  profile_.processes.push_back({process.number, process.parent, process.executable, process.samples,
                                process.dropped, peak.bytes});
  if (profile_.mean == 0) profile_.mean = process.mean;
  const size_t first = profile_.samples.size();
  for (const RecordedStack& stack : process.stacks) {
    ProfileSample sample;
    sample.process = number;
    sample.allocated = {stack.blocks, stack.bytes};
    sample.requested = stack.requested;
    for (const std::uint64_t frame : stack.frames) {
      sample.locations.push_back(location(process, frame));
    }
    profile_.samples.push_back(std::move(sample));
  }
  const auto add_blocks = [&](const std::vector<LiveBlock>& blocks, auto&& amount) {
    for (const LiveBlock& block : blocks) {
      if (block.stack >= process.stacks.size()) continue;
      Amount& sum = amount(profile_.samples[first + block.stack]);
      sum.blocks += block.weight;
      sum.bytes += block.weight * double(block.bytes);
    }
  };
  add_blocks(process.live, [](ProfileSample& sample) -> Amount& { return sample.live; });
  add_blocks(peak.live, [](ProfileSample& sample) -> Amount& { return sample.peak; });
  for (const LiveBlock& block : peak.live) {
    if (!block.small || block.stack >= process.stacks.size()) continue;
    const std::uint64_t age = peak.time > block.born ? peak.time - block.born : 0;
    profile_.blocks.push_back(
        {number, std::uint32_t(first + block.stack), block.place, block.size, age});
  }
  for (const HeldBlock& one : held) {
    if (one.block.stack >= process.stacks.size() || one.bytes == 0) continue;
    Amount& sum = profile_.samples[first + one.block.stack].held;
    sum.blocks += one.block.weight;
    sum.bytes += one.block.weight * one.bytes;
    profile_.knows_held = true;
  }
}

Amount amount_of(const ProfileSample& sample, View view) {
  switch (view) {
    case View::live:
      return sample.live;
    case View::peak:
      return sample.peak;
    case View::allocated:
      return sample.allocated;
    case View::held:
      return sample.held;
  }
  return {};
}

const char* words_of(View view) {
  switch (view) {
    case View::live:
      return "live";
    case View::peak:
      return "live at the peak";
    case View::allocated:
      return "allocated";
    case View::held:
      return "free, but kept by live blocks";
  }
  return "";
}

}  // namespace strata::tool
