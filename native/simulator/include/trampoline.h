// From an array of pointers to parameters to the call of a kernel, deduced from the kernel's type.
#pragma once

#include <stddef.h>

#include <type_traits>
#include <utility>

template <typename T>
constexpr char gridstride_kind() {
  return std::is_pointer<T>::value ? 'p' : std::is_floating_point<T>::value ? 'f' : std::is_integral<T>::value || std::is_enum<T>::value ? 'i' : 's';
}

template <auto F>
struct GridstrideTrampoline;

template <typename... A, void (*F)(A...)>
struct GridstrideTrampoline<F> {
  static constexpr int parameters = sizeof...(A);
  static constexpr unsigned short size[] = {sizeof(A)..., 0};
  static constexpr unsigned short align[] = {alignof(A)..., 0};
  static constexpr char kind[] = {gridstride_kind<A>()..., 0};

  template <size_t... I>
  static inline __attribute__((always_inline, no_sanitize("thread", "alignment"))) void call(void** arguments, std::index_sequence<I...>) {
    static_cast<void>(arguments);
    F(*static_cast<std::remove_const_t<A>*>(arguments[I])...);
  }
  static __attribute__((no_sanitize("thread", "alignment"))) void run(void** arguments) { call(arguments, std::index_sequence_for<A...>()); }
};
