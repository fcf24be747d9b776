// MetadataPool: records that read as new, do not overlap, and come back; refusal loses nothing.
#include "ranges/metadata.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace {

using namespace strata;

struct Record {
  Record* next = nullptr;
  std::uint64_t words[12] = {};
};

class MetadataPoolTest : public testing::Test {
 protected:
  void SetUp() override { FakePlatform::control.refuse_commit = false; }
  void TearDown() override {
    FakePlatform::control.refuse_commit = false;
    FakePlatform::control.refuse_reserve = false;
  }
  MetadataPool<Record> pool;
};

TEST_F(MetadataPoolTest, records_are_distinct_and_zero_also_after_reuse) {
  std::set<Address> starts;
  std::vector<Record*> taken;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      Record* const record = pool.take();
      ASSERT_NE(record, nullptr);
      ASSERT_EQ(record->next, nullptr);
      for (const auto word : record->words) ASSERT_EQ(word, 0U);
      std::memset(static_cast<void*>(record), 0x77, sizeof *record);
      taken.push_back(record);
    }
    starts.clear();
    for (Record* record : taken) starts.insert(Address(record));
    ASSERT_EQ(starts.size(), taken.size());
    Address last = 0;
    for (const Address start : starts) {
      ASSERT_TRUE(last == 0 || start - last >= sizeof(Record)) << "records overlap";
      last = start;
    }
    for (Record* record : taken) pool.give(record);
    taken.clear();
  }
  // Reuse, not growth: the second and third round needed nothing new.
  EXPECT_EQ(pool.bytes(), 2000 * sizeof(Record));
}

TEST_F(MetadataPoolTest, refusal_gives_null_and_the_next_call_works) {
  Record* const first = pool.take();
  ASSERT_NE(first, nullptr);
  FakePlatform::control.refuse_reserve = true;
  while (pool.take() != nullptr) {  // uses the chunk up
  }
  const size_t bytes = pool.bytes();
  EXPECT_EQ(pool.take(), nullptr);
  FakePlatform::control.refuse_reserve = false;
  FakePlatform::control.refuse_commit = true;
  const unsigned reserves = FakePlatform::control.reserves.load(Order::relaxed);
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(FakePlatform::control.reserves.load(Order::relaxed), reserves) << "addresses leak";
  EXPECT_EQ(pool.bytes(), bytes);
  pool.give(first);
  EXPECT_EQ(pool.take(), first) << "what was given back serves also when the system refuses";
  FakePlatform::control.refuse_commit = false;
  EXPECT_NE(pool.take(), nullptr);
}

}  // namespace
