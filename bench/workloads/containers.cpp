// The standard library's containers and strings, by one thread: what C++ programs mostly do.
//
// Blocks come in the sizes that nodes, buckets and growing buffers have, through operator new, and
// go through sized delete. Every operation is one insertion, lookup or string made.
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "workload.hpp"

namespace workloads {
namespace {

std::string word(Random& random, std::size_t most) {
  std::string text(1 + random.below(most), 'a');
  text[0] = char('a' + random.below(26));
  return text;
}

void ordered_map(Run& run) {
  Random random(20);
  const std::size_t operations = run.scaled(1'400'000);
  std::map<std::uint64_t, std::string> map;
  for (std::size_t n = 0; n < operations; ++n) {
    map[random.below(100'000)] = word(random, 60);
    if (map.size() > 50'000) map.erase(map.begin());
  }
  run.count(operations);
}

void hash_map(Run& run) {
  Random random(21);
  const std::size_t operations = run.scaled(1'400'000);
  std::unordered_map<std::string, std::uint64_t> map;
  for (std::size_t n = 0; n < operations; ++n) {
    const std::size_t number = random.below(150'000);
    std::string key = "a key that is on the heap " + std::to_string(number);
    if ((number & 3) == 0) {
      map.erase(key);
    } else {
      ++map[std::move(key)];
    }
    if (n % 500'000 == 499'999) map = {};
  }
  run.count(operations);
}

void vectors_and_lists(Run& run) {
  Random random(22);
  const std::size_t operations = run.scaled(350'000);
  std::vector<std::vector<std::uint32_t>> kept(500);
  std::list<std::string> queue;
  for (std::size_t n = 0; n < operations; ++n) {
    std::vector<std::uint32_t> fresh;
    const std::size_t length = random.below(2000);
    for (std::size_t i = 0; i < length; ++i) fresh.push_back(std::uint32_t(i));
    kept[random.below(kept.size())] = std::move(fresh);
    for (unsigned i = 0; i < 40; ++i) queue.push_back(word(random, 100));
    while (queue.size() > 4000) queue.pop_front();
    run.count(41);
  }
}

// Concatenation, splitting and joining of strings of all lengths.
void strings(Run& run) {
  Random random(23);
  const std::size_t operations = run.scaled(1'100'000);
  std::vector<std::string> kept(2000);
  for (std::size_t n = 0; n < operations; ++n) {
    std::string line;
    const std::size_t words = 2 + random.below(12);
    for (std::size_t i = 0; i < words; ++i) {
      line += word(random, 40);
      line += ' ';
    }
    std::vector<std::string> parts;
    for (std::size_t from = 0; from < line.size();) {
      const std::size_t to = line.find(' ', from);
      parts.push_back(line.substr(from, to - from));
      from = to + 1;
    }
    kept[random.below(kept.size())] = std::move(parts[parts.size() / 2]);
    run.count(words);
  }
}

// A document of nested objects, arrays and strings, built, copied and dropped: JSON in memory.
struct Value;
using Object = std::map<std::string, std::unique_ptr<Value>>;
using Array = std::vector<Value>;
struct Value {
  std::variant<double, std::string, Array, Object> content;
};

Value make(Random& random, unsigned depth, std::size_t& made) {
  ++made;
  const std::size_t kind = depth == 0 ? random.below(2) : random.below(4);
  Value value;
  if (kind == 0) {
    value.content = random.unit();
  } else if (kind == 1) {
    value.content = word(random, 50);
  } else if (kind == 2) {
    Array array;
    for (std::size_t i = random.below(12); i != 0; --i)
      array.push_back(make(random, depth - 1, made));
    value.content = std::move(array);
  } else {
    Object object;
    for (std::size_t i = random.below(12); i != 0; --i) {
      object[word(random, 24)] = std::make_unique<Value>(make(random, depth - 1, made));
    }
    value.content = std::move(object);
  }
  return value;
}

void documents(Run& run) {
  Random random(24);
  std::vector<Value> kept(60);
  std::size_t made = 0;
  const std::size_t values = run.scaled(3'000'000);
  while (made < values) kept[random.below(kept.size())] = make(random, 6, made);
  run.count(made);
}

constexpr Workload table[] = {
    {"ordered_map", "single", ordered_map, "std::map of strings, 50,000 entries"},
    {"hash_map", "single", hash_map, "std::unordered_map keyed by strings, dropped now and then"},
    {"vectors_and_lists", "single", vectors_and_lists, "growing vectors and a queue of strings"},
    {"strings", "single", strings, "strings joined, split and kept"},
    {"documents", "single", documents, "nested objects, arrays and strings, built and dropped"},
};

}  // namespace

std::span<const Workload> container_workloads() { return table; }

}  // namespace workloads
