// LiveTable: which blocks are sampled ones that are not freed yet, by address.
//
// A record's number is that of its LiveSample in the profile's slice. Reserved as large as it may
// become, touched as it fills; bounded. Not thread-safe: the owner locks. O(1).
#pragma once

#include "observe/profile_area.hpp"
#include "platform/current.hpp"

namespace strata::observe {

struct LiveRecord {
  Address address = 0;
  Address place = 0;   // of a small block: the one that would have served; 0: large
  size_t exposed = 0;  // bytes that points may have fallen on
  size_t mean = 0;     // with which they fell
  size_t client_mean = 0;
  double bytes = 0;        // what it adds to the live ones
  std::uint32_t area = 0;  // in which of the process's slices it stands; see Profiler
  std::uint32_t next = 0;  // in its bucket, or of the free ones: number + 1
};

class LiveTable {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  bool open() noexcept {
    if (records_ != nullptr) return true;
    const Address memory = Machine::reserve(bytes, Machine::page_size());
    if (memory == 0) return false;
    if (!Machine::commit(memory, bytes)) {
      Machine::release(memory, bytes);
      return false;
    }
    buckets_ = reinterpret_cast<std::uint32_t*>(memory + records_bytes);
    records_ = reinterpret_cast<LiveRecord*>(memory);
    return true;
  }
  [[nodiscard]] LiveRecord& operator[](std::uint32_t number) noexcept { return records_[number]; }

  // A record for an address that has none, to be filled in; none: no room.
  std::uint32_t add(Address address) noexcept {
    std::uint32_t number = free_ - 1;
    if (free_ != 0) {
      free_ = records_[number].next;
    } else {
      if (used_ == Layout::most_live) return none;
      number = used_++;
    }
    std::uint32_t& first = bucket(address);
    records_[number] = {};
    records_[number].address = address;
    records_[number].next = first;
    first = number + 1;
    ++count_;
    return number;
  }
  std::uint32_t find(Address address) noexcept {
    if (count_ == 0) return none;
    std::uint32_t number = bucket(address);
    while (number != 0 && records_[number - 1].address != address) {
      number = records_[number - 1].next;
    }
    return number - 1;
  }
  void remove(std::uint32_t number) noexcept {
    std::uint32_t* link = &bucket(records_[number].address);
    while (*link != number + 1) link = &records_[*link - 1].next;
    *link = records_[number].next;
    records_[number].next = free_;
    free_ = number + 1;
    --count_;
  }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }

 private:
  static constexpr std::uint32_t bucket_count = 1U << 16;
  static constexpr size_t records_bytes = Layout::most_live * sizeof(LiveRecord);
  static constexpr size_t bytes = records_bytes + bucket_count * sizeof(std::uint32_t);

  std::uint32_t& bucket(Address address) noexcept {
    return buckets_[(address >> granule_shift) * 0x9e3779b97f4a7c15ULL >> 48];
  }

  LiveRecord* records_ = nullptr;
  std::uint32_t* buckets_ = nullptr;
  std::uint32_t free_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace strata::observe
