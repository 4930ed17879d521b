// Atomic operations. Threads switch only at barriers, so a plain read and write is one.
#pragma once

#if defined(GRIDSTRIDE_CHECKED)
// Out of line and without instrumentation: the access is announced as an atomic one.
#define GRIDSTRIDE_ATOMIC static __attribute__((noinline, unused, no_sanitize("thread", "alignment", "bounds")))
#define GRIDSTRIDE_ANNOUNCE(at) gridstride_sim_atomic(at, sizeof *(at), __builtin_return_address(0))
#else
#define GRIDSTRIDE_ATOMIC static inline __attribute__((always_inline, unused))
#define GRIDSTRIDE_ANNOUNCE(at) static_cast<void>(0)
#endif

#define GRIDSTRIDE_ATOMIC_OP(T, name, expression) \
  GRIDSTRIDE_ATOMIC T name(T* at, T value) {      \
    GRIDSTRIDE_ANNOUNCE(at);                      \
    T old = *at;                                  \
    *at = static_cast<T>(expression);             \
    return old;                                   \
  }                                               \
  GRIDSTRIDE_INLINE T name##_block(T* at, T value) { return name(at, value); } \
  GRIDSTRIDE_INLINE T name##_system(T* at, T value) { return name(at, value); }

#define GRIDSTRIDE_INTEGER_ATOMICS(T)                          \
  GRIDSTRIDE_ATOMIC_OP(T, atomicAdd, old + value)              \
  GRIDSTRIDE_ATOMIC_OP(T, atomicExch, value)                   \
  GRIDSTRIDE_ATOMIC_OP(T, atomicMin, old < value ? old : value) \
  GRIDSTRIDE_ATOMIC_OP(T, atomicMax, old > value ? old : value) \
  GRIDSTRIDE_ATOMIC_OP(T, atomicAnd, old & value)              \
  GRIDSTRIDE_ATOMIC_OP(T, atomicOr, old | value)               \
  GRIDSTRIDE_ATOMIC_OP(T, atomicXor, old ^ value)

GRIDSTRIDE_INTEGER_ATOMICS(int)
GRIDSTRIDE_INTEGER_ATOMICS(unsigned)
GRIDSTRIDE_INTEGER_ATOMICS(unsigned long long)
GRIDSTRIDE_ATOMIC_OP(long long, atomicMin, old < value ? old : value)
GRIDSTRIDE_ATOMIC_OP(long long, atomicMax, old > value ? old : value)
GRIDSTRIDE_ATOMIC_OP(int, atomicSub, old - value)
GRIDSTRIDE_ATOMIC_OP(unsigned, atomicSub, old - value)
GRIDSTRIDE_ATOMIC_OP(unsigned, atomicInc, old >= value ? 0u : old + 1)
GRIDSTRIDE_ATOMIC_OP(unsigned, atomicDec, old == 0 || old > value ? value : old - 1)
GRIDSTRIDE_ATOMIC_OP(float, atomicAdd, old + value)
GRIDSTRIDE_ATOMIC_OP(float, atomicExch, value)
GRIDSTRIDE_ATOMIC_OP(double, atomicAdd, old + value)

#define GRIDSTRIDE_CAS(T)                              \
  GRIDSTRIDE_ATOMIC T atomicCAS(T* at, T compare, T value) { \
    GRIDSTRIDE_ANNOUNCE(at);                           \
    T old = *at;                                       \
    if (old == compare) *at = value;                   \
    return old;                                        \
  }

GRIDSTRIDE_CAS(int)
GRIDSTRIDE_CAS(unsigned)
GRIDSTRIDE_CAS(unsigned short)
GRIDSTRIDE_CAS(unsigned long long)

#undef GRIDSTRIDE_CAS
#undef GRIDSTRIDE_INTEGER_ATOMICS
#undef GRIDSTRIDE_ATOMIC_OP
