// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/memory_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace weir::fuzz {
namespace {

std::atomic<size_t> held = 0;
std::atomic<size_t> most = 0;

void* Take(size_t size, size_t alignment) {
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  // Nothing here throws, and whoever asks for more than there is has already failed.
  if (memory == nullptr) std::abort();
  size_t now = held += malloc_usable_size(memory);
  size_t before = most;
  while (now > before && !most.compare_exchange_weak(before, now)) {
  }
  return memory;
}

void Give(void* memory) {
  if (memory == nullptr) return;
  held -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

size_t HeldBytes() { return held; }
size_t MostHeldBytes() { return most; }
void ForgetMost() { most = held.load(); }

}  // namespace weir::fuzz

void* operator new(size_t size) { return weir::fuzz::Take(size, 1); }
void* operator new[](size_t size) { return weir::fuzz::Take(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return weir::fuzz::Take(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return weir::fuzz::Take(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { weir::fuzz::Give(memory); }
void operator delete[](void* memory) noexcept { weir::fuzz::Give(memory); }
void operator delete(void* memory, size_t) noexcept { weir::fuzz::Give(memory); }
void operator delete[](void* memory, size_t) noexcept { weir::fuzz::Give(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { weir::fuzz::Give(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { weir::fuzz::Give(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { weir::fuzz::Give(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  weir::fuzz::Give(memory);
}
