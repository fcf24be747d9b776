// List<T>: a doubly linked list through the members T::next and T::previous. Owns nothing.
//
// All-zero is the empty list, so lists may stand in zeroed memory. Not synchronised. O(1) each.
#pragma once

namespace strata {

template <class T>
class List {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] T* first() const noexcept { return first_; }
  [[nodiscard]] T* last() const noexcept { return last_; }

  void push_front(T* item) noexcept {
    item->previous = nullptr;
    item->next = first_;
    (first_ != nullptr ? first_->previous : last_) = item;
    first_ = item;
  }
  void push_back(T* item) noexcept {
    item->next = nullptr;
    item->previous = last_;
    (last_ != nullptr ? last_->next : first_) = item;
    last_ = item;
  }
  void remove(T* item) noexcept {
    (item->previous != nullptr ? item->previous->next : first_) = item->next;
    (item->next != nullptr ? item->next->previous : last_) = item->previous;
    item->next = item->previous = nullptr;
  }
  T* pop_front() noexcept {
    T* item = first_;
    if (item != nullptr) remove(item);
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace strata
