// What all calls of the library use: live descriptors and handles, pointers and factors of the caller's, work on a handle's stream.
#pragma once

#include <functional>

#include "api.h"
#include "library.h"

namespace gridstride::cudnn {

using library::fail;
using library::text;

// The live objects of a kind; it says what it is called.
template <class T>
library::Live<T>& live() {
  static auto& all = *new library::Live<T>(T::NAME, T::COUNTED_AS, BAD_PARAM);
  return all;
}

// An object that the caller names.
template <class T>
T& given(T* object, const char* argument) {
  if (object == nullptr) fail(BAD_PARAM, "%s is null, a %s expected", argument, T::NAME);
  return live<T>().of(object);
}
// The same, and it has been set.
template <class T>
const T& given_set(const T* object, const char* argument) {
  if (object == nullptr) fail(BAD_PARAM, "%s is null, a %s expected", argument, T::NAME);
  const T& found = live<T>().of(object);
  if (!found.set) fail(BAD_PARAM, "%s was made, but never set", argument);
  return found;
}

template <class T>
void make_object(T** out) {
  if (out == nullptr) fail(BAD_PARAM, "no place for the %s", T::NAME);
  *out = live<T>().add(std::make_unique<T>());
}
// Nothing happens to null, as in the library.
template <class T>
void destroy_object(T* object) {
  if (object != nullptr) live<T>().destroy(object);
}

// Pointers that must not be null.
inline void need(const void* pointer, const char* argument) {
  if (pointer == nullptr) fail(BAD_PARAM, "%s is null", argument);
}
template <class... P>
void need_places(P*... places) {
  for (const void* p : {static_cast<const void*>(places)...}) need(p, "a place for a result");
}

inline void check_nan_propagation(int mode) {
  if (mode != 0 && mode != 1) fail(BAD_PARAM, "%d is no NaN propagation", mode);
}

struct Handle {
  static constexpr const char *NAME = "handle of cuDNN", *COUNTED_AS = "cudnn_handles";
  uint64_t context = 0;
  CUstream stream = nullptr;
};

// A handle of the current context.
Handle& handle_of(Handle* handle);

// A scaling factor, read at the call, from the host's memory.
float factor(const float* at, const char* argument);

// Puts this call's work into the handle's stream, or into the graph that the stream is captured into.
void enqueue(const Handle& handle, std::string description, std::vector<library::Range> ranges,
             std::function<void()> run);

}  // namespace gridstride::cudnn
