// Two containers for the heap's proof: a growing array and a search tree, on operator new.
#pragma once

#include <new>
#include <utility>

#include "console.hpp"

namespace kernel {

template <class T>
class Vector {
 public:
  Vector() = default;
  ~Vector() { clear(); }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;

  bool push_back(const T& item) {
    if (count_ == room_) {
      const size_t room = room_ == 0 ? 4 : room_ * 2;
      T* more = static_cast<T*>(::operator new(room * sizeof(T)));
      if (more == nullptr) return false;
      for (size_t i = 0; i < count_; ++i) new (more + i) T(std::move(items_[i]));
      ::operator delete(items_);
      items_ = more;
      room_ = room;
    }
    new (items_ + count_++) T(item);
    return true;
  }
  void clear() {
    ::operator delete(items_);
    items_ = nullptr;
    count_ = room_ = 0;
  }
  [[nodiscard]] size_t size() const { return count_; }
  T& operator[](size_t i) { return items_[i]; }

 private:
  T* items_ = nullptr;
  size_t count_ = 0;
  size_t room_ = 0;
};

// A treap: a search tree that random priorities keep shallow.
class Map {
 public:
  ~Map() {
    while (root_ != nullptr) erase(root_->key);
  }
  bool insert(std::uint64_t key, std::uint64_t value) {
    Node* fresh = new Node{key, value, key * 0x9e3779b97f4a7c15ULL, nullptr, nullptr};
    if (fresh == nullptr) return false;
    Node** link = &root_;
    while (*link != nullptr && (*link)->priority >= fresh->priority) {
      link = key < (*link)->key ? &(*link)->left : &(*link)->right;
    }
    split(*link, key, fresh->left, fresh->right);
    *link = fresh;
    ++count_;
    return true;
  }
  [[nodiscard]] const std::uint64_t* find(std::uint64_t key) const {
    const Node* node = root_;
    while (node != nullptr && node->key != key) node = key < node->key ? node->left : node->right;
    return node != nullptr ? &node->value : nullptr;
  }
  bool erase(std::uint64_t key) {
    Node** link = &root_;
    while (*link != nullptr && (*link)->key != key) {
      link = key < (*link)->key ? &(*link)->left : &(*link)->right;
    }
    Node* node = *link;
    if (node == nullptr) return false;
    *link = join(node->left, node->right);
    delete node;
    --count_;
    return true;
  }
  [[nodiscard]] size_t size() const { return count_; }

 private:
  struct Node {
    std::uint64_t key, value, priority;
    Node *left, *right;
  };

  static void split(Node* node, std::uint64_t key, Node*& low, Node*& high) {
    Node** low_link = &low;
    Node** high_link = &high;
    while (node != nullptr) {
      if (node->key < key) {
        *low_link = node;
        low_link = &node->right;
        node = node->right;
      } else {
        *high_link = node;
        high_link = &node->left;
        node = node->left;
      }
    }
    *low_link = *high_link = nullptr;
  }
  static Node* join(Node* low, Node* high) {
    Node* joined = nullptr;
    Node** link = &joined;
    while (low != nullptr && high != nullptr) {
      Node*& taller = low->priority > high->priority ? low : high;
      *link = taller;
      if (&taller == &low) {
        link = &low->right;
        low = low->right;
      } else {
        link = &high->left;
        high = high->left;
      }
    }
    *link = low != nullptr ? low : high;
    return joined;
  }

  Node* root_ = nullptr;
  size_t count_ = 0;
};

}  // namespace kernel
