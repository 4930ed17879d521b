// AddressSanitizer has to be told of every switch of stacks, if it is in the process.
#pragma once

#include "fiber.h"

extern "C" {
void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* size) __attribute__((weak));
void __asan_poison_memory_region(const volatile void* at, size_t bytes) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void* at, size_t bytes) __attribute__((weak));
}

namespace gridstride::sanitizer {

// Before a switch. `from` is null if that stack is given up.
inline void leave(fiber::Stack* from, fiber::Stack* to) {
  if (__builtin_expect(__sanitizer_start_switch_fiber != nullptr, 0)) {
    __sanitizer_start_switch_fiber(from != nullptr ? &from->sanitizer : nullptr, to->low, to->bytes);
  }
}

// Set before a switch away from a stack that is not ours: its place is learnt on the other side.
inline fiber::Stack* learn = nullptr;

// First thing on the other side.
inline void arrived(fiber::Stack* on) {
  if (__builtin_expect(__sanitizer_finish_switch_fiber != nullptr, 0)) {
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(on->sanitizer, &bottom, &size);
    if (learn != nullptr) {
      learn->low = static_cast<unsigned char*>(const_cast<void*>(bottom));
      learn->bytes = size;
      learn = nullptr;
    }
  }
}

// The stack begins anew: whatever was poisoned on it is good again.
inline void discard(fiber::Stack& stack) {
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(stack.low, stack.bytes);
}

// Of `capacity` bytes only the first ones may be used.
inline void allow(const void* at, size_t bytes, size_t capacity) {
  if (__builtin_expect(__asan_poison_memory_region == nullptr || at == nullptr, 1)) return;
  __asan_unpoison_memory_region(at, bytes);
  __asan_poison_memory_region(static_cast<const unsigned char*>(at) + bytes, capacity - bytes);
}

}  // namespace gridstride::sanitizer
