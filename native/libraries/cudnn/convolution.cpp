// The convolution descriptor, and what fits together.
#include "convolution.h"

#include <algorithm>

namespace gridstride::cudnn {

namespace {

void check_settings(int rank, const int* pad, const int* stride, const int* dilation, int mode, int type) {
  if (rank < 0) fail(BAD_PARAM, "%d spatial dimensions", rank);
  if (rank > DIM_MAX - 2) fail(NOT_SUPPORTED, "%d spatial dimensions, at most %d", rank, DIM_MAX - 2);
  for (int i = 0; i < rank; i++) {
    if (pad[i] < 0) fail(BAD_PARAM, "padding %d of dimension %d is negative", pad[i], i);
    if (stride[i] <= 0) fail(BAD_PARAM, "stride %d of dimension %d is not positive", stride[i], i);
    if (dilation[i] <= 0) fail(BAD_PARAM, "dilation %d of dimension %d is not positive", dilation[i], i);
  }
  if (mode != CONVOLUTION && mode != CROSS_CORRELATION) fail(BAD_PARAM, "%d is no convolution mode", mode);
  if (type != FLOAT && type != DOUBLE && type != HALF && type != INT32) {
    fail(BAD_PARAM, "computing in %s is not possible; float32 goes with bfloat16 tensors", type_name(type));
  }
}

void set_convolution(Convolution* convolution, int rank, const int* pad, const int* stride, const int* dilation,
                     int mode, int type) {
  Convolution& c = given(convolution, "the convolution descriptor");
  check_settings(rank, pad, stride, dilation, mode, type);
  c.rank = rank;
  std::copy(pad, pad + rank, c.pad);
  std::copy(stride, stride + rank, c.stride);
  std::copy(dilation, dilation + rank, c.dilation);
  c.mode = mode;
  c.type = type;
  c.set = true;
}

}  // namespace

void output_dims(const Convolution& convolution, const Shape& x, const Shape& w, int* dims) {
  std::fill(dims, dims + x.rank, 0);
  if (x.rank != w.rank || x.rank != convolution.rank + 2) {
    fail(BAD_PARAM, "the input has %d dimensions, the filter %d, the convolution %d spatial ones", x.rank, w.rank,
         convolution.rank);
  }
  if (x.dim[1] != w.dim[1] * convolution.groups) {
    fail(BAD_PARAM, "input channels %d != filter channels %d x %d groups (%s, %s)", x.dim[1], w.dim[1],
         convolution.groups, x.describe().c_str(), w.describe().c_str());
  }
  dims[0] = x.dim[0];
  dims[1] = w.dim[0];
  bool fits = true;
  for (int i = 0; i < convolution.rank; i++) {
    int64_t reach = int64_t{w.dim[i + 2] - 1} * convolution.dilation[i] + 1;
    int64_t room = x.dim[i + 2] + 2 * int64_t{convolution.pad[i]} - reach;
    dims[i + 2] = room < 0 ? 0 : static_cast<int>(room / convolution.stride[i] + 1);
    fits = fits && room >= 0;
  }
  if (!fits) {
    fail(BAD_PARAM, "the filter (%s) is larger than the padded input (%s)", w.describe().c_str(), x.describe().c_str());
  }
}

Problem problem_of(Pass pass, const Tensor* x, const Filter* w, const Convolution* convolution, const Tensor* y) {
  const char *x_name = pass == Pass::BACKWARD_DATA ? "dx" : "x", *w_name = pass == Pass::BACKWARD_FILTER ? "dw" : "w",
             *y_name = pass == Pass::FORWARD ? "y" : "dy";
  Problem p;
  p.pass = pass;
  p.convolution = given_set(convolution, "the convolution descriptor");
  p.x = given_set(x, x_name).shape;
  p.y = given_set(y, y_name).shape;
  const Filter& filter = given_set(w, w_name);
  p.w = filter.shape;
  p.filter_format = filter.format;
  const Convolution& c = p.convolution;
  int dims[DIM_MAX];
  output_dims(c, p.x, p.w, dims);
  if (p.x.type != p.w.type || p.x.type != p.y.type) {
    fail(BAD_PARAM, "%s is %s, %s %s, %s %s: one type expected", x_name, type_name(p.x.type), w_name,
         type_name(p.w.type), y_name, type_name(p.y.type));
  }
  if (p.w.dim[0] % c.groups != 0) {
    fail(BAD_PARAM, "%s: %d output channels are no multiple of %d groups", w_name, p.w.dim[0], c.groups);
  }
  if (p.y.rank != p.x.rank || p.y.dim[0] != dims[0] || p.y.dim[1] != dims[1]) {
    fail(BAD_PARAM, "%s is %s, %d images of %d channels expected", y_name, p.y.describe().c_str(), dims[0], dims[1]);
  }
  for (int i = 2; i < p.y.rank; i++) {
    if (p.y.dim[i] != dims[i]) {
      fail(NOT_SUPPORTED, "%s is %s, but extent %d of dimension %d is expected", y_name, p.y.describe().c_str(),
           dims[i], i);
    }
  }
  if (c.rank != 2) fail(NOT_SUPPORTED, "%d spatial dimensions; the simulated library convolves in 2", c.rank);
  check_computable(p.x, x_name);
  check_computable(p.y, y_name);
  check_computable(p.w, w_name);
  if (p.x.type == BFLOAT16 && library::capability() < 80) {
    fail(ARCH_MISMATCH, "bfloat16 needs compute capability 8.0, the device has %d.%d", library::capability() / 10,
         library::capability() % 10);
  }
  if (c.type != FLOAT) {
    fail(NOT_SUPPORTED, "computing in %s; the simulated library does in float32", type_name(c.type));
  }
  p.tensor_cores = p.x.type == FLOAT && c.math != FMA_MATH && library::capability() >= 80;
  return p;
}

std::string Problem::describe() const {
  const Convolution& v = convolution;
  std::string out = text("x %s, w %s, pad %dx%d, stride %dx%d", x.describe().c_str(), w.describe().c_str(), v.pad[0],
                         v.pad[1], v.stride[0], v.stride[1]);
  if (v.dilation[0] != 1 || v.dilation[1] != 1) out += text(", dilation %dx%d", v.dilation[0], v.dilation[1]);
  if (v.groups != 1) out += text(", %d groups", v.groups);
  return out;
}

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;

LIBRARY_CALL cudnnCreateConvolutionDescriptor(Convolution** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyConvolutionDescriptor(Convolution* convolution) {
  CALL
  destroy_object(convolution);
  END_CALL
}

LIBRARY_CALL cudnnSetConvolution2dDescriptor(Convolution* convolution, int pad_h, int pad_w, int stride_h, int stride_w,
                                           int dilation_h, int dilation_w, int mode, int type) {
  CALL
  int pad[] = {pad_h, pad_w}, stride[] = {stride_h, stride_w}, dilation[] = {dilation_h, dilation_w};
  set_convolution(convolution, 2, pad, stride, dilation, mode, type);
  END_CALL
}

LIBRARY_CALL cudnnSetConvolutionNdDescriptor(Convolution* convolution, int rank, const int* pad, const int* stride,
                                           const int* dilation, int mode, int type) {
  CALL
  for (const int* p : {pad, stride, dilation}) need(p, "an array");
  set_convolution(convolution, rank, pad, stride, dilation, mode, type);
  END_CALL
}

LIBRARY_CALL cudnnGetConvolution2dDescriptor(Convolution* convolution, int* pad_h, int* pad_w, int* stride_h,
                                           int* stride_w, int* dilation_h, int* dilation_w, int* mode, int* type) {
  CALL
  const Convolution& c = given(convolution, "the convolution descriptor");
  need_places(pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, mode, type);
  *pad_h = c.pad[0];
  *pad_w = c.pad[1];
  *stride_h = c.stride[0];
  *stride_w = c.stride[1];
  *dilation_h = c.dilation[0];
  *dilation_w = c.dilation[1];
  *mode = c.mode;
  *type = c.type;
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionNdDescriptor(Convolution* convolution, int requested, int* rank, int* pad, int* stride,
                                           int* dilation, int* mode, int* type) {
  CALL
  const Convolution& c = given(convolution, "the convolution descriptor");
  need_places(rank, pad, stride, dilation, mode, type);
  int n = std::min(requested, c.rank);
  *rank = c.rank;
  std::copy(c.pad, c.pad + n, pad);
  std::copy(c.stride, c.stride + n, stride);
  std::copy(c.dilation, c.dilation + n, dilation);
  *mode = c.mode;
  *type = c.type;
  END_CALL
}

LIBRARY_CALL cudnnSetConvolutionGroupCount(Convolution* convolution, int groups) {
  CALL
  Convolution& c = given(convolution, "the convolution descriptor");
  if (groups < 1) fail(BAD_PARAM, "%d groups, at least 1 expected", groups);
  c.groups = groups;
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionGroupCount(Convolution* convolution, int* out) {
  CALL
  need(out, "the place for the groups");
  *out = given(convolution, "the convolution descriptor").groups;
  END_CALL
}

LIBRARY_CALL cudnnSetConvolutionMathType(Convolution* convolution, int math) {
  CALL
  Convolution& c = given(convolution, "the convolution descriptor");
  if (math < DEFAULT_MATH || math > FMA_MATH) fail(BAD_PARAM, "%d is no math type", math);
  c.math = math;
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionMathType(Convolution* convolution, int* out) {
  CALL
  need(out, "the place for the math type");
  *out = given(convolution, "the convolution descriptor").math;
  END_CALL
}

LIBRARY_CALL cudnnSetConvolutionReorderType(Convolution* convolution, int reorder) {
  CALL
  Convolution& c = given(convolution, "the convolution descriptor");
  if (reorder != 0 && reorder != 1) fail(BAD_PARAM, "%d is no reorder type", reorder);
  c.reorder = reorder;
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionReorderType(Convolution* convolution, int* out) {
  CALL
  need(out, "the place for the reorder type");
  *out = given(convolution, "the convolution descriptor").reorder;
  END_CALL
}

LIBRARY_CALL cudnnGetConvolution2dForwardOutputDim(Convolution* convolution, Tensor* x, Filter* w, int* n, int* c, int* h,
                                                 int* width) {
  CALL
  need_places(n, c, h, width);
  const Convolution& v = given_set(convolution, "the convolution descriptor");
  const Shape& in = given_set(x, "the input").shape;
  if (in.rank != 4) fail(BAD_PARAM, "the input has %d dimensions, 4 expected", in.rank);
  int dims[DIM_MAX];
  output_dims(v, in, given_set(w, "the filter").shape, dims);
  *n = dims[0];
  *c = dims[1];
  *h = dims[2];
  *width = dims[3];
  END_CALL
}

LIBRARY_CALL cudnnGetConvolutionNdForwardOutputDim(Convolution* convolution, Tensor* x, Filter* w, int rank, int* out) {
  CALL
  need(out, "the place for the result");
  const Convolution& v = given_set(convolution, "the convolution descriptor");
  const Shape& in = given_set(x, "the input").shape;
  if (rank > in.rank) fail(BAD_PARAM, "%d extents asked for, the input has %d dimensions", rank, in.rank);
  int dims[DIM_MAX];
  output_dims(v, in, given_set(w, "the filter").shape, dims);
  std::copy(dims, dims + std::max(rank, 0), out);
  END_CALL
}
