// What libcudnn answers without a card: descriptors, extents of outputs, sizes, statuses, versions.
#pragma once

#include <dlfcn.h>

#include <array>

#include "cudnn.h"

namespace answers {

// A library and the lines that it answers with.
class Answers {
 public:
  explicit Answers(const char* path) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) check::fail(__FILE__, __LINE__, dlerror());
  }
  bool loaded() const { return library_ != nullptr; }
  const std::vector<std::string>& lines() const { return lines_; }

  template <class... A>
  int call(const char* name, A... arguments) {
    auto* f = reinterpret_cast<int (*)(A...)>(dlsym(library_, name));
    if (f == nullptr) {
      check::fail(__FILE__, __LINE__, std::string("no ") + name);
      return -1;
    }
    return f(arguments...);
  }
  template <class R>
  R tell(const char* name) {
    return reinterpret_cast<R (*)()>(dlsym(library_, name))();
  }
  // A descriptor of that kind, for destroy_all.
  void* make(const std::string& kind) {
    void* out = nullptr;
    line(kind, call(("cudnnCreate" + kind + "Descriptor").c_str(), &out), {});
    made_.push_back({kind, out});
    return out;
  }
  void destroy_all() {
    for (auto& [kind, descriptor] : made_) {
      std::string name = "cudnnDestroy" + kind + "Descriptor";
      line(name, call(name.c_str(), descriptor), {});
      line(name + " of null", call(name.c_str(), static_cast<void*>(nullptr)), {});
    }
  }
  void line(const std::string& what, int status, std::initializer_list<long long> values) {
    std::string out = what + ": " + std::to_string(status);
    for (long long v : values) out += " " + std::to_string(v);
    lines_.push_back(out);
  }

 private:
  void* library_;
  std::vector<std::string> lines_;
  std::vector<std::pair<std::string, void*>> made_;
};

inline std::string join(const char* name, std::initializer_list<int> values) {
  std::string out = name;
  for (int v : values) out += " " + std::to_string(v);
  return out;
}

// A tensor's descriptor as it reads, if it could be set.
inline void read_tensor(Answers& a, const std::string& what, int status, void* tensor) {
  if (status != 0) return a.line(what, status, {});
  int type, n, c, h, w, s[4];
  size_t bytes = 0;
  a.call("cudnnGetTensor4dDescriptor", tensor, &type, &n, &c, &h, &w, &s[0], &s[1], &s[2], &s[3]);
  a.call("cudnnGetTensorSizeInBytes", tensor, &bytes);
  a.line(what, status, {type, n, c, h, w, s[0], s[1], s[2], s[3], static_cast<long long>(bytes)});
}

inline void tensors(Answers& a) {
  void* t = a.make("Tensor");
  read_tensor(a, "unset tensor", 0, t);
  for (int format : {-1, 0, 1, 3}) {
    for (int type = -1; type < 12; type++) {
      read_tensor(a, join("4d", {format, type}), a.call("cudnnSetTensor4dDescriptor", t, format, type, 2, 32, 4, 5), t);
    }
  }
  read_tensor(a, "vectors of float", a.call("cudnnSetTensor4dDescriptor", t, 2, 0, 2, 32, 4, 5), t);
  for (auto [n, c, h, w] : {std::array{0, 8, 4, 5}, {2, -1, 4, 5}, {65536, 65536, 1, 1}, {65536, 32767, 1, 1},
                            {32768, 32768, 2, 1}, {1, 1, 1, 1}, {1, 1000000, 1, 1}}) {
    read_tensor(a, join("4d of", {n, c, h, w}), a.call("cudnnSetTensor4dDescriptor", t, 0, 0, n, c, h, w), t);
  }
  for (auto [n, c, h, w] : {std::array{1, 2, 3, 4}, {0, 0, 0, 0}, {-60, 20, 5, 1}, {100, 20, 5, 1}, {100, 1, 20, 3},
                            {2000000000, 20, 5, 1}, {60, 20, 5, 0}}) {
    read_tensor(a, join("strides", {n, c, h, w}), a.call("cudnnSetTensor4dDescriptorEx", t, 0, 2, 3, 4, 5, n, c, h, w), t);
  }
  for (int rank = 0; rank < 10; rank++) {
    int dims[10], strides[10], got[10] = {}, steps[10] = {}, type = -1, found = -1;
    for (int i = 0; i < 10; i++) dims[i] = 2, strides[i] = 1 << (10 - i);
    int status = a.call("cudnnSetTensorNdDescriptor", t, 0, rank, dims, strides);
    if (status == 0) a.call("cudnnGetTensorNdDescriptor", t, 3, &type, &found, got, steps);
    a.line(join("nd", {rank}), status, {type, found, got[0], got[1], got[2], got[3], steps[2], steps[3]});
    for (int format : {0, 1}) {
      if (rank == 2 && format == 1) continue;  // the real library makes up a stride
      found = steps[0] = steps[1] = steps[2] = -1;
      status = a.call("cudnnSetTensorNdDescriptorEx", t, format, 0, rank, dims);
      if (status == 0) a.call("cudnnGetTensorNdDescriptor", t, 8, &type, &found, got, steps);
      a.line(join("packed nd", {rank, format}), status, {found, steps[0], steps[1], steps[2]});
    }
  }
  a.line("null tensor", a.call("cudnnSetTensor4dDescriptor", static_cast<void*>(nullptr), 0, 0, 1, 1, 1, 1), {});
}

inline void filters(Answers& a) {
  void* f = a.make("Filter");
  auto read = [&](const std::string& what, int status) {
    int type = -1, format = -1, k = -1, c = -1, h = -1, w = -1;
    size_t bytes = 0;
    if (status == 0) a.call("cudnnGetFilter4dDescriptor", f, &type, &format, &k, &c, &h, &w);
    if (status == 0) a.call("cudnnGetFilterSizeInBytes", f, &bytes);
    a.line(what, status, {type, format, k, c, h, w, static_cast<long long>(bytes)});
  };
  read("unset filter", 0);
  for (int format : {-1, 0, 1, 3}) {
    for (int type : {-1, 0, 1, 2, 3, 9, 12}) {
      read(join("filter", {format, type}), a.call("cudnnSetFilter4dDescriptor", f, type, format, 8, 3, 5, 4));
    }
  }
  read("no channels", a.call("cudnnSetFilter4dDescriptor", f, 0, 0, 8, 0, 3, 3));
  read("negative", a.call("cudnnSetFilter4dDescriptor", f, 0, 0, 8, 3, -3, 3));
  read("large", a.call("cudnnSetFilter4dDescriptor", f, 0, 0, 65536, 65536, 1, 1));
  int dims[] = {2, 3, 4, 5, 6};
  for (int rank : {2, 3, 4, 5}) {
    a.line(join("filter nd", {rank}), a.call("cudnnSetFilterNdDescriptor", f, 0, 1, rank, dims), {});
  }
}

inline void convolutions(Answers& a) {
  void* v = a.make("Convolution");
  auto read = [&](const std::string& what, int status) {
    int p[8] = {-1, -1, -1, -1, -1, -1, -1, -1}, groups = -1, math = -1;
    if (status == 0) {
      a.call("cudnnGetConvolution2dDescriptor", v, &p[0], &p[1], &p[2], &p[3], &p[4], &p[5], &p[6], &p[7]);
      a.call("cudnnGetConvolutionGroupCount", v, &groups);
      a.call("cudnnGetConvolutionMathType", v, &math);
    }
    a.line(what, status, {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], groups, math});
  };
  auto set = [&](int ph, int pw, int sh, int sw, int dh, int dw, int mode, int type) {
    int status = a.call("cudnnSetConvolution2dDescriptor", v, ph, pw, sh, sw, dh, dw, mode, type);
    read(join("convolution", {ph, pw, sh, sw, dh, dw, mode, type}), status);
  };
  read("unset convolution", 0);
  set(1, 2, 3, 4, 5, 6, 1, 0);
  set(-1, 0, 1, 1, 1, 1, 1, 0);
  set(0, 0, 0, 1, 1, 1, 1, 0);
  set(0, 0, 1, 1, 0, 1, 1, 0);
  set(0, 0, 1, 1, 1, 1, 2, 0);
  set(0, 0, 1, 1, 1, 1, -1, 0);
  for (int type = -1; type < 12; type++) set(0, 0, 1, 1, 1, 1, 0, type);
  for (int groups : {-1, 0, 1, 7}) {
    read(join("groups", {groups}), a.call("cudnnSetConvolutionGroupCount", v, groups));
  }
  for (int math = -1; math < 6; math++) read(join("math", {math}), a.call("cudnnSetConvolutionMathType", v, math));
  set(1, 1, 1, 1, 1, 1, 1, 0);  // groups and math type stay
  int ones[] = {1, 1, 1, 1, 1, 1, 1};
  for (int rank = 0; rank < 8; rank++) {
    int status = a.call("cudnnSetConvolutionNdDescriptor", v, rank, ones, ones, ones, 1, 0);
    a.line(join("convolution nd", {rank}), status, {});
  }
}

inline void convolution_extents(Answers& a) {
  void *t = a.make("Tensor"), *f = a.make("Filter"),
       *v = a.make("Convolution"), *unset = a.make("Tensor");
  struct Case {
    int format, x[4], w[4], pad, stride, dilation, groups;
  };
  for (const Case& c : {Case{0, {2, 3, 32, 30}, {8, 3, 3, 3}, 1, 1, 1, 1},
                        {1, {2, 3, 32, 30}, {8, 3, 3, 3}, 1, 1, 1, 1},
                        {0, {2, 3, 32, 32}, {8, 4, 3, 3}, 1, 1, 1, 1},
                        {0, {2, 3, 2, 2}, {8, 3, 3, 3}, 0, 1, 1, 1},
                        {0, {2, 3, 7, 7}, {8, 3, 3, 3}, 0, 2, 2, 1},
                        {0, {2, 3, 7, 7}, {8, 3, 3, 3}, 0, 2, 4, 1},
                        {0, {2, 6, 7, 8}, {9, 2, 3, 3}, 0, 2, 1, 3},
                        {0, {2, 6, 7, 8}, {8, 2, 3, 3}, 0, 2, 1, 3},
                        {0, {2, 6, 7, 8}, {9, 3, 3, 3}, 0, 2, 1, 3},
                        {0, {2, 3, 32, 32}, {8, 3, 3, 3}, 40, 1, 1, 1},
                        {0, {1, 64, 56, 56}, {64, 64, 3, 3}, 1, 2, 1, 1},
                        {0, {1, 3, 224, 224}, {64, 3, 7, 7}, 3, 2, 1, 1}}) {
    a.call("cudnnSetTensor4dDescriptor", t, c.format, 0, c.x[0], c.x[1], c.x[2], c.x[3]);
    a.call("cudnnSetFilter4dDescriptor", f, 0, c.format, c.w[0], c.w[1], c.w[2], c.w[3]);
    a.call("cudnnSetConvolution2dDescriptor", v, c.pad, c.pad, c.stride, c.stride, c.dilation, c.dilation, 1, 0);
    a.call("cudnnSetConvolutionGroupCount", v, c.groups);
    int n = 0, k = 0, p = 0, q = 0, many[5] = {};
    int status = a.call("cudnnGetConvolution2dForwardOutputDim", v, t, f, &n, &k, &p, &q);
    std::string what = join("extents", {c.x[1], c.x[2], c.x[3], c.w[0], c.w[1], c.pad, c.stride, c.dilation, c.groups});
    if (status != 0) n = k = p = q = 0;
    a.line(what, status, {n, k, p, q});
    for (int rank : {3, 4, 5}) {
      status = a.call("cudnnGetConvolutionNdForwardOutputDim", v, t, f, rank, many);
      a.line(what + " nd", status, {status == 0 ? many[2] : 0});
    }
  }
  int n, k, p, q;
  a.line("no filter", a.call("cudnnGetConvolution2dForwardOutputDim", v, t, static_cast<void*>(nullptr), &n, &k, &p, &q), {});
  a.line("unset x", a.call("cudnnGetConvolution2dForwardOutputDim", v, unset, f, &n, &k, &p, &q), {});
}

inline void poolings(Answers& a) {
  void *p = a.make("Pooling"), *t = a.make("Tensor");
  for (int mode = -1; mode < 5; mode++) {
    for (int nan = -1; nan < 3; nan++) {
      int g[8] = {}, status = a.call("cudnnSetPooling2dDescriptor", p, mode, nan, 2, 3, 1, 1, 4, 5);
      if (status == 0) {
        a.call("cudnnGetPooling2dDescriptor", p, &g[0], &g[1], &g[2], &g[3], &g[4], &g[5], &g[6], &g[7]);
      }
      a.line(join("pooling", {mode, nan}), status, {g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]});
    }
  }
  struct Case {
    int h, w, window, pad, stride;
  };
  for (const Case& c : {Case{7, 8, 2, 0, 2}, {7, 8, 3, 1, 2}, {2, 2, 3, 0, 1}, {1, 1, 5, 0, 1}, {7, 8, 2, 2, 2},
                        {7, 8, 0, 0, 1}, {7, 8, 2, 0, 0}, {112, 112, 3, 1, 2}, {7, 7, 7, 0, 1}}) {
    a.call("cudnnSetTensor4dDescriptor", t, 1, 0, 2, 3, c.h, c.w);
    int set = a.call("cudnnSetPooling2dDescriptor", p, 0, 0, c.window, c.window, c.pad, c.pad, c.stride, c.stride);
    int n = 0, k = 0, h = 0, w = 0, status = -1;
    if (set == 0) status = a.call("cudnnGetPooling2dForwardOutputDim", p, t, &n, &k, &h, &w);
    if (status != 0) n = k = h = w = 0;
    a.line(join("pooled", {c.h, c.w, c.window, c.pad, c.stride}), set, {status, n, k, h, w});
  }
}

inline void others(Answers& a) {
  void *f = a.make("Activation"), *o = a.make("OpTensor"),
       *r = a.make("ReduceTensor"),
       *t = a.make("Tensor"), *b = a.make("Tensor"),
       *unset = a.make("Tensor");
  a.make("Dropout");
  for (int mode = -1; mode < 9; mode++) {
    for (int nan = -1; nan < 3; nan++) {
      int got = -1, propagation = -1, status = a.call("cudnnSetActivationDescriptor", f, mode, nan, 0.5);
      double coefficient = 0;
      if (status == 0) a.call("cudnnGetActivationDescriptor", f, &got, &propagation, &coefficient);
      a.line(join("activation", {mode, nan}), status, {got, propagation, static_cast<long long>(coefficient * 4)});
    }
  }
  a.line("activation -1", a.call("cudnnSetActivationDescriptor", f, 3, 1, -1.0), {});
  for (int op = -1; op < 10; op++) a.line(join("op", {op}), a.call("cudnnSetOpTensorDescriptor", o, op, 0, 0), {});
  for (int type = -1; type < 12; type++) {
    a.line(join("op in", {type}), a.call("cudnnSetOpTensorDescriptor", o, 0, type, 1), {});
    a.line(join("reduction in", {type}), a.call("cudnnSetReduceTensorDescriptor", r, 0, type, 0, 0, 0), {});
  }
  for (int op = -1; op < 11; op++) {
    a.line(join("reduction", {op}), a.call("cudnnSetReduceTensorDescriptor", r, op, 0, 0, 1, 1), {});
  }
  for (int elements : {1, 2, 31, 32, 33, 127, 128, 129, 1000, 100000}) {
    for (int type : {0, 2, 9}) {
      size_t bytes = 0;
      a.call("cudnnSetTensor4dDescriptor", t, 0, type, 1, elements, 1, 1);
      int status = a.call("cudnnDropoutGetReserveSpaceSize", t, &bytes);
      a.line(join("reserve", {elements, type}), status, {static_cast<long long>(bytes)});
    }
  }
  for (int mode = -1; mode < 4; mode++) {
    for (int type : {0, 1, 2, 9}) {
      a.call("cudnnSetTensor4dDescriptor", t, 1, type, 2, 3, 4, 5);
      read_tensor(a, join("parameters of", {mode, type}), a.call("cudnnDeriveBNTensorDescriptor", b, t, mode), b);
    }
  }
  a.line("parameters of unset", a.call("cudnnDeriveBNTensorDescriptor", b, unset, 1), {});
}

// No context, no handle.
inline void without_a_handle(Answers& a) {
  void *none = nullptr, *handle = nullptr;
  size_t bytes = 0;
  int value = 0;
  float one = 1;
  a.line("create", a.call("cudnnCreate", &handle), {});
  a.line("create nowhere", a.call("cudnnCreate", static_cast<void**>(nullptr)), {});
  a.line("destroy", a.call("cudnnDestroy", none), {});
  a.line("stream", a.call("cudnnSetStream", none, none), {});
  a.line("states", a.call("cudnnDropoutGetStatesSize", none, &bytes), {});
  a.line("most", a.call("cudnnGetConvolutionForwardAlgorithmMaxCount", none, &value), {});
  void* t = a.make("Tensor");
  a.call("cudnnSetTensor4dDescriptor", t, 0, 0, 1, 1, 1, 1);
  a.line("softmax", a.call("cudnnSoftmaxForward", none, 1, 1, &one, t, static_cast<void*>(&one), &one, t,
                           static_cast<void*>(&one)), {});
  a.line("add", a.call("cudnnAddTensor", none, &one, t, static_cast<void*>(&one), &one, t, static_cast<void*>(&one)), {});
  for (int which : {-1, 0, 1, 2, 3}) {
    value = 0;
    int status = a.call("cudnnGetProperty", which, &value);
    a.line(join("property", {which}), status, {value});
  }
  a.line("version", 0, {static_cast<long long>(a.tell<size_t>("cudnnGetVersion")),
                        static_cast<long long>(a.tell<size_t>("cudnnGetCudartVersion"))});
}

// All answers of the library in that file, a line each; none where it cannot be opened.
inline std::vector<std::string> of(const char* path) {
  Answers a(path);
  if (!a.loaded()) return {};
  for (auto* part : {tensors, filters, convolutions, convolution_extents, poolings, others, without_a_handle}) part(a);
  a.destroy_all();
  auto* words = reinterpret_cast<const char* (*)(int)>(dlsym(dlopen(path, RTLD_NOW), "cudnnGetErrorString"));
  std::vector<std::string> lines = a.lines();
  for (int status = 0; status < 5100; status++) lines.push_back(std::to_string(status) + " " + words(status));
  return lines;
}

// Those of the simulated library; it keeps nothing of what was made for them.
inline std::vector<std::string> of_ours() {
  Dl_info simulated{};
  CHECK(dladdr(reinterpret_cast<void*>(cudnnCreate), &simulated) != 0);
  std::vector<std::string> lines = of(simulated.dli_fname);
  CHECK(gridstride_sim_count("cudnn_descriptors") == 0);
  return lines;
}

}  // namespace answers
