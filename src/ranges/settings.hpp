// Settings of the ranges storey. Plain data, set once before the first run of slots is taken (by
// the options) or later by the control interface; read without locks.
#pragma once

#include "base/units.hpp"

namespace strata {

enum class Provision : std::uint8_t { lazy, eager };

struct RangeSettings {
  // Addresses to reserve at start; halved twice until the system agrees.
  size_t reserve = 1 * TiB;
  // Free memory that may stay resident: this, or a share of what is in use, whichever is more.
  size_t dirty_limit = 8 * MiB;
  // Milliseconds after which free memory is given back although the limit is not reached.
  std::uint32_t purge_delay = 500;
  // Lazy: physical pages come with the first touch. Eager: with the run of slots.
  Provision provision = Provision::lazy;
  // Huge pages are asked for where a range grows beyond so many bytes: 0 is from the start.
  static constexpr size_t never = ~size_t{0};
  size_t huge_pages_after = never;
  // Whether more of a range is made usable than is needed now: fewer system calls. Off, what lies
  // behind the last slot in use cannot be touched.
  bool commit_ahead = true;
  // Whether a thread of Strata's own may purge. Only ever started in a program that has threads
  // already, and only when more than the limit is dirty.
  bool worker = true;
};

inline RangeSettings range_settings;

}  // namespace strata
