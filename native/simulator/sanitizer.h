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

// First thing on the other side; `home` learns where the caller's stack lies.
inline void arrived(fiber::Stack* on, fiber::Stack* home = nullptr) {
  if (__builtin_expect(__sanitizer_finish_switch_fiber != nullptr, 0)) {
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(on->sanitizer, &bottom, &size);
    if (home != nullptr) {
      home->low = static_cast<unsigned char*>(const_cast<void*>(bottom));
      home->bytes = size;
    }
  }
}

// The stack will begin anew: whatever was poisoned on it is good again.
inline void discard(fiber::Stack& stack) {
  stack.sanitizer = nullptr;
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(stack.low, stack.bytes);
}

}  // namespace gridstride::sanitizer
