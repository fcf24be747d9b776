// DeviceTreeReader on a tree built here, whole and broken.
#include "frames/device_tree_memory.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "frames/memory_map.hpp"

namespace strata {
namespace {

class Tree {
 public:
  void begin(const char* name) {
    word(1);
    text(name);
  }
  void end() { word(2); }
  void property(const char* name, const std::string& value) {
    word(3);
    word(std::uint32_t(value.size()));
    word(std::uint32_t(strings_.size()));
    strings_ += name;
    strings_ += '\0';
    structure_ += value;
    pad();
  }
  static std::string cells(std::initializer_list<std::uint32_t> values) {
    std::string out;
    for (const std::uint32_t v : values) append(out, v);
    return out;
  }
  std::string finish(std::uint64_t reserved_base, std::uint64_t reserved_bytes) {
    word(9);
    std::string out;
    const auto structure = std::uint32_t(40 + 32);
    const auto strings = std::uint32_t(structure + structure_.size());
    for (const std::uint32_t v :
         {0xd00dfeedu, std::uint32_t(strings + strings_.size()), structure, strings, 40u, 17u, 16u,
          0u, std::uint32_t(strings_.size()), std::uint32_t(structure_.size())}) {
      append(out, v);
    }
    for (const std::uint64_t v :
         {reserved_base, reserved_bytes, std::uint64_t{0}, std::uint64_t{0}}) {
      append(out, std::uint32_t(v >> 32));
      append(out, std::uint32_t(v));
    }
    return out + structure_ + strings_;
  }

 private:
  static void append(std::string& to, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) to += char(value >> shift);
  }
  void word(std::uint32_t value) { append(structure_, value); }
  void text(const char* value) {
    structure_ += value;
    structure_ += '\0';
    pad();
  }
  void pad() {
    while (structure_.size() % 4 != 0) structure_ += '\0';
  }
  std::string structure_, strings_;
};

std::string sample() {
  Tree tree;
  tree.begin("");
  tree.property("#address-cells", Tree::cells({2}));
  tree.property("#size-cells", Tree::cells({2}));
  tree.begin("memory@80000000");  // the higher one first, as firmware does
  tree.property("reg", Tree::cells({0, 0x80000000, 0, 0x10000000}));
  tree.property("device_type", std::string("memory\0", 7));
  tree.end();
  tree.begin("memory@40000000");
  tree.property("device_type", std::string("memory\0", 7));
  tree.property("reg", Tree::cells({0, 0x40000000, 0, 0x10000000}));
  tree.end();
  tree.begin("secram@e000000");  // the secure world's
  tree.property("device_type", std::string("memory\0", 7));
  tree.property("status", std::string("disabled\0", 9));
  tree.property("reg", Tree::cells({0, 0x0e000000, 0, 0x1000000}));
  tree.end();
  tree.begin("reserved-memory");
  tree.property("#address-cells", Tree::cells({2}));
  tree.property("#size-cells", Tree::cells({2}));
  tree.begin("secure@41000000");
  tree.property("reg", Tree::cells({0, 0x41000000, 0, 0x100000}));
  tree.end();
  tree.end();
  tree.begin("device@1000");
  tree.property("reg", Tree::cells({0, 0x1000, 0, 0x1000}));
  tree.end();
  tree.end();
  return tree.finish(0x42000000, 0x10000);
}

TEST(device_tree, memory_less_reservations_is_usable) {
  const std::string tree = sample();
  MemoryMap<16> map;
  const DeviceTreeReader reader(tree.data(), 0x44000000);
  ASSERT_TRUE(reader.valid());
  map.read(reader);
  map.finish();
  EXPECT_EQ(map.usable_bytes(), 0x20000000u - 0x100000 - 0x10000 - 0x1000);
  ASSERT_EQ(map.size(), 5u);
  EXPECT_EQ(map[0].base, 0x40000000u);
  EXPECT_EQ(map[1].base, 0x41100000u);
  EXPECT_EQ(map[3].base, 0x44001000u) << "the tree itself is in use";
  EXPECT_EQ(map[4].base, 0x80000000u);
}

TEST(device_tree, a_broken_tree_is_never_read_outside_itself) {
  const std::string good = sample();
  for (unsigned seed = 0; seed < 20000; ++seed) {
    std::mt19937 random(seed);
    // A copy of exact size, so that a sanitizer sees one byte too far.
    std::vector<char> tree(good.begin(), good.end());
    for (int i = 0; i < 4; ++i) {
      const size_t at = 8 + random() % (tree.size() - 8);  // magic and size stay
      tree[at] = char(random());
    }
    MemoryMap<64> map;
    map.read(DeviceTreeReader(tree.data(), 0x1000));
    map.finish();
  }
}

}  // namespace
}  // namespace strata
