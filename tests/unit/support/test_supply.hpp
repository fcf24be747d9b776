// A supply of slots of a test's own, with the fake platform and the settings fresh; at its end the
// addresses go back.
#pragma once

#include <memory>
#include <new>

#include "ranges/slot_supply.hpp"

namespace test {

class TestSupply {
 public:
  explicit TestSupply(strata::size_t reserve, strata::size_t address_space = ~strata::size_t{0}) {
    using strata::FakePlatform;
    FakePlatform::reset();
    FakePlatform::control.address_space = address_space;
    strata::range_settings = {};
    strata::range_settings.reserve = reserve;
    strata::primary_view = {};
    supply_ = std::make_unique<strata::SlotSupply>();
  }
  ~TestSupply() {
    supply_->for_each_range([](strata::SlotRange& range) {
      strata::Machine::release(range.base(), range.reserved_slots() * strata::slot_size);
    });
    strata::FakePlatform::reset();
    strata::range_settings = {};
  }
  TestSupply(const TestSupply&) = delete;
  TestSupply& operator=(const TestSupply&) = delete;

  strata::SlotSupply* operator->() { return supply_.get(); }
  strata::SlotSupply& operator*() { return *supply_; }
  unsigned ranges() {
    unsigned count = 0;
    supply_->for_each_range([&](strata::SlotRange&) { ++count; });
    return count;
  }

 private:
  std::unique_ptr<strata::SlotSupply> supply_;
};

}  // namespace test
