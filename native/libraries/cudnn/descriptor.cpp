// Tensor and filter descriptors.
#include <algorithm>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

void check_type(int type) {
  if (type < 0 || type >= TYPES) fail(BAD_PARAM, "%d is no data type", type);
}

void check_format(int format, int type) {
  constexpr int INT8X4 = 5, UINT8X4 = 7, INT8X32 = 8;
  if (format < NCHW || format > NCHW_VECT_C) fail(BAD_PARAM, "%d is no tensor format", format);
  if (format != NCHW_VECT_C) return;
  if (type != INT8X4 && type != UINT8X4 && type != INT8X32) {
    fail(BAD_PARAM, "NCHW_VECT_C goes with vectors of int8 alone, not with %s", type_name(type));
  }
  fail(NOT_SUPPORTED, "the simulated library has the formats NCHW and NHWC, not NCHW_VECT_C");
}

void check_dims(const int* dims, int rank) {
  for (int i = 0; i < rank; i++) {
    if (dims[i] <= 0) fail(BAD_PARAM, "extent %d of dimension %d is not positive", dims[i], i);
  }
}

void check_rank(int rank, int least) {
  if (rank < least) fail(BAD_PARAM, "%d dimensions, at least %d expected", rank, least);
  if (rank > DIM_MAX) fail(NOT_SUPPORTED, "%d dimensions, at most %d", rank, DIM_MAX);
}

Shape shape_of(int type, int rank, const int* dims) {
  Shape shape;
  shape.type = type;
  shape.rank = rank;
  std::copy(dims, dims + rank, shape.dim);
  return shape;
}

void set_tensor(Tensor* tensor, const Shape& shape) {
  double elements = 1;
  for (int i = 0; i < shape.rank; i++) elements *= shape.dim[i];
  if (elements > INT32_MAX || shape.extent() > INT32_MAX) {
    fail(NOT_SUPPORTED, "%s: more than 2^31 - 1 elements from the first to the last", shape.describe().c_str());
  }
  tensor->shape = shape;
  tensor->set = true;
}

void set_packed(Tensor* tensor, int format, int type, int rank, const int* dims) {
  given(tensor, "the tensor descriptor");
  check_type(type);
  check_format(format, type);
  check_rank(rank, 2);
  check_dims(dims, rank);
  Shape shape = shape_of(type, rank, dims);
  pack(shape, format);
  set_tensor(tensor, shape);
}

void set_strided(Tensor* tensor, int type, int rank, const int* dims, const int* strides) {
  given(tensor, "the tensor descriptor");
  check_type(type);
  check_rank(rank, 2);
  check_dims(dims, rank);
  Shape shape = shape_of(type, rank, dims);
  for (int i = 0; i < rank; i++) {
    if (strides[i] == 0) fail(BAD_PARAM, "stride of dimension %d is 0", i);
    shape.stride[i] = strides[i];
  }
  set_tensor(tensor, shape);
}

void set_filter(Filter* filter, int type, int format, int rank, const int* dims) {
  given(filter, "the filter descriptor");
  check_type(type);
  check_format(format, type);
  check_rank(rank, 3);
  check_dims(dims, rank);
  filter->shape = shape_of(type, rank, dims);
  filter->format = format;
  filter->set = true;
  pack(filter->shape, format);
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;

LIBRARY_CALL cudnnCreateTensorDescriptor(Tensor** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyTensorDescriptor(Tensor* tensor) {
  CALL
  destroy_object(tensor);
  END_CALL
}

LIBRARY_CALL cudnnSetTensor4dDescriptor(Tensor* tensor, int format, int type, int n, int c, int h, int w) {
  CALL
  int dims[] = {n, c, h, w};
  set_packed(tensor, format, type, 4, dims);
  END_CALL
}

LIBRARY_CALL cudnnSetTensor4dDescriptorEx(Tensor* tensor, int type, int n, int c, int h, int w, int n_stride,
                                        int c_stride, int h_stride, int w_stride) {
  CALL
  int dims[] = {n, c, h, w}, strides[] = {n_stride, c_stride, h_stride, w_stride};
  set_strided(tensor, type, 4, dims, strides);
  END_CALL
}

LIBRARY_CALL cudnnSetTensorNdDescriptor(Tensor* tensor, int type, int rank, const int* dims, const int* strides) {
  CALL
  need(dims, "the extents");
  need(strides, "the strides");
  set_strided(tensor, type, rank, dims, strides);
  END_CALL
}

LIBRARY_CALL cudnnSetTensorNdDescriptorEx(Tensor* tensor, int format, int type, int rank, const int* dims) {
  CALL
  need(dims, "the extents");
  set_packed(tensor, format, type, rank, dims);
  END_CALL
}

LIBRARY_CALL cudnnGetTensor4dDescriptor(Tensor* tensor, int* type, int* n, int* c, int* h, int* w, int* n_stride,
                                      int* c_stride, int* h_stride, int* w_stride) {
  CALL
  const Shape& s = given(tensor, "the tensor descriptor").shape;
  need_places(type, n, c, h, w, n_stride, c_stride, h_stride, w_stride);
  *type = s.type;
  int* dims[] = {n, c, h, w};
  int* strides[] = {n_stride, c_stride, h_stride, w_stride};
  for (int i = 0; i < 4; i++) {
    *dims[i] = s.dim[i];
    *strides[i] = s.stride[i];
  }
  END_CALL
}

LIBRARY_CALL cudnnGetTensorNdDescriptor(Tensor* tensor, int requested, int* type, int* rank, int* dims, int* strides) {
  CALL
  const Shape& s = given(tensor, "the tensor descriptor").shape;
  need_places(type, rank, dims, strides);
  *type = s.type;
  *rank = s.rank;
  for (int i = 0; i < std::min(requested, s.rank); i++) {
    dims[i] = s.dim[i];
    strides[i] = s.stride[i];
  }
  END_CALL
}

LIBRARY_CALL cudnnGetTensorSizeInBytes(Tensor* tensor, size_t* out) {
  CALL
  need(out, "the place for the size");
  *out = given(tensor, "the tensor descriptor").shape.bytes();
  END_CALL
}

LIBRARY_CALL cudnnCreateFilterDescriptor(Filter** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyFilterDescriptor(Filter* filter) {
  CALL
  destroy_object(filter);
  END_CALL
}

LIBRARY_CALL cudnnSetFilter4dDescriptor(Filter* filter, int type, int format, int k, int c, int h, int w) {
  CALL
  int dims[] = {k, c, h, w};
  set_filter(filter, type, format, 4, dims);
  END_CALL
}

LIBRARY_CALL cudnnSetFilterNdDescriptor(Filter* filter, int type, int format, int rank, const int* dims) {
  CALL
  need(dims, "the extents");
  set_filter(filter, type, format, rank, dims);
  END_CALL
}

LIBRARY_CALL cudnnGetFilter4dDescriptor(Filter* filter, int* type, int* format, int* k, int* c, int* h, int* w) {
  CALL
  const Filter& f = given(filter, "the filter descriptor");
  need_places(type, format, k, c, h, w);
  *type = f.shape.type;
  *format = f.format;
  int* dims[] = {k, c, h, w};
  for (int i = 0; i < 4; i++) *dims[i] = f.shape.dim[i];
  END_CALL
}

LIBRARY_CALL cudnnGetFilterNdDescriptor(Filter* filter, int requested, int* type, int* format, int* rank, int* dims) {
  CALL
  const Filter& f = given(filter, "the filter descriptor");
  need_places(type, format, rank, dims);
  *type = f.shape.type;
  *format = f.format;
  *rank = f.shape.rank;
  std::copy(f.shape.dim, f.shape.dim + std::min(requested, f.shape.rank), dims);
  END_CALL
}

LIBRARY_CALL cudnnGetFilterSizeInBytes(Filter* filter, size_t* out) {
  CALL
  need(out, "the place for the size");
  const Shape& s = given(filter, "the filter descriptor").shape;
  *out = static_cast<size_t>(s.count()) * type_bytes(s.type);
  END_CALL
}
