// A profile from start to end. See session.hpp.
#include "profile/session.hpp"

#include <fmt/core.h>

#include <ctime>

#include "observe/conversation.hpp"
#include "observe/trouble.hpp"
#include "profile/held.hpp"

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
      const std::uint64_t bytes = file_.slice(i).live_bytes();
      if (bytes <= peaks_[i].bytes + peaks_[i].bytes / 50) continue;
      peaks_[i].live = file_.slice(i).live_blocks();
      peaks_[i].time = milliseconds_now();
      double sum = 0;
      for (const LiveBlock& block : peaks_[i].live) sum += block.weight * double(block.bytes);
      peaks_[i].bytes = std::uint64_t(sum);
    }
  }
  [[nodiscard]] const LivePeak& peak(std::uint32_t slice) const { return peaks_[slice]; }

 private:
  ProfileFile& file_;
  std::vector<LivePeak> peaks_;
};

// Keeps what blocks hold sparse slabs when most is free in them.
class HeldWatch {
 public:
  HeldWatch(ProfileFile& file, bool wanted) : file_(file), wanted_(wanted) {}

  void look(pid_t number) {
    constexpr std::uint64_t pause = 200;  // milliseconds: a look is a walk over the heap
    constexpr unsigned looks = 4;         // at most: the program goes on meanwhile
    if (!wanted_ || milliseconds_now() < next_) return;
    try {
      Process process(number);
      if (!is_observed(process)) return;
      Conversation conversation(process);
      const Account account = take_account(conversation, looks);
      const std::uint64_t bytes =
          account.parts[Part::free_in_slabs] + account.parts[Part::cached_in_threads];
      if (bytes > bytes_) take(number, account, bytes);
    } catch (const Trouble&) {
      // It ends, or has not begun.
    }
    next_ = milliseconds_now() + pause;
  }
  // Of a process that has this slice.
  [[nodiscard]] std::vector<HeldBlock> held(std::uint32_t slice) const {
    return slice == slice_ ? held_ : std::vector<HeldBlock>{};
  }

 private:
  void take(pid_t number, const Account& account, std::uint64_t bytes) {
    // The last one of that number: it may have replaced itself.
    for (std::uint32_t i = file_.slices(); i > 0; --i) {
      RecordedProcess process;
      if (!file_.slice(i).read(process) || process.number != std::uint32_t(number)) continue;
      bytes_ = bytes;
      slice_ = i;
      held_ = held_by(process.live, account);
      return;
    }
  }

  ProfileFile& file_;
  bool wanted_;
  std::uint64_t next_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t slice_ = 0;
  std::vector<HeldBlock> held_;
};

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

ProfileRun profile_program(const std::vector<std::string>& command,
                           std::vector<std::string> environment, std::uint64_t mean, bool held,
                           const Tick& tick) {
  constexpr unsigned pause = 10;  // milliseconds
  ProfileFile file;
  environment.push_back("STRATA_PROFILE=" + file.path());
  environment.push_back(fmt::format("STRATA_PROFILE_MEAN={}", mean));
  PeakWatch watch(file);
  HeldWatch held_watch(file, held);
  ProfileRun run;
  run.profile.command = joined(command);
  run.profile.taken = std::uint64_t(std::time(nullptr));
  std::uint64_t next_tick = 0;
  Launch program(command, environment);
  run.outcome = program.wait([&] {
    watch.look();
    held_watch.look(program.process());
    if (tick == nullptr || milliseconds_now() < next_tick) return pause;
    next_tick = milliseconds_now() + tick(program.process());
    return pause;
  });
  run.profile.milliseconds = run.outcome.milliseconds;
  watch.look();
  ProfileBuilder builder(run.profile);
  for (std::uint32_t i = 1; i <= file.slices(); ++i) {
    RecordedProcess process;
    if (!file.slice(i).read(process) || process.samples == 0) continue;
    builder.add(process, watch.peak(i), held_watch.held(i));
  }
  run.profile.mean = mean;
  return run;
}

}  // namespace strata::tool
