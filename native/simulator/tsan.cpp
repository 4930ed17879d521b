// What code compiled with -fsanitize=thread calls. There is no libtsan in the process: this is it.

#include <cstddef>
#include <cstdint>

#include "block.h"
#include "checker.h"
#include "include/device_calls.h"
#include "happens_before.h"
#include "checker_hooks.h"

using gridstride::checker::Access;
using gridstride::checker::judge;
using gridstride::checker::judge_fixed;

#define CALL extern "C" __attribute__((visibility("default")))
#define HERE __builtin_return_address(0)

CALL void __tsan_init() {}
CALL void __tsan_func_entry(void*) {}
CALL void __tsan_func_exit() {}
CALL void __tsan_vptr_update(void**, void*) {}
CALL void __tsan_vptr_read(void**) {}

#define ACCESSES(bytes)                                                                               \
  CALL void __tsan_read##bytes(void* at) { judge_fixed<bytes, Access::READ>(at, HERE); }              \
  CALL void __tsan_write##bytes(void* at) { judge_fixed<bytes, Access::WRITE>(at, HERE); }            \
  CALL void __tsan_unaligned_read##bytes(void* at) { judge(at, bytes, Access::READ, HERE); }          \
  CALL void __tsan_unaligned_write##bytes(void* at) { judge(at, bytes, Access::WRITE, HERE); }        \
  CALL void __tsan_volatile_read##bytes(void* at) { judge(at, bytes, Access::READ, HERE); }           \
  CALL void __tsan_volatile_write##bytes(void* at) { judge(at, bytes, Access::WRITE, HERE); }

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

CALL void __tsan_read_range(void* at, size_t bytes) { judge(at, bytes, Access::READ, HERE); }
CALL void __tsan_write_range(void* at, size_t bytes) { judge(at, bytes, Access::WRITE, HERE); }

// __atomic builtins. Threads switch only at barriers, so plain operations are atomic.
#define ATOMICS(bits, T)                                                                                                        \
  CALL T __tsan_atomic##bits##_load(const volatile T* at, int) {                                                                \
    judge(const_cast<T*>(at), sizeof(T), Access::ATOMIC, HERE);                                                                 \
    return *at;                                                                                                                 \
  }                                                                                                                             \
  CALL void __tsan_atomic##bits##_store(volatile T* at, T v, int) {                                                             \
    judge(const_cast<T*>(at), sizeof(T), Access::ATOMIC, HERE);                                                                 \
    *at = v;                                                                                                                    \
  }                                                                                                                             \
  CALL int __tsan_atomic##bits##_compare_exchange_strong(volatile T* at, T* expected, T v, int, int) {                          \
    judge(const_cast<T*>(at), sizeof(T), Access::ATOMIC, HERE);                                                                 \
    T old = *at;                                                                                                                \
    bool same = old == *expected;                                                                                               \
    if (same) *at = v;                                                                                                          \
    *expected = old;                                                                                                            \
    return same;                                                                                                                \
  }                                                                                                                             \
  CALL int __tsan_atomic##bits##_compare_exchange_weak(volatile T* at, T* expected, T v, int a, int b) {                        \
    return __tsan_atomic##bits##_compare_exchange_strong(at, expected, v, a, b);                                                \
  }                                                                                                                             \
  CALL T __tsan_atomic##bits##_compare_exchange_val(volatile T* at, T expected, T v, int a, int b) {                            \
    __tsan_atomic##bits##_compare_exchange_strong(at, &expected, v, a, b);                                                      \
    return expected;                                                                                                            \
  }                                                                                                                             \
  ATOMIC(bits, T, exchange, v)                                                                                                  \
  ATOMIC(bits, T, fetch_add, old + v)                                                                                           \
  ATOMIC(bits, T, fetch_sub, old - v)                                                                                           \
  ATOMIC(bits, T, fetch_and, old & v)                                                                                           \
  ATOMIC(bits, T, fetch_or, old | v)                                                                                            \
  ATOMIC(bits, T, fetch_xor, old ^ v)                                                                                           \
  ATOMIC(bits, T, fetch_nand, ~(old & v))

#define ATOMIC(bits, T, name, expression)                       \
  CALL T __tsan_atomic##bits##_##name(volatile T* at, T v, int) { \
    judge(const_cast<T*>(at), sizeof(T), Access::ATOMIC, HERE); \
    T old = *at;                                                \
    *at = static_cast<T>(expression);                           \
    return old;                                                 \
  }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

CALL void __tsan_atomic_thread_fence(int) {
  if (gridstride::hooks::on) gridstride::happens_before.fence();
}
CALL void __tsan_atomic_signal_fence(int) {}

// What the dialect announces itself.
void gridstride_sim_atomic(const void* at, unsigned bytes, const void* pc) { judge(at, bytes, Access::ATOMIC, pc); }
void gridstride_sim_read(const void* at, unsigned long bytes) { judge(at, bytes, Access::READ, HERE); }
void gridstride_sim_write(const void* at, unsigned long bytes) { judge(at, bytes, Access::WRITE, HERE); }
void gridstride_sim_fence() {
  if (gridstride::hooks::on) gridstride::happens_before.fence();
}
