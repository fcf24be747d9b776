// ProfileFile: the shared memory in which programs keep their heap profiles, and what stands in it.
//
// Made by the command before it starts a program, or opened where a running process has it. Each
// process that writes to it has a slice (src/observe/profile_area.hpp). A slice may be read at any
// moment; what its process writes is taken as a claim: every number is checked before it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "observe/profile_area.hpp"

namespace strata::tool {

// A sampled block that is not freed; stands for `weight` blocks like it.
struct LiveBlock {
  std::uint32_t stack = 0;
  std::uint64_t place = 0;  // where it would lie were it not sampled; large blocks: where they do
  bool small = false;
  std::uint64_t size = 0;
  std::uint64_t bytes = 0;
  double weight = 0;
  std::uint64_t born = 0;
};

struct LoadedFile {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t bias = 0;
  std::string path;
};

struct RecordedStack {
  std::vector<std::uint64_t> frames;  // innermost first; see observe::frame_address
  double blocks = 0;
  double bytes = 0;
  double requested = 0;
};

// One process's slice, as it was when it was read.
struct RecordedProcess {
  std::uint32_t number = 0;
  std::uint32_t parent = 0;
  std::string executable;
  std::uint64_t mean = 0;
  std::uint64_t started = 0;  // of the system's monotonic clock, in milliseconds
  std::uint64_t samples = 0;
  std::uint64_t dropped = 0;
  std::vector<LoadedFile> files;
  std::vector<RecordedStack> stacks;
  std::vector<LiveBlock> live;
};

// One process's slice, mapped. What is not filled yet is empty.
class ProfileMemory {
 public:
  // A part of a file; Trouble when it cannot be mapped.
  ProfileMemory(int file, std::uint64_t offset);
  ~ProfileMemory();
  ProfileMemory(const ProfileMemory&) = delete;
  ProfileMemory& operator=(const ProfileMemory&) = delete;

  // Estimated bytes that the process holds now.
  [[nodiscard]] std::uint64_t live_bytes() const;
  [[nodiscard]] std::vector<LiveBlock> live_blocks() const;
  // False: its process has not got so far as to fill its head.
  bool read(RecordedProcess& process) const;

 private:
  [[nodiscard]] bool is_filled() const;

  const char* memory_;
};

class ProfileFile {
 public:
  // Makes one. Trouble when memory is refused.
  ProfileFile();
  ~ProfileFile();
  ProfileFile(const ProfileFile&) = delete;
  ProfileFile& operator=(const ProfileFile&) = delete;

  // What programs open it by, while we live.
  [[nodiscard]] std::string path() const;
  // How many slices were taken; they are numbered from 1.
  [[nodiscard]] std::uint32_t slices() const;
  [[nodiscard]] const ProfileMemory& slice(std::uint32_t number);

 private:
  int file_ = -1;
  char* header_ = nullptr;
  std::vector<std::unique_ptr<ProfileMemory>> slices_;
};

}  // namespace strata::tool
