// Runs kernels of an image on host arrays, without a driver.
//
//   Harness h("axpy.so");
//   auto y = h.allocate<float>(1000);  // unset
//   auto x = h.allocate(values);
//   h.run("axpy", {4}, {256}, 0, y.data(), x.data(), 2.0f, 1000);
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../simulator/executor.h"

namespace gridstride::test {

// An array that kernels may touch, with unusable room on both sides; filled with 0xFF.
template <typename T>
class Array {
 public:
  T* data() const { return static_cast<T*>(at_); }
  size_t size() const { return size_; }
  T& operator[](size_t i) const { return data()[i]; }
  std::vector<T> values() const { return {data(), data() + size_}; }

 private:
  friend class Harness;
  void* at_ = nullptr;
  size_t size_ = 0;
};

class Harness {
 public:
  // Exits with the loader's words if the image does not load.
  explicit Harness(const std::string& image);
  ~Harness();
  Harness(const Harness&) = delete;

  template <typename T>
  Array<T> allocate(size_t size) {
    Array<T> a;
    a.at_ = allocate_bytes(size * sizeof(T));
    a.size_ = size;
    return a;
  }
  template <typename T>
  Array<T> allocate(const std::vector<T>& values) {
    Array<T> a = allocate<T>(values.size());
    std::memcpy(a.at_, values.data(), values.size() * sizeof(T));
    written(a.at_, values.size() * sizeof(T));
    return a;
  }
  template <typename T>
  void free(const Array<T>& a) {
    free_bytes(a.at_);
  }

  bool checked() const;
  const GridstrideKernel* kernel(const std::string& name) const;  // null if there is none

  // Arguments have to have the exact types of the parameters.
  template <typename... A>
  Outcome run(const std::string& name, Extent grid, Extent block, size_t dynamic_shared, A... arguments) {
    void* pointers[] = {&arguments..., nullptr};
    return launch(name, grid, block, dynamic_shared, pointers);
  }
  Outcome launch(const std::string& name, Extent grid, Extent block, size_t dynamic_shared, void** arguments);

  uint64_t seed = 0;
  bool listen = true;  // to the checker

 private:
  void* allocate_bytes(size_t bytes);
  void free_bytes(void* at);
  void written(const void* at, size_t bytes);
  void* image_;
};

// Prints the outcome; true if it is a success.
bool succeeded(const Outcome& outcome);

}  // namespace gridstride::test
