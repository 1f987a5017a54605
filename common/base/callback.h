// SPDX-License-Identifier: Apache-2.0
// What is called once when something is done. Moved, never copied.
#pragma once

#include <functional>
#include <memory>

namespace weir {

template <class Signature>
using Callback = std::move_only_function<Signature>;

using Task0 = Callback<void()>;

// Keeps callbacks from outliving the object that they speak to: a member of that object, declared
// last. What it binds does nothing once the object is gone. One strand only.
class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  template <class F>
  auto Bind(F f) const {
    return [alive = std::weak_ptr<char>(token_), f = std::move(f)](auto&&... args) mutable {
      if (auto held = alive.lock()) f(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace weir
