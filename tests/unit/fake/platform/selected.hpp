// FakePlatform: the Linux platform with a clock that tests move, and with refusals.
//
// A test says which of the calls that may be refused (reserve, commit, purge, remap), counted
// together from one, shall be; or that all of one kind are. Everything else does what Linux does.
#pragma once

#include <new>

#include "platform/linux/linux_platform.hpp"

namespace strata {

// What tests set and read. `control` is assigned a fresh one at the start of a test.
struct FakeControl {
  static constexpr unsigned never = ~0U;

  Atomic<unsigned> calls;        // calls so far that may be refused
  unsigned refuse_from = never;  // the first call that is refused, counted from 1
  unsigned refuse_count = 1;     // how many in a row
  bool refuse_reserve = false;   // every one of a kind
  bool refuse_commit = false;
  bool refuse_purge = false;
  bool refuse_remap = false;
  std::uint64_t now = 1'000'000;  // milliseconds
  size_t address_space = ~size_t{0};
  Atomic<unsigned> purges;    // purges that were done
  Atomic<unsigned> reserves;  // reservations that were made and not released
  void (*during_purge)() = nullptr;
  // What was last said of huge pages, newest last.
  struct Advice {
    Address address;
    size_t bytes;
    bool allow;
  } advice[8] = {};
  unsigned advised = 0;
};

struct FakePlatform : LinuxPlatform {
  static constexpr unsigned never = FakeControl::never;
  static inline constinit FakeControl control{};
  // Everything as at the start.
  static void reset() noexcept { new (&control) FakeControl(); }

  static bool refused(bool all_of_kind) noexcept {
    const unsigned call = control.calls.fetch_add(1, Order::relaxed) + 1;
    return all_of_kind || (control.refuse_from != never && call >= control.refuse_from &&
                           call - control.refuse_from < control.refuse_count);
  }

  static Address reserve(size_t bytes, size_t alignment) noexcept {
    if (refused(control.refuse_reserve)) return 0;
    control.reserves.fetch_add(1, Order::relaxed);
    return LinuxPlatform::reserve(bytes, alignment);
  }
  static void release(Address address, size_t bytes) noexcept {
    control.reserves.fetch_sub(1, Order::relaxed);
    LinuxPlatform::release(address, bytes);
  }
  static bool commit(Address address, size_t bytes) noexcept {
    return !refused(control.refuse_commit) && LinuxPlatform::commit(address, bytes);
  }
  static bool purge(Address address, size_t bytes) noexcept {
    if (refused(control.refuse_purge)) return false;
    control.purges.fetch_add(1, Order::relaxed);
    if (control.during_purge != nullptr) control.during_purge();
    return LinuxPlatform::purge(address, bytes);
  }
  static Address remap(Address address, size_t old_bytes, size_t new_bytes) noexcept {
    return refused(control.refuse_remap) ? 0 : LinuxPlatform::remap(address, old_bytes, new_bytes);
  }
  static void allow_huge_pages(Address address, size_t bytes, bool allow) noexcept {
    if (control.advised < 8) control.advice[control.advised] = {address, bytes, allow};
    ++control.advised;
  }
  static std::uint64_t now() noexcept { return control.now; }
  static size_t address_space_limit() noexcept { return control.address_space; }
};

using Machine = FakePlatform;

}  // namespace strata
