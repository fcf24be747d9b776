// Monitor: follows a program and everything it starts, through the board's file that they share.
//
// Each process beneath takes a slice of the file (src/observe/board.hpp). The monitor asks those
// that live for their totals now and then, more rarely the longer it lasts, and reads what they
// left when they ended. It costs the program what its answers cost: at most one part in fifty.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "observe/slab_blocks.hpp"
#include "observe/surroundings.hpp"

namespace strata::tool {

// All processes together at one moment.
struct Sample {
  std::uint64_t time = 0;  // milliseconds since the start
  std::uint64_t resident = 0;
  std::uint64_t live = 0;     // bytes of blocks
  std::uint64_t waiting = 0;  // freed slots that wait for their purge
  std::uint64_t purged = 0;   // bytes since the start
  unsigned processes = 0;
};

// One process (or what it was before it became another program).
struct Member {
  pid_t process = 0;
  pid_t parent = 0;
  std::string name;
  std::uint64_t peak_resident = 0;  // as far as it was seen
  bool alive = true;
  bool told_its_end = false;  // the totals are the last
  std::string last_words;
  observe::Totals totals{};
};

class Monitor {
 public:
  Monitor();
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // What the program must find in its environment: "STRATA_OBSERVE=...".
  [[nodiscard]] std::string environment() const;

  // Takes a sample. `main`: the process that was started, which counts also when it is not under
  // Strata. Returns the milliseconds after which to look again.
  unsigned look(pid_t main);
  // Keep the account of the largest process at the moment when most is resident.
  void want_accounts() { wants_accounts_ = true; }
  // And with it which single blocks were live.
  void want_blocks() { wants_blocks_ = true; }

  // After the end of `main`.
  void finish();

  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  [[nodiscard]] const std::optional<Account>& account_at_peak() const { return account_; }
  [[nodiscard]] const Surroundings& surroundings_at_peak() const { return surroundings_; }
  [[nodiscard]] const SlabBlocks& blocks_at_peak() const { return blocks_; }
  [[nodiscard]] const Sample& peak() const { return peak_; }
  // Sums over all members.
  [[nodiscard]] observe::Totals sum() const;

 private:
  struct Following;

  void find_members();
  void harvest(size_t member);
  bool is_there(size_t member) const;
  bool ask(size_t member);
  void take_account_of(pid_t process, std::uint64_t resident);

  int file_ = -1;
  std::uint32_t next_slice_ = 1;
  std::uint64_t started_ = 0;
  std::vector<Member> members_;
  std::vector<std::unique_ptr<Following>> following_;  // of the same index; null: it has ended
  std::vector<size_t> alive_;
  std::uint64_t purged_by_ended_ = 0;
  std::vector<Sample> samples_;
  Sample peak_;
  bool wants_accounts_ = false;
  bool wants_blocks_ = false;
  SlabBlocks blocks_;
  std::optional<Account> account_;
  Surroundings surroundings_;
  std::uint64_t account_resident_ = 0;
  std::map<pid_t, size_t> last_of_process_;
};

}  // namespace strata::tool
