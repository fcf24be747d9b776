// A profile from start to end. See session.hpp.
#include "profile/session.hpp"

#include <fmt/core.h>

#include <ctime>

namespace strata::tool {
namespace {

// Keeps what each process holds when it holds most. The blocks are read anew when the peak has
// grown by a fiftieth: what is kept is the peak within 2%, and within the time between two looks.
class PeakWatch {
 public:
  explicit PeakWatch(ProfileFile& file) : file_(file) {}

  void look() {
    const std::uint32_t slices = file_.slices();
    peaks_.resize(slices + 1);
    for (std::uint32_t i = 1; i <= slices; ++i) {
      const std::uint64_t bytes = file_.live_bytes(i);
      if (bytes <= peaks_[i].bytes + peaks_[i].bytes / 50) continue;
      peaks_[i].live = file_.live_blocks(i);
      double sum = 0;
      for (const LiveBlock& block : peaks_[i].live) sum += block.weight * double(block.bytes);
      peaks_[i].bytes = std::uint64_t(sum);
    }
  }
  [[nodiscard]] const Peak& peak(std::uint32_t slice) const { return peaks_[slice]; }

 private:
  ProfileFile& file_;
  std::vector<Peak> peaks_;
};

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

ProfileRun profile_program(const std::vector<std::string>& command,
                           std::vector<std::string> environment, std::uint64_t mean) {
  constexpr unsigned pause = 10;  // milliseconds
  ProfileFile file;
  environment.push_back("STRATA_PROFILE=" + file.path());
  environment.push_back(fmt::format("STRATA_PROFILE_MEAN={}", mean));
  PeakWatch watch(file);
  ProfileRun run;
  run.profile.command = joined(command);
  run.profile.taken = std::uint64_t(std::time(nullptr));
  Launch program(command, environment);
  run.outcome = program.wait([&] {
    watch.look();
    return pause;
  });
  run.profile.milliseconds = run.outcome.milliseconds;
  watch.look();
  ProfileBuilder builder(run.profile);
  for (std::uint32_t i = 1; i <= file.slices(); ++i) {
    RecordedProcess process;
    if (!file.read(i, process) || process.samples == 0) continue;
    builder.add(process, watch.peak(i), {});
  }
  run.profile.mean = mean;
  return run;
}

}  // namespace strata::tool
