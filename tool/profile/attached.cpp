// Profiling a running process. See attached.hpp.
#include "profile/attached.hpp"

#include <ctime>

#include "observe/trouble.hpp"
#include "profile/held.hpp"

namespace strata::tool {

bool AttachedProfile::is_on() {
  RecordedProcess process;
  const ProfileMemory memory(conversation_.file(), conversation_.profile_offset());
  return memory.read(process) && process.mean != 0;
}

void AttachedProfile::switch_on(std::uint64_t mean) { conversation_.switch_profile(mean); }
void AttachedProfile::switch_off() { conversation_.switch_profile(0); }

HeapProfile AttachedProfile::take() {
  const ProfileMemory memory(conversation_.file(), conversation_.profile_offset());
  RecordedProcess process;
  if (!memory.read(process)) throw Trouble("the process has no profile to show");
  HeapProfile profile;
  profile.command = conversation_.process().command();
  profile.taken = std::uint64_t(std::time(nullptr));
  const Account account = take_account(conversation_);
  profile.milliseconds = account.time - process.started;
  profile.mean = process.mean;
  LivePeak now;
  now.time = account.time;
  now.live = process.live;
  for (const LiveBlock& block : now.live) {
    now.bytes += std::uint64_t(block.weight * double(block.bytes));
  }
  ProfileBuilder builder(profile);
  builder.add(process, now, held_by(process.live, account));
  profile.knows_held = true;
  return profile;
}

}  // namespace strata::tool
