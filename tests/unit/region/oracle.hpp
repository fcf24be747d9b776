// A model of what a region owes its user, driven by a string of bytes.
//
// Each operation takes one to four bytes: so a random string, every short string, or a fuzzer's
// string is a program. The model knows each block's place, size and contents, and after every
// operation it asks: inside the memory, aligned, over no other block, old contents intact, size
// enough, errors named as promised. check() of the region runs every few operations. A broken
// promise returns text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "region/region.hpp"

namespace strata::testing {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ == size_; }
  unsigned next() { return at_ < size_ ? data_[at_++] : 0; }
  std::size_t position() const { return at_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// What the model asks of a region, whatever its policies: so the model is compiled once, and each
// product's region once, which is most of the time that these tests take to build.
class AnyRegion {
 public:
  AnyRegion(std::size_t granule, std::size_t overhead, std::size_t min_size, std::size_t max_size,
            bool constant_time)
      : granule(granule),
        overhead(overhead),
        min_size(min_size),
        max_size(max_size),
        constant_time(constant_time) {}
  virtual ~AnyRegion() = default;
  virtual void* allocate(std::size_t size) = 0;
  virtual void* allocate_aligned(std::size_t size, std::size_t alignment) = 0;
  virtual void* falloc(std::size_t size) = 0;
  virtual RegionError free(void* block) = 0;
  virtual void* reallocate(void* block, std::size_t size) = 0;
  virtual bool resize_in_place(void* block, std::size_t size) = 0;
  virtual std::size_t usable_size(const void* block) = 0;
  virtual bool owns(const void* address) = 0;
  virtual void work(std::size_t most) = 0;
  virtual void settle() = 0;
  virtual void walk(const std::function<void(const RegionBlock&)>& visit) = 0;
  virtual RegionCheck check() = 0;
  virtual RegionStatistics statistics() = 0;
  virtual RegionError last_error() = 0;

  const std::size_t granule, overhead, min_size, max_size;
  const bool constant_time;  // a search may miss a block that is long enough
};

template <class R>
class OneRegion final : public AnyRegion {
 public:
  explicit OneRegion(R& region)
      : AnyRegion(R::granule, R::overhead, R::min_size, R::max_size, R::Index::constant_time),
        region_(region) {}
  void* allocate(std::size_t size) override { return region_.allocate(size); }
  void* allocate_aligned(std::size_t size, std::size_t alignment) override {
    return region_.allocate_aligned(size, alignment);
  }
  void* falloc(std::size_t size) override { return region_.falloc(size); }
  RegionError free(void* block) override { return region_.free(block); }
  void* reallocate(void* block, std::size_t size) override {
    return region_.reallocate(block, size);
  }
  bool resize_in_place(void* block, std::size_t size) override {
    return region_.resize_in_place(block, size);
  }
  std::size_t usable_size(const void* block) override { return region_.usable_size(block); }
  bool owns(const void* address) override { return region_.owns(address); }
  void work(std::size_t most) override { region_.work(most); }
  void settle() override { region_.settle(); }
  void walk(const std::function<void(const RegionBlock&)>& visit) override { region_.walk(visit); }
  RegionCheck check() override { return region_.check(); }
  RegionStatistics statistics() override { return region_.statistics(); }
  RegionError last_error() override { return region_.last_error(); }

 private:
  R& region_;
};

class Oracle {
 public:
  template <class R>
  Oracle(R& region, char* memory, std::size_t bytes, unsigned check_every = 1)
      : any_(std::make_unique<OneRegion<R>>(region)),
        region_(*any_),
        memory_(memory),
        bytes_(bytes),
        check_every_(check_every) {}

  // Runs the program; empty, or what went wrong.
  std::string run(Bytes program) {
    std::size_t operations = 0;
    while (!program.empty() && wrong_.empty()) {
      const std::size_t at = program.position();
      operate(program);
      if (wrong_.empty() && ++operations % check_every_ == 0) check();
      if (!wrong_.empty()) wrong_ += " (byte " + std::to_string(at) + ")";
    }
    if (wrong_.empty()) finish();
    return wrong_;
  }

 private:
  static constexpr std::size_t slots = 16;
  struct Block {
    char* at = nullptr;
    std::size_t size = 0;
    unsigned char fill = 0;
  };

  void fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  static std::size_t size_of(unsigned byte, unsigned scale) {
    // Small sizes densely, large ones by steps; now and then none at all.
    return (scale & 3) == 3 ? std::size_t{byte} * 64 : (scale & 3) == 2 ? byte * 8U : byte;
  }

  void operate(Bytes& program) {
    const unsigned op = program.next();
    Block& block = blocks_[(op >> 4) % slots];
    switch (op % 16) {
      default:
        if (block.at != nullptr)
          free(block);
        else
          allocate(block, program, 0, false);
        break;
      case 8:
        free(block);
        break;
      case 9:
        reallocate(block, program);
        break;
      case 10:
        resize(block, program);
        break;
      case 11:
        if (block.at == nullptr)
          allocate(block, program, std::size_t{1} << (program.next() % 10), false);
        break;
      case 12:
        if (block.at == nullptr) allocate(block, program, 0, true);
        break;
      case 13:
        free_twice(block);
        break;
      case 14:
        region_.work(program.next() % 8);
        break;
      case 15:
        (op >> 4) % 2 != 0 ? region_.settle() : free_wrongly(block, program.next());
        break;
    }
  }

  void allocate(Block& block, Bytes& program, std::size_t alignment, bool at_end) {
    const unsigned byte = program.next();
    const std::size_t size = size_of(byte, program.next());
    void* p = at_end           ? region_.falloc(size)
              : alignment == 0 ? region_.allocate(size)
                               : region_.allocate_aligned(size, alignment);
    if (p == nullptr) return refused(size, alignment);
    if (size == 0) return fail("a request for nothing was served");
    accept(block, p, size, alignment < region_.granule ? region_.granule : alignment);
    fill(block, 0);
  }

  void refused(std::size_t size, std::size_t alignment) {
    const RegionError error = region_.last_error();
    if (size == 0) {
      if (error != RegionError::zero_size) fail("zero size is not named");
      return;
    }
    if (size > region_.max_size) {
      if (error != RegionError::too_large) fail("too large is not named");
      return;
    }
    if (error != RegionError::out_of_memory) return fail("out of memory is not named");
    // A refusal has given back and joined everything, so it must mean that there is no such block.
    if (region_.constant_time || alignment > region_.granule) return;
    const std::size_t served_as = size < region_.min_size ? region_.min_size : size;
    if (region_.statistics().largest_free_bytes >=
        served_as + region_.overhead + region_.granule - 1) {
      fail("refused although a free block is long enough");
    }
  }

  void accept(Block& block, void* p, std::size_t size, std::size_t alignment) {
    char* at = static_cast<char*>(p);
    if (reinterpret_cast<std::uintptr_t>(p) % alignment != 0) return fail("not aligned");
    if (at < memory_ || at + size > memory_ + bytes_) return fail("outside the memory");
    const auto above = used_.lower_bound(at);
    if (above != used_.end() && above->first < at + size) return fail("overlaps the block above");
    if (above != used_.begin() && std::prev(above)->first + std::prev(above)->second > at) {
      return fail("overlaps the block below");
    }
    used_[at] = size;
    block.at = at;
    block.size = size;
    if (region_.usable_size(p) < size) fail("usable size is less than asked");
    if (!region_.owns(p)) fail("does not own its block");
  }

  void fill(Block& block, std::size_t from) {
    if (block.at == nullptr) return;
    if (from == 0) block.fill = ++last_fill_;
    std::memset(block.at + from, block.fill, block.size - from);
  }

  void expect_contents(const Block& block, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (static_cast<unsigned char>(block.at[i]) != block.fill) return fail("contents changed");
    }
  }

  void free(Block& block) {
    if (block.at == nullptr) {
      if (region_.free(nullptr) != RegionError::none) fail("free of null is an error");
      return;
    }
    expect_contents(block, block.size);
    if (region_.free(block.at) != RegionError::none) fail("free refused");
    used_.erase(block.at);
    block = Block{};
  }

  void free_twice(Block& block) {
    if (block.at == nullptr) return;
    void* p = block.at;
    free(block);
    if (region_.free(p) != RegionError::double_free) fail("double free is not named");
  }

  // Pointers that are no block's: every one is refused, and nothing changes.
  void free_wrongly(const Block& block, unsigned kind) {
    char outside[32];
    switch (kind % 3) {
      case 0:
        if (region_.free(outside + 16) == RegionError::none) fail("foreign pointer accepted");
        break;
      case 1:
        if (block.at != nullptr && region_.free(block.at + 1) == RegionError::none) {
          fail("misaligned pointer accepted");
        }
        break;
      case 2:
        if (region_.free(memory_ + bytes_) == RegionError::none) fail("the end was accepted");
        break;
    }
  }

  void reallocate(Block& block, Bytes& program) {
    const unsigned byte = program.next();
    const std::size_t size = size_of(byte, program.next());
    if (block.at == nullptr) return;
    void* p = region_.reallocate(block.at, size);
    if (p == nullptr) {
      expect_contents(block, block.size);
      return;
    }
    if (size == 0) return fail("resized to nothing");
    const std::size_t kept = size < block.size ? size : block.size;
    used_.erase(block.at);
    accept(block, p, size, region_.granule);
    expect_contents(block, kept);
    fill(block, kept);
  }

  void resize(Block& block, Bytes& program) {
    const unsigned byte = program.next();
    const std::size_t size = size_of(byte, program.next());
    if (block.at == nullptr || !region_.resize_in_place(block.at, size)) return;
    const std::size_t kept = size < block.size ? size : block.size;
    used_.erase(block.at);
    accept(block, block.at, size, region_.granule);
    expect_contents(block, kept);
    fill(block, kept);
  }

  void check() {
    const RegionCheck result = region_.check();
    if (!result) return fail(std::string("check: ") + region_error_name(result.error));
    const RegionStatistics s = region_.statistics();
    std::size_t walked_used = 0;
    std::size_t walked_bytes = 0;
    region_.walk([&](const RegionBlock& b) {
      walked_bytes += b.bytes;
      if (b.state == BlockState::used) ++walked_used;
    });
    if (walked_used != used_.size()) fail("walk shows another number of used blocks");
    if (walked_bytes != s.used_bytes + s.free_bytes) fail("statistics do not sum to the walk");
  }

  // Everything is given back: one free block is left, as long as at the start.
  void finish() {
    for (Block& block : blocks_) free(block);
    region_.settle();
    check();
    const RegionStatistics s = region_.statistics();
    if (wrong_.empty() && (s.used_bytes != 0 || s.free_blocks != 1))
      fail("not one free block at the end");
  }

  std::unique_ptr<AnyRegion> any_;
  AnyRegion& region_;
  char* memory_;
  std::size_t bytes_;
  unsigned check_every_;
  Block blocks_[slots];
  std::map<char*, std::size_t> used_;
  unsigned char last_fill_ = 0;
  std::string wrong_;
};

// Deterministic bytes from a seed.
inline std::vector<std::uint8_t> random_program(std::uint64_t seed, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint64_t s = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (auto& b : bytes) {
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    b = std::uint8_t((s * 0x2545f4914f6cdd1dULL) >> 56);
  }
  return bytes;
}

}  // namespace strata::testing
