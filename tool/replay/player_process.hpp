// PlayerProcess: a process that plays a plan on an allocator's malloc (replay/player/player.cpp).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "replay/allocators.hpp"
#include "replay/plan_builder.hpp"
#include "replay/result.hpp"

namespace strata::replay {

class PlayerProcess {
 public:
  // Starts it. `touch`: see Settings, or "dry" to play without allocating. `stop`: at this epoch's
  // end it waits until go_on(). Throws std::runtime_error when it cannot be started.
  PlayerProcess(const Plan& plan, const Allocator& allocator, const std::string& touch, double pace,
                std::optional<std::uint32_t> stop = std::nullopt);
  // Kills it if it is still there.
  ~PlayerProcess();
  PlayerProcess(const PlayerProcess&) = delete;
  PlayerProcess& operator=(const PlayerProcess&) = delete;

  [[nodiscard]] pid_t number() const { return process_; }
  // Waits until it has stopped. False: it has ended instead; finish() tells why.
  bool wait_for_stop();
  void go_on() const;
  // Waits for its end. What it found out is in `round`; returns a problem in words when it did not
  // do its work.
  std::string finish(const Plan& plan, Round& round);

 private:
  void read_rest();
  std::string parse(const Plan& plan, Round& round) const;

  const Allocator& allocator_;
  pid_t process_ = -1;
  int in_ = -1;
  int out_ = -1;
  int errors_ = -1;
  int status_ = 0;
  std::string text_;  // of its standard output
  std::string said_;  // of its standard error
};

}  // namespace strata::replay
