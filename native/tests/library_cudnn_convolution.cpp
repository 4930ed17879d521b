// Convolutions of libcudnn against loops that follow the definition, for every algorithm that takes the case.
#include "cudnn.h"

namespace {

struct Case {
  Dims x, w;  // w: K, C / groups, R, S
  int pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, groups;
  bool flipped;  // mode 0, a true convolution

  Dims y() const {
    return {x.n, w.n, (x.h + 2 * pad_h - dilation_h * (w.h - 1) - 1) / stride_h + 1,
            (x.w + 2 * pad_w - dilation_w * (w.w - 1) - 1) / stride_w + 1};
  }
  // Calls body(index in x, in w, in y), each NCHW, for every product of the definition.
  template <class Body>
  void each_product(Body&& body) const {
    Dims out = y();
    for (int n = 0; n < x.n; n++) {
      for (int k = 0; k < w.n; k++) {
        int first = k / (w.n / groups) * w.c;
        for (int p = 0; p < out.h; p++) {
          for (int q = 0; q < out.w; q++) {
            for (int c = 0; c < w.c; c++) {
              for (int r = 0; r < w.h; r++) {
                for (int s = 0; s < w.w; s++) {
                  int h = p * stride_h - pad_h + r * dilation_h, v = q * stride_w - pad_w + s * dilation_w;
                  if (h < 0 || h >= x.h || v < 0 || v >= x.w) continue;
                  body(place(x, NCHW, n, first + c, h, v),
                       place(w, NCHW, k, c, flipped ? w.h - 1 - r : r, flipped ? w.w - 1 - s : s),
                       place(out, NCHW, n, k, p, q));
                }
              }
            }
          }
        }
      }
    }
  }
};

const Case CASES[] = {
    {{2, 3, 7, 6}, {4, 3, 3, 3}, 1, 1, 1, 1, 1, 1, 1, false},  // plain
    {{1, 1, 1, 1}, {1, 1, 1, 1}, 0, 0, 1, 1, 1, 1, 1, false},  // a single number
    {{2, 5, 8, 9}, {7, 5, 1, 1}, 0, 0, 1, 1, 1, 1, 1, false},  // 1x1
    {{2, 4, 9, 7}, {6, 2, 3, 2}, 2, 1, 2, 3, 1, 1, 2, false},  // groups, strides, odd filter
    {{1, 4, 9, 9}, {4, 1, 3, 3}, 2, 2, 1, 1, 2, 2, 4, false},  // depthwise, dilated
    {{1, 2, 5, 5}, {3, 2, 3, 3}, 1, 1, 2, 1, 1, 1, 1, true},   // a true convolution
    {{2, 3, 6, 6}, {4, 3, 5, 5}, 2, 2, 1, 1, 1, 1, 1, false},  // 5x5
    {{1, 8, 4, 5}, {2, 4, 3, 3}, 1, 1, 1, 1, 1, 1, 2, false},  // fewer channels out than in
};

// One pass on a device: the operands, the result, and how cuDNN is called.
struct Pass {
  const char* name;
  int (*query)(void*, void*, void*, void*, void*, int, int*, Performance*);
  int (*workspace)(void*, void*, void*, void*, void*, int, size_t*);
  int (*run)(void*, Factor, void*, const void*, void*, const void*, void*, int, void*, size_t, Factor, void*, void*);
  int algorithms;
};
const Pass FORWARD = {"forward", cudnnGetConvolutionForwardAlgorithm_v7, cudnnGetConvolutionForwardWorkspaceSize,
                      cudnnConvolutionForward, 8};
const Pass DATA = {"backward data", cudnnGetConvolutionBackwardDataAlgorithm_v7,
                   cudnnGetConvolutionBackwardDataWorkspaceSize, cudnnConvolutionBackwardData, 6};
const Pass FILTER = {"backward filter", cudnnGetConvolutionBackwardFilterAlgorithm_v7,
                     cudnnGetConvolutionBackwardFilterWorkspaceSize, cudnnConvolutionBackwardFilter, 7};

struct Value {
  void* descriptor;
  Dims dims;
  std::vector<float> values;
};

void* convolution_of(Device& device, const Case& c) {
  void* v = device.make(cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor);
  CHECK_OK(cudnnSetConvolution2dDescriptor(v, c.pad_h, c.pad_w, c.stride_h, c.stride_w, c.dilation_h, c.dilation_w,
                                           c.flipped ? 0 : 1, FLOAT));
  CHECK_OK(cudnnSetConvolutionGroupCount(v, c.groups));
  CHECK_OK(cudnnSetConvolutionMathType(v, 3));
  return v;
}

// Every algorithm that takes the pass gives 2 * sum - old; every other says so.
int run_all(Device& device, const Pass& pass, int format, const Value& a, const Value& b, const Value& result,
            void* convolution, const std::vector<double>& wanted) {
  float alpha = 2, beta = -1;
  Performance found[8];
  int n = 0, taken = 0;
  CHECK_OK(pass.query(device.handle, a.descriptor, b.descriptor, convolution, result.descriptor, 8, &n, found));
  CHECK(n == pass.algorithms);
  for (int i = 0; i < n; i++) {
    const Performance& p = found[i];
    void *x = device.put(a.values, a.dims, format), *y = device.put(b.values, b.dims, format),
         *z = device.put(result.values, result.dims, format), *workspace = device.bytes(p.memory + 1);
    size_t bytes = 0;
    int status = pass.workspace(device.handle, a.descriptor, b.descriptor, convolution, result.descriptor, p.algorithm,
                                &bytes);
    CHECK_CODE(status, p.status);
    CHECK_CODE(pass.run(device.handle, &alpha, a.descriptor, x, b.descriptor, y, convolution, p.algorithm, workspace,
                        p.memory, &beta, result.descriptor, z),
               p.status);
    if (p.status != SUCCESS) {
      CHECK(i > 0 && p.status == NOT_SUPPORTED);
      continue;
    }
    taken++;
    CHECK(bytes == p.memory && p.math_type == 3);
    CHECK_NEAR(device.get(z, result.dims, format), wanted, 0);
    if (bytes == 0) continue;
    CHECK_CODE(pass.run(device.handle, &alpha, a.descriptor, x, b.descriptor, y, convolution, p.algorithm, workspace,
                        bytes - 1, &beta, result.descriptor, z),
               SIZE_INSUFFICIENT);
    CHECK_CODE(pass.run(device.handle, &alpha, a.descriptor, x, b.descriptor, y, convolution, p.algorithm, nullptr,
                        bytes, &beta, result.descriptor, z),
               BAD_PARAM);
  }
  return taken;
}

void run_case(const Case& c, int format) {
  Device device;
  void* convolution = convolution_of(device, c);
  Value x{device.tensor(c.x, format), c.x, integers(c.x.count(), 1)},
      w{device.filter(c.w, format), c.w, integers(c.w.count(), 2)},
      y{device.tensor(c.y(), format), c.y(), integers(c.y().count(), 3)};
  Dims out{};
  CHECK_OK(cudnnGetConvolution2dForwardOutputDim(convolution, x.descriptor, w.descriptor, &out.n, &out.c, &out.h,
                                                 &out.w));
  CHECK(out.n == y.dims.n && out.c == y.dims.c && out.h == y.dims.h && out.w == y.dims.w);
  std::vector<double> forward, data, filter;
  for (float v : y.values) forward.push_back(-v);
  for (float v : x.values) data.push_back(-v);
  for (float v : w.values) filter.push_back(-v);
  c.each_product([&](size_t i, size_t j, size_t k) {
    forward[k] += 2 * x.values[i] * w.values[j];
    data[i] += 2 * w.values[j] * y.values[k];
    filter[j] += 2 * x.values[i] * y.values[k];
  });
  CHECK(run_all(device, FORWARD, format, x, w, y, convolution, forward) >= 1);
  CHECK(run_all(device, DATA, format, w, y, x, convolution, data) >= 2);
  CHECK(run_all(device, FILTER, format, x, y, w, convolution, filter) >= 2);
}

}  // namespace

TEST(channels_first) {
  for (const Case& c : CASES) run_case(c, NCHW);
}

TEST(channels_last) {
  for (const Case& c : CASES) run_case(c, NHWC);
}

TEST(algorithms_are_documented) {
  Device device;
  const Case& plain = CASES[0];
  void *convolution = convolution_of(device, plain), *x = device.tensor(plain.x), *w = device.filter(plain.w),
       *y = device.tensor(plain.y());
  Performance found[8];
  int n = 0;
  CHECK_OK(cudnnGetConvolutionBackwardFilterAlgorithm_v7(device.handle, x, y, convolution, w, 8, &n, found));
  for (int i = 0; i < n; i++) {
    bool atomics = found[i].algorithm == 0 || found[i].algorithm == 3;
    CHECK(found[i].determinism == (atomics ? 0 : 1));
  }
  CHECK(found[n - 1].algorithm == 4 && found[n - 1].status == NOT_SUPPORTED);  // WINOGRAD: cuDNN names it, and takes no case
  CHECK_OK(cudnnGetConvolutionBackwardFilterAlgorithm_v7(device.handle, x, y, convolution, w, 2, &n, found));
  CHECK(n == 2);
  size_t bytes = 0;
  CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, x, w, convolution, y, 3, &bytes), NOT_SUPPORTED);
  CHECK_SAYS("DIRECT is named, but implemented nowhere: x float32 [2, 3, 7, 6], w float32 [4, 3, 3, 3]");
  CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, x, w, convolution, y, 8, &bytes), BAD_PARAM);
  // A filter as NHWC goes with tensors as NHWC.
  void* last = device.filter(plain.w, NHWC);
  CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, x, last, convolution, y, 0, &bytes), NOT_SUPPORTED);
  // bfloat16 has no FFT.
  void *bx = device.tensor(plain.x, NCHW, BFLOAT16), *bw = device.filter(plain.w, NCHW, BFLOAT16),
       *by = device.tensor(plain.y(), NCHW, BFLOAT16);
  CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, bx, bw, convolution, by, 4, &bytes), NOT_SUPPORTED);
  CHECK_OK(cudnnGetConvolutionForwardWorkspaceSize(device.handle, bx, bw, convolution, by, 1, &bytes));
  CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, bx, w, convolution, y, 1, &bytes), BAD_PARAM);
  CHECK_SAYS("x is bfloat16, w float32, y float32: one type expected");
}

// What is not deterministic gives other sums from run to run, so that whoever relies on it is found out.
TEST(atomics_show) {
  Device device;
  Case c = {{16, 4, 6, 6}, {4, 4, 3, 3}, 1, 1, 1, 1, 1, 1, 1, false};
  void *convolution = convolution_of(device, c), *x = device.tensor(c.x), *w = device.filter(c.w), *y = device.tensor(c.y());
  std::vector<float> values;
  for (size_t i = 0; i < c.x.count(); i++) values.push_back(std::sin(static_cast<float>(i)));
  void *at = device.put(values), *gradient = device.put(values), *out = device.bytes(c.w.count() * 4),
       *workspace = device.bytes(1 << 16);
  for (int algorithm : {0, 1}) {
    std::vector<std::vector<float>> results;
    for (int run = 0; run < 4; run++) {
      CHECK_OK(cudnnConvolutionBackwardFilter(device.handle, &ONE, x, at, y, gradient, convolution, algorithm, workspace,
                                              1 << 16, &ZERO, w, out));
      results.push_back(device.get(out, c.w.count()));
    }
    bool same = results[0] == results[1] && results[1] == results[2] && results[2] == results[3];
    CHECK(same == (algorithm == 1));
  }
}

TEST(bias_and_activation) {
  Case c = CASES[0];
  for (int format : {NCHW, NHWC}) {
    Device device;
    void *convolution = convolution_of(device, c), *x = device.tensor(c.x, format), *w = device.filter(c.w, format),
         *y = device.tensor(c.y(), format), *bias = device.tensor({1, c.w.n, 1, 1}, format),
         *relu = device.make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor),
         *identity = device.make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor);
    CHECK_OK(cudnnSetActivationDescriptor(relu, 1, 0, 0));
    CHECK_OK(cudnnSetActivationDescriptor(identity, 5, 0, 0));
    std::vector<float> xs = integers(c.x.count(), 1), ws = integers(c.w.count(), 2), zs = integers(c.y().count(), 3),
                       bs = {1, -2, 3, 0};
    std::vector<double> sums(c.y().count());
    c.each_product([&](size_t i, size_t j, size_t k) { sums[k] += xs[i] * ws[j]; });
    void *dx = device.put(xs, c.x, format), *dw = device.put(ws, c.w, format), *db = device.put(bs),
         *workspace = device.bytes(1 << 16);
    for (bool with_z : {false, true}) {
      for (void* activation : {relu, identity}) {
        void* dy = device.put(zs, c.y(), format);
        CHECK_OK(cudnnConvolutionBiasActivationForward(device.handle, &ONE, x, dx, w, dw, convolution, 1, workspace,
                                                       1 << 16, with_z ? &ONE : &ZERO, y, dy, bias, db, activation, y,
                                                       dy));
        std::vector<double> wanted = sums;
        for (size_t i = 0; i < wanted.size(); i++) {
          size_t channel = i / static_cast<size_t>(c.y().h * c.y().w) % bs.size();
          wanted[i] += bs[channel] + (with_z ? zs[i] : 0);
          if (activation == relu) wanted[i] = std::max(wanted[i], 0.0);
        }
        CHECK_NEAR(device.get(dy, c.y(), format), wanted, 0);
      }
    }
    void* dy = device.put(zs, c.y(), format);
    auto run = [&](int algorithm, void* activation, void* bias_descriptor) {
      return cudnnConvolutionBiasActivationForward(device.handle, &ONE, x, dx, w, dw, convolution, algorithm, workspace,
                                                   1 << 16, &ZERO, y, dy, bias_descriptor, db, activation, y, dy);
    };
    CHECK_OK(run(0, relu, bias));
    CHECK_CODE(run(0, identity, bias), NOT_SUPPORTED);
    CHECK_SAYS("IDENTITY goes with IMPLICIT_PRECOMP_GEMM alone");
    CHECK_CODE(run(1, relu, device.tensor({1, c.w.n + 1, 1, 1})), NOT_SUPPORTED);
    CHECK_OK(cudnnSetActivationDescriptor(relu, 1, 1, 0));
    CHECK_CODE(run(1, relu, bias), NOT_SUPPORTED);
    CHECK_SAYS("NOT_PROPAGATE_NAN expected");
    CHECK_OK(cudnnSetActivationDescriptor(relu, 2, 0, 0));
    CHECK_CODE(run(1, relu, bias), NOT_SUPPORTED);
  }
}

TEST(bias_gradient) {
  for (int format : {NCHW, NHWC}) {
    Device device;
    Dims d{3, 5, 2, 4};
    std::vector<float> values = integers(d.count(), 9);
    void *dy = device.put(values, d, format), *db = device.put(std::vector<float>{1, 2, 3, 4, 5});
    float alpha = 3, beta = 2;
    CHECK_OK(cudnnConvolutionBackwardBias(device.handle, &alpha, device.tensor(d, format), dy, &beta,
                                          device.tensor({1, 5, 1, 1}, format), db));
    std::vector<double> wanted = {2, 4, 6, 8, 10};
    for (size_t i = 0; i < values.size(); i++) wanted[i / 8 % 5] += 3 * values[i];
    CHECK_NEAR(device.get(db, 5), wanted, 0);
  }
}

// TF32 where the math type allows it and the device has it; float32 where it is FMA_MATH.
TEST(math_types) {
  for (const char* capability : {"7.5", "9.0"}) {
    CHECK_OK(gridstride_sim_set("compute_capability", capability));
    Device device;
    Case c = CASES[1];
    void *convolution = convolution_of(device, c), *x = device.tensor(c.x), *w = device.filter(c.w), *y = device.tensor(c.y());
    float fine = 1 + 0x1p-12f;  // TF32 has 10 bits of mantissa
    void *dx = device.put(std::vector<float>{fine}), *dw = device.put(std::vector<float>{1}), *dy = device.bytes(4);
    for (int math : {0, 1, 2, 3}) {
      CHECK_OK(cudnnSetConvolutionMathType(convolution, math));
      CHECK_OK(cudnnConvolutionForward(device.handle, &ONE, x, dx, w, dw, convolution, 0, nullptr, 0, &ZERO, y, dy));
      bool exact = math == 3 || std::string(capability) == "7.5";
      CHECK(device.get(dy, 1)[0] == (exact ? fine : 1));
    }
    size_t bytes = 0;
    void *small = device.tensor(c.x, NCHW, BFLOAT16), *filter = device.filter(c.w, NCHW, BFLOAT16);
    CHECK_CODE(cudnnGetConvolutionForwardWorkspaceSize(device.handle, small, filter, convolution, small, 0, &bytes),
               std::string(capability) == "7.5" ? 3007 : SUCCESS);
  }
}

TEST(bfloat16_and_half) {
  struct Small {
    int type;
    std::vector<uint16_t> x, w;  // 1 + 2^-7, 3; 3, 1
    uint16_t y;
  };
  // 3.0234375 + 3: half has room for it; bfloat16 has 6 and 6.03125 as neighbours.
  for (const Small& s : {Small{BFLOAT16, {0x3f81, 0x4040}, {0x4040, 0x3f80}, 0x40c1},
                         Small{HALF, {0x3c08, 0x4200}, {0x4200, 0x3c00}, 0x4606}}) {
    Device device;
    void* convolution = convolution_of(device, CASES[1]);
    void *x = device.put(s.x), *w = device.put(s.w), *y = device.bytes(2);
    CHECK_OK(cudnnConvolutionForward(device.handle, &ONE, device.tensor({1, 2, 1, 1}, NHWC, s.type), x,
                                     device.filter({1, 2, 1, 1}, NHWC, s.type), w, convolution, 0, nullptr, 0, &ZERO,
                                     device.tensor({1, 1, 1, 1}, NHWC, s.type), y));
    CHECK(device.get<uint16_t>(y, 1)[0] == s.y);
  }
}

TEST(gaps_between_elements) {
  Device device;
  Case c = CASES[0];
  void *convolution = convolution_of(device, c), *w = device.filter(c.w), *y = device.tensor(c.y());
  std::vector<float> xs = integers(c.x.count(), 1), ws = integers(c.w.count(), 2), wide(2 * 200, NAN);
  int strides[] = {200, 60, 8, 1};
  std::vector<double> wanted(c.y().count());
  c.each_product([&](size_t i, size_t j, size_t k) { wanted[k] += xs[i] * ws[j]; });
  for (int n = 0; n < c.x.n; n++) {
    for (int k = 0; k < c.x.c; k++) {
      for (int h = 0; h < c.x.h; h++) {
        for (int v = 0; v < c.x.w; v++) {
          wide[static_cast<size_t>(n * 200 + k * 60 + h * 8 + v)] = xs[place(c.x, NCHW, n, k, h, v)];
        }
      }
    }
  }
  void *dx = device.put(wide), *dw = device.put(ws), *dy = device.bytes(c.y().count() * 4);
  CHECK_OK(cudnnConvolutionForward(device.handle, &ONE, device.strided(c.x, strides), dx, w, dw, convolution, 0, nullptr,
                                   0, &ZERO, y, dy));
  CHECK_NEAR(device.get(dy, c.y().count()), wanted, 0);
  int overlapping[] = {100, 30, 4, 1};
  CHECK_CODE(cudnnConvolutionForward(device.handle, &ONE, device.strided(c.x, overlapping), dx, w, dw, convolution, 0,
                                     nullptr, 0, &ZERO, y, dy),
             NOT_SUPPORTED);
  CHECK_SAYS("x: its elements overlap");
}

TEST_MAIN
