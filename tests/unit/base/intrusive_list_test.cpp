// The intrusive list against std::list, with both directions walked after every step.
#include "base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <algorithm>
#include <cstring>
#include <list>
#include <vector>

namespace {

struct Item {
  Item* next = nullptr;
  Item* previous = nullptr;
};

void expect_same(const strata::List<Item>& list, const std::list<Item*>& model) {
  RC_ASSERT(list.empty() == model.empty());
  std::list<Item*> forward;
  for (Item* item = list.first(); item != nullptr; item = item->next) forward.push_back(item);
  RC_ASSERT(forward == model);
  std::list<Item*> backward;
  for (Item* item = list.last(); item != nullptr; item = item->previous) backward.push_front(item);
  RC_ASSERT(backward == model);
}

TEST(IntrusiveList, behaves_as_a_doubly_linked_list) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& program) {
    std::vector<Item> items(16);
    strata::List<Item> list;
    std::list<Item*> model;
    for (const auto& [operation, which] : program) {
      Item* const item = &items[which % items.size()];
      const auto found = std::find(model.begin(), model.end(), item);
      if (operation % 4 == 0) {
        Item* const expected = model.empty() ? nullptr : model.front();
        RC_ASSERT(list.pop_front() == expected);
        if (expected != nullptr) model.pop_front();
      } else if (found != model.end()) {
        list.remove(item);
        model.erase(found);
        RC_ASSERT(item->next == nullptr);
        RC_ASSERT(item->previous == nullptr);
      } else if (operation % 4 == 1) {
        list.push_front(item);
        model.push_front(item);
      } else {
        list.push_back(item);
        model.push_back(item);
      }
      expect_same(list, model);
    }
  }));
}

TEST(IntrusiveList, zeroed_memory_is_the_empty_list) {
  alignas(strata::List<Item>) unsigned char memory[sizeof(strata::List<Item>)];
  std::memset(memory, 0, sizeof memory);
  auto* const list = reinterpret_cast<strata::List<Item>*>(memory);
  EXPECT_TRUE(list->empty());
  EXPECT_EQ(list->pop_front(), nullptr);
  Item item;
  list->push_back(&item);
  EXPECT_EQ(list->first(), &item);
  EXPECT_EQ(list->last(), &item);
}

}  // namespace
