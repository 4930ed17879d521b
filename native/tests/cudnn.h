// The calls of cuDNN under test, as its documentation has them, and a device to make them on.
#pragma once

#include <algorithm>
#include <cmath>

#include "check.h"

struct Performance {
  int algorithm, status;
  float time;
  size_t memory;
  int determinism, math_type, reserved[3];
};

using Factor = const float*;

#define DECLARE(name, ...) extern "C" int name(__VA_ARGS__);
DECLARE(cudnnCreate, void**)
DECLARE(cudnnDestroy, void*)
DECLARE(cudnnSetStream, void*, CUstream)
DECLARE(cudnnGetStream, void*, CUstream*)
DECLARE(cudnnCreateTensorDescriptor, void**)
DECLARE(cudnnDestroyTensorDescriptor, void*)
DECLARE(cudnnSetTensor4dDescriptor, void*, int, int, int, int, int, int)
DECLARE(cudnnSetTensor4dDescriptorEx, void*, int, int, int, int, int, int, int, int, int)
DECLARE(cudnnSetTensorNdDescriptor, void*, int, int, const int*, const int*)
DECLARE(cudnnCreateFilterDescriptor, void**)
DECLARE(cudnnDestroyFilterDescriptor, void*)
DECLARE(cudnnSetFilter4dDescriptor, void*, int, int, int, int, int, int)
DECLARE(cudnnCreateConvolutionDescriptor, void**)
DECLARE(cudnnDestroyConvolutionDescriptor, void*)
DECLARE(cudnnSetConvolution2dDescriptor, void*, int, int, int, int, int, int, int, int)
DECLARE(cudnnSetConvolutionGroupCount, void*, int)
DECLARE(cudnnSetConvolutionMathType, void*, int)
DECLARE(cudnnGetConvolution2dForwardOutputDim, void*, void*, void*, int*, int*, int*, int*)
DECLARE(cudnnGetConvolutionForwardAlgorithm_v7, void*, void*, void*, void*, void*, int, int*, Performance*)
DECLARE(cudnnGetConvolutionBackwardDataAlgorithm_v7, void*, void*, void*, void*, void*, int, int*, Performance*)
DECLARE(cudnnGetConvolutionBackwardFilterAlgorithm_v7, void*, void*, void*, void*, void*, int, int*, Performance*)
DECLARE(cudnnGetConvolutionForwardWorkspaceSize, void*, void*, void*, void*, void*, int, size_t*)
DECLARE(cudnnGetConvolutionBackwardDataWorkspaceSize, void*, void*, void*, void*, void*, int, size_t*)
DECLARE(cudnnGetConvolutionBackwardFilterWorkspaceSize, void*, void*, void*, void*, void*, int, size_t*)
DECLARE(cudnnConvolutionForward, void*, Factor, void*, const void*, void*, const void*, void*, int, void*, size_t,
        Factor, void*, void*)
DECLARE(cudnnConvolutionBackwardData, void*, Factor, void*, const void*, void*, const void*, void*, int, void*, size_t,
        Factor, void*, void*)
DECLARE(cudnnConvolutionBackwardFilter, void*, Factor, void*, const void*, void*, const void*, void*, int, void*, size_t,
        Factor, void*, void*)
DECLARE(cudnnConvolutionBackwardBias, void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnConvolutionBiasActivationForward, void*, Factor, void*, const void*, void*, const void*, void*, int, void*,
        size_t, Factor, void*, const void*, void*, const void*, void*, void*, void*)
DECLARE(cudnnCreateActivationDescriptor, void**)
DECLARE(cudnnDestroyActivationDescriptor, void*)
DECLARE(cudnnSetActivationDescriptor, void*, int, int, double)
DECLARE(cudnnActivationForward, void*, void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnActivationBackward, void*, void*, Factor, void*, const void*, void*, const void*, void*, const void*, Factor,
        void*, void*)
DECLARE(cudnnCreatePoolingDescriptor, void**)
DECLARE(cudnnDestroyPoolingDescriptor, void*)
DECLARE(cudnnSetPooling2dDescriptor, void*, int, int, int, int, int, int, int, int)
DECLARE(cudnnPoolingForward, void*, void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnPoolingBackward, void*, void*, Factor, void*, const void*, void*, const void*, void*, const void*, Factor,
        void*, void*)
DECLARE(cudnnSoftmaxForward, void*, int, int, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnSoftmaxBackward, void*, int, int, Factor, void*, const void*, void*, const void*, Factor, void*, void*)
DECLARE(cudnnDeriveBNTensorDescriptor, void*, void*, int)
DECLARE(cudnnBatchNormalizationForwardTraining, void*, int, Factor, Factor, void*, const void*, void*, void*, void*,
        const void*, const void*, double, void*, void*, double, void*, void*)
DECLARE(cudnnBatchNormalizationForwardInference, void*, int, Factor, Factor, void*, const void*, void*, void*, void*,
        const void*, const void*, const void*, const void*, double)
DECLARE(cudnnBatchNormalizationBackward, void*, int, Factor, Factor, Factor, Factor, void*, const void*, void*,
        const void*, void*, void*, void*, const void*, void*, void*, double, const void*, const void*)
DECLARE(cudnnCreateDropoutDescriptor, void**)
DECLARE(cudnnDestroyDropoutDescriptor, void*)
DECLARE(cudnnDropoutGetStatesSize, void*, size_t*)
DECLARE(cudnnDropoutGetReserveSpaceSize, void*, size_t*)
DECLARE(cudnnSetDropoutDescriptor, void*, void*, float, void*, size_t, unsigned long long)
DECLARE(cudnnDropoutForward, void*, void*, void*, const void*, void*, void*, void*, size_t)
DECLARE(cudnnDropoutBackward, void*, void*, void*, const void*, void*, void*, void*, size_t)
DECLARE(cudnnAddTensor, void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnCreateOpTensorDescriptor, void**)
DECLARE(cudnnDestroyOpTensorDescriptor, void*)
DECLARE(cudnnSetOpTensorDescriptor, void*, int, int, int)
DECLARE(cudnnOpTensor, void*, void*, Factor, void*, const void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnCreateReduceTensorDescriptor, void**)
DECLARE(cudnnDestroyReduceTensorDescriptor, void*)
DECLARE(cudnnSetReduceTensorDescriptor, void*, int, int, int, int, int)
DECLARE(cudnnGetReductionWorkspaceSize, void*, void*, void*, void*, size_t*)
DECLARE(cudnnReduceTensor, void*, void*, void*, size_t, void*, size_t, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnSetTensor, void*, void*, void*, const void*)
DECLARE(cudnnScaleTensor, void*, void*, void*, Factor)
DECLARE(cudnnTransformTensor, void*, Factor, void*, const void*, Factor, void*, void*)
DECLARE(cudnnFindConvolutionForwardAlgorithm)
#undef DECLARE

enum : int { SUCCESS = 0, BAD_PARAM = 2000, SIZE_INSUFFICIENT = 2006, NOT_SUPPORTED = 3000 };
enum : int { NCHW = 0, NHWC = 1 };
enum : int { FLOAT = 0, DOUBLE = 1, HALF = 2, BFLOAT16 = 9 };

inline const float ONE = 1, ZERO = 0;

struct Dims {
  int n, c, h, w;
  size_t count() const {
    return static_cast<size_t>(n) * static_cast<size_t>(c) * static_cast<size_t>(h) * static_cast<size_t>(w);
  }
};

// Where an element lies in memory without gaps.
inline size_t place(const Dims& d, int format, int n, int c, int h, int w) {
  return format == NHWC ? static_cast<size_t>(((n * d.h + h) * d.w + w) * d.c + c)
                        : static_cast<size_t>(((n * d.c + c) * d.h + h) * d.w + w);
}

// A context with a handle, and what is made in it; at its end nothing is left.
class Device {
 public:
  void* handle = nullptr;

  Device() {
    CHECK_OK(cuInit(0));
    CHECK_OK(cuCtxCreate_v2(&context_, 0, 0));
    CHECK_OK(cudnnCreate(&handle));
  }
  ~Device() {
    for (auto& [destroy, descriptor] : made_) CHECK_OK(destroy(descriptor));
    CHECK_OK(cudnnDestroy(handle));
    CHECK(gridstride_sim_count("cudnn_descriptors") == 0);
    CHECK(gridstride_sim_count("cudnn_handles") == 0);
    CHECK_OK(cuCtxDestroy_v2(context_));
  }
  Device(const Device&) = delete;

  void* tensor(const Dims& d, int format = NCHW, int type = FLOAT) {
    void* t = make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor);
    CHECK_OK(cudnnSetTensor4dDescriptor(t, format, type, d.n, d.c, d.h, d.w));
    return t;
  }
  void* strided(const Dims& d, const int (&s)[4], int type = FLOAT) {
    void* t = make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor);
    CHECK_OK(cudnnSetTensor4dDescriptorEx(t, type, d.n, d.c, d.h, d.w, s[0], s[1], s[2], s[3]));
    return t;
  }
  void* filter(const Dims& d, int format = NCHW, int type = FLOAT) {
    void* f = make(cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor);
    CHECK_OK(cudnnSetFilter4dDescriptor(f, type, format, d.n, d.c, d.h, d.w));
    return f;
  }
  void* make(int (*create)(void**), int (*destroy)(void*)) {
    void* descriptor = nullptr;
    CHECK_OK(create(&descriptor));
    made_.push_back({destroy, descriptor});
    return descriptor;
  }

  void* bytes(size_t n) {
    CUdeviceptr p = 0;
    CHECK_OK(cuMemAlloc_v2(&p, n));
    return reinterpret_cast<void*>(p);
  }
  template <class T>
  void* put(const std::vector<T>& values) {
    void* p = bytes(values.size() * sizeof(T));
    CHECK_OK(cuMemcpyHtoD_v2(reinterpret_cast<CUdeviceptr>(p), values.data(), values.size() * sizeof(T)));
    return p;
  }
  // In memory as NCHW or NHWC; the values are given as NCHW.
  void* put(const std::vector<float>& values, const Dims& d, int format) {
    std::vector<float> laid(values.size());
    each(d, [&](size_t i, size_t at) { laid[at] = values[i]; }, format);
    return put(laid);
  }
  template <class T = float>
  std::vector<T> get(const void* p, size_t n) {
    std::vector<T> out(n);
    CHECK_OK(cuMemcpyDtoH_v2(out.data(), reinterpret_cast<CUdeviceptr>(p), n * sizeof(T)));
    return out;
  }
  std::vector<float> get(const void* p, const Dims& d, int format) {
    std::vector<float> laid = get(p, d.count()), out(laid.size());
    each(d, [&](size_t i, size_t at) { out[i] = laid[at]; }, format);
    return out;
  }

 private:
  template <class Body>
  static void each(const Dims& d, Body&& body, int format) {
    size_t i = 0;
    for (int n = 0; n < d.n; n++) {
      for (int c = 0; c < d.c; c++) {
        for (int h = 0; h < d.h; h++) {
          for (int w = 0; w < d.w; w++) body(i++, place(d, format, n, c, h, w));
        }
      }
    }
  }

  CUcontext context_ = nullptr;
  std::vector<std::pair<int (*)(void*), void*>> made_;
};

// Small integers, so that sums are exact in any order.
inline std::vector<float> integers(size_t n, unsigned seed) {
  std::vector<float> out;
  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    out.push_back(static_cast<float>(static_cast<int>(seed >> 16 & 7u) - 3));
  }
  return out;
}

inline void expect_near(const char* file, int line, const std::vector<float>& got, const std::vector<double>& wanted,
                        double tolerance) {
  if (got.size() != wanted.size()) return check::fail(file, line, "sizes differ");
  for (size_t i = 0; i < got.size(); i++) {
    if (std::abs(got[i] - wanted[i]) <= tolerance) continue;
    return check::fail(file, line,
                       "element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", expected " +
                           std::to_string(wanted[i]));
  }
}
#define CHECK_NEAR(got, wanted, tolerance) expect_near(__FILE__, __LINE__, got, wanted, tolerance)
