// SPDX-License-Identifier: Apache-2.0
// An ordered map that is a value: a copy costs a pointer, and a change to one copy is never seen by
// another. Copies share what they have in common, so that Diff costs what has changed, not what
// there is. A treap whose priorities are hashes of the keys: one set of keys has one shape.
// Const access from any number of threads; changing one object is for one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

// Keys have std::hash and <. The hash decides the shape, never the order.
template <class K, class V>
class PersistentMap {
 public:
  using Entry = std::pair<const K, V>;

 private:
  struct Node;
  using Tree = std::shared_ptr<const Node>;
  struct Node {
    std::shared_ptr<const Entry> entry;
    uint64_t priority;
    size_t size;
    Tree left;
    Tree right;
  };

 public:
  // Goes through the entries in the order of their keys. The map (or a copy) outlives it.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;

    const Entry& operator*() const { return *path_.back()->entry; }
    const Entry* operator->() const { return path_.back()->entry.get(); }
    Iterator& operator++() {
      const Node* next = path_.back()->right.get();
      path_.pop_back();
      PushLeftmost(next);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const {
      if (path_.empty() || other.path_.empty()) return path_.empty() == other.path_.empty();
      return path_.back() == other.path_.back();
    }

   private:
    friend class PersistentMap;

    void PushLeftmost(const Node* node) {
      for (; node != nullptr; node = node->left.get()) path_.push_back(node);
    }

    // The nodes still to be visited on the way up; the current one last. Empty: the end.
    std::vector<const Node*> path_;
  };
  using const_iterator = Iterator;

  size_t size() const { return SizeOf(root_); }
  bool empty() const { return root_ == nullptr; }

  // Null if there is none. Good for as long as a map that has this entry lives.
  const V* Find(const K& key) const {
    const Node* node = root_.get();
    while (node != nullptr) {
      if (key < node->entry->first) {
        node = node->left.get();
      } else if (node->entry->first < key) {
        node = node->right.get();
      } else {
        return &node->entry->second;
      }
    }
    return nullptr;
  }
  bool Contains(const K& key) const { return Find(key) != nullptr; }

  void Set(K key, V value) {
    uint64_t priority = PriorityOf(key);
    auto entry = std::make_shared<const Entry>(std::move(key), std::move(value));
    root_ = Insert(root_, entry, priority);
  }

  // Says whether there was one.
  bool Erase(const K& key) {
    if (!Contains(key)) return false;
    root_ = Remove(root_, key);
    return true;
  }

  Iterator begin() const {
    Iterator first;
    first.PushLeftmost(root_.get());
    return first;
  }
  Iterator end() const { return Iterator(); }

  // The first entry whose key is not below `key`.
  Iterator LowerBound(const K& key) const {
    Iterator found;
    const Node* node = root_.get();
    while (node != nullptr) {
      if (node->entry->first < key) {
        node = node->right.get();
      } else {
        found.path_.push_back(node);
        node = node->left.get();
      }
    }
    return found;
  }

  // How many keys are below `key`.
  size_t Rank(const K& key) const {
    size_t rank = 0;
    const Node* node = root_.get();
    while (node != nullptr) {
      if (node->entry->first < key) {
        rank += SizeOf(node->left) + 1;
        node = node->right.get();
      } else {
        node = node->left.get();
      }
    }
    return rank;
  }

  // Calls `changed(key, before, after)` for each key whose value differs, in order of the keys; a
  // null is a key that is not there. What both maps share is passed over unseen.
  template <class F>
  static void Diff(const PersistentMap& before, const PersistentMap& after, F&& changed) {
    DiffTrees(before.root_, after.root_, changed);
  }

  friend bool operator==(const PersistentMap& a, const PersistentMap& b) {
    return EqualTrees(a.root_.get(), b.root_.get());
  }

 private:
  static size_t SizeOf(const Tree& tree) { return tree ? tree->size : 0; }

  // std::hash of a number is the number: mixed (splitmix64), or the treap would be a list.
  static uint64_t PriorityOf(const K& key) {
    uint64_t x = static_cast<uint64_t>(std::hash<K>()(key)) + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  // Who of two stands above the other: the keys decide between equal hashes.
  static bool Above(uint64_t priority, const K& key, const Node& other) {
    if (priority != other.priority) return priority > other.priority;
    return key < other.entry->first;
  }
  static bool Above(const Node& node, const Node& other) {
    return Above(node.priority, node.entry->first, other);
  }

  static Tree Make(std::shared_ptr<const Entry> entry, uint64_t priority, Tree left, Tree right) {
    size_t size = SizeOf(left) + SizeOf(right) + 1;
    return std::make_shared<const Node>(
        Node{std::move(entry), priority, size, std::move(left), std::move(right)});
  }
  static Tree With(const Node& node, Tree left, Tree right) {
    return Make(node.entry, node.priority, std::move(left), std::move(right));
  }

  struct Parts {
    Tree below;
    Tree above;
    // The key itself, where it was there.
    std::shared_ptr<const Entry> at;
  };
  static Parts Split(const Tree& tree, const K& key) {
    if (!tree) return {};
    if (key < tree->entry->first) {
      Parts parts = Split(tree->left, key);
      parts.above = With(*tree, std::move(parts.above), tree->right);
      return parts;
    }
    if (tree->entry->first < key) {
      Parts parts = Split(tree->right, key);
      parts.below = With(*tree, tree->left, std::move(parts.below));
      return parts;
    }
    return Parts{tree->left, tree->right, tree->entry};
  }

  // All keys of `left` are below all of `right`.
  static Tree Join(const Tree& left, const Tree& right) {
    if (!left) return right;
    if (!right) return left;
    if (Above(*left, *right)) return With(*left, left->left, Join(left->right, right));
    return With(*right, Join(left, right->left), right->right);
  }

  static Tree Insert(const Tree& tree, const std::shared_ptr<const Entry>& entry,
                     uint64_t priority) {
    const K& key = entry->first;
    if (!tree) return Make(entry, priority, nullptr, nullptr);
    if (key < tree->entry->first || tree->entry->first < key) {
      if (Above(priority, key, *tree)) {
        // A key that stands above this node is nowhere below it.
        Parts parts = Split(tree, key);
        return Make(entry, priority, std::move(parts.below), std::move(parts.above));
      }
      if (key < tree->entry->first) {
        return With(*tree, Insert(tree->left, entry, priority), tree->right);
      }
      return With(*tree, tree->left, Insert(tree->right, entry, priority));
    }
    return Make(entry, priority, tree->left, tree->right);
  }

  static Tree Remove(const Tree& tree, const K& key) {
    if (key < tree->entry->first) return With(*tree, Remove(tree->left, key), tree->right);
    if (tree->entry->first < key) return With(*tree, tree->left, Remove(tree->right, key));
    return Join(tree->left, tree->right);
  }

  template <class F>
  static void DiffTrees(const Tree& before, const Tree& after, F& changed) {
    if (before == after) return;
    if (!before) {
      return EachOf(after, [&](const Entry& e) { changed(e.first, nullptr, &e.second); });
    }
    if (!after) {
      return EachOf(before, [&](const Entry& e) { changed(e.first, &e.second, nullptr); });
    }
    // The root that stands higher parts both trees.
    const Tree& root = Above(*after, *before) ? after : before;
    const K& key = root->entry->first;
    Parts old_parts = &root == &before ? Parts{before->left, before->right, before->entry}
                                       : Split(before, key);
    Parts new_parts = !(key < after->entry->first) && !(after->entry->first < key)
                          ? Parts{after->left, after->right, after->entry}
                          : Split(after, key);
    DiffTrees(old_parts.below, new_parts.below, changed);
    if (old_parts.at != new_parts.at &&
        !(old_parts.at && new_parts.at && old_parts.at->second == new_parts.at->second)) {
      changed(key, old_parts.at ? &old_parts.at->second : nullptr,
              new_parts.at ? &new_parts.at->second : nullptr);
    }
    DiffTrees(old_parts.above, new_parts.above, changed);
  }

  template <class F>
  static void EachOf(const Tree& tree, F&& visit) {
    if (!tree) return;
    EachOf(tree->left, visit);
    visit(*tree->entry);
    EachOf(tree->right, visit);
  }

  // One set of keys has one shape, so that equal maps are equal node by node.
  static bool EqualTrees(const Node* a, const Node* b) {
    if (a == b) return true;
    if (a == nullptr || b == nullptr || a->size != b->size) return false;
    if (a->entry != b->entry && !(*a->entry == *b->entry)) return false;
    return EqualTrees(a->left.get(), b->left.get()) && EqualTrees(a->right.get(), b->right.get());
  }

  Tree root_;
};

}  // namespace weir
