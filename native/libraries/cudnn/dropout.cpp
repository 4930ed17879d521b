// Dropout. The state of the generator lies in the caller's device memory and moves on with every run, replays of a graph
// included; the numbers are not those of a card.
#include <algorithm>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

constexpr size_t STATE_BYTES = 128 << 10;  // a card's library asks for a few MB

struct Dropout {
  static constexpr const char *NAME = "dropout descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  float rate = 0;
  void* states = nullptr;
  unsigned long long seed = 0;
};

// What lies first in the states.
struct State {
  uint64_t seed, drawn;
};

// Number i of the sequence of a seed: splitmix64.
uint32_t draw(uint64_t seed, uint64_t i) {
  uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
}

size_t reserve_bytes(const Shape& x) {
  return (static_cast<size_t>(std::max<int64_t>(x.count(), 1)) + 31) / 32 * 4;  // a bit an element
}

library::Range range_of(const char* role, const void* at, library::Access access, size_t bytes) {
  return {role, reinterpret_cast<uintptr_t>(at), access, bytes};
}

void set_dropout(Dropout& d, float rate, void* states, size_t bytes, unsigned long long seed) {
  if (!(rate >= 0 && rate <= 1)) fail(BAD_PARAM, "the rate is %g, 0 to 1 expected", static_cast<double>(rate));
  if (states == nullptr && rate > 0) fail(BAD_PARAM, "the states are null; only a rate of 0 needs none");
  if (states != nullptr && bytes < STATE_BYTES) {
    fail(INVALID_VALUE, "%zu bytes of states, %zu are needed (cudnnDropoutGetStatesSize)", bytes, STATE_BYTES);
  }
  if (states != nullptr) library::check_range(range_of("the states", states, library::Access::WRITE, STATE_BYTES));
  d = {true, rate, states, seed};
}

// The element's share where it is kept.
float scale_of(float rate) { return rate < 1 ? 1 / (1 - rate) : 0; }

struct Operands {
  Handle& handle;
  Dropout dropout;
  Shape in, out;
  std::vector<library::Range> ranges;
};

// What both passes check.
Operands operands(Handle* handle, Dropout* dropout, Tensor* in, const void* x, Tensor* out, void* y, void* reserve,
                  size_t bytes, library::Access access) {
  Operands o{handle_of(handle), given_set(dropout, "the dropout descriptor"), operand(in, "the input"),
             operand(out, "the output"), {}};
  check_same(o.in, "the input", o.out, "the output");
  size_t wanted = reserve_bytes(o.in);
  if (bytes < wanted) {
    fail(BAD_PARAM, "a reserve of %zu bytes, %zu are needed (cudnnDropoutGetReserveSpaceSize)", bytes, wanted);
  }
  check_pointer(reserve, FLOAT, "the reserve");
  add_replaced(o.ranges, o.in, x, "the input", o.out, y, 0, "the output");
  o.ranges.push_back(range_of("the reserve", reserve, access, wanted));
  refuse_overlap(o.ranges, BAD_PARAM);
  return o;
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;

LIBRARY_CALL cudnnCreateDropoutDescriptor(Dropout** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyDropoutDescriptor(Dropout* dropout) {
  CALL
  destroy_object(dropout);
  END_CALL
}

LIBRARY_CALL cudnnDropoutGetStatesSize(Handle* handle, size_t* out) {
  CALL
  handle_of(handle);
  need(out, "the place for the size");
  *out = STATE_BYTES;
  END_CALL
}

LIBRARY_CALL cudnnDropoutGetReserveSpaceSize(Tensor* x, size_t* out) {
  CALL
  need(out, "the place for the size");
  *out = reserve_bytes(given(x, "x").shape);
  END_CALL
}

LIBRARY_CALL cudnnSetDropoutDescriptor(Dropout* dropout, Handle* handle, float rate, void* states, size_t bytes,
                                       unsigned long long seed) {
  CALL
  Handle& h = handle_of(handle);
  set_dropout(given(dropout, "the dropout descriptor"), rate, states, bytes, seed);
  if (states == nullptr) return SUCCESS;
  enqueue(h, "states", {range_of("the states", states, Access::WRITE, STATE_BYTES)}, [=] {
    std::fill_n(static_cast<unsigned char*>(states), STATE_BYTES, static_cast<unsigned char>(0));
    *static_cast<State*>(states) = {seed, 0};
  });
  END_CALL
}

LIBRARY_CALL cudnnRestoreDropoutDescriptor(Dropout* dropout, Handle* handle, float rate, void* states, size_t bytes,
                                           unsigned long long seed) {
  CALL
  handle_of(handle);
  set_dropout(given(dropout, "the dropout descriptor"), rate, states, bytes, seed);
  END_CALL
}

LIBRARY_CALL cudnnGetDropoutDescriptor(Dropout* dropout, Handle* handle, float* rate, void** states,
                                       unsigned long long* seed) {
  CALL
  handle_of(handle);
  const Dropout& d = given(dropout, "the dropout descriptor");
  need_places(rate, states, seed);
  *rate = d.rate;
  *states = d.states;
  *seed = d.seed;
  END_CALL
}

LIBRARY_CALL cudnnDropoutForward(Handle* handle, Dropout* dropout, Tensor* x_descriptor, const void* x,
                                 Tensor* y_descriptor, void* y, void* reserve, size_t bytes) {
  CALL
  Operands o = operands(handle, dropout, x_descriptor, x, y_descriptor, y, reserve, bytes, Access::WRITE);
  Dropout d = o.dropout;
  if (d.states != nullptr) o.ranges.push_back(range_of("the states", d.states, Access::UPDATE, STATE_BYTES));
  enqueue(o.handle, o.in.describe(), std::move(o.ranges), [d, x, y, reserve, in = o.in, out = o.out] {
    Order order = natural_order(in);
    std::vector<float> values = load(in, x, order);
    auto* bits = static_cast<uint32_t*>(reserve);
    std::fill_n(bits, reserve_bytes(in) / 4, 0u);
    State none{0, 0}, &state = d.states == nullptr ? none : *static_cast<State*>(d.states);
    double limit = double{d.rate} * 4294967296.0;  // of 2^32 numbers
    for (size_t i = 0; i < values.size(); i++) {
      bool kept = draw(state.seed, state.drawn + i) >= limit;
      if (kept) bits[i / 32] |= 1u << (i % 32);
      values[i] = kept ? values[i] * scale_of(d.rate) : 0;
    }
    state.drawn += values.size();
    store(out, y, order, values.data(), 1, 0);
  });
  END_CALL
}

LIBRARY_CALL cudnnDropoutBackward(Handle* handle, Dropout* dropout, Tensor* dy_descriptor, const void* dy,
                                  Tensor* dx_descriptor, void* dx, void* reserve, size_t bytes) {
  CALL
  Operands o = operands(handle, dropout, dy_descriptor, dy, dx_descriptor, dx, reserve, bytes, Access::READ);
  float scale = scale_of(o.dropout.rate);
  enqueue(o.handle, o.in.describe(), std::move(o.ranges), [scale, dy, dx, reserve, in = o.in, out = o.out] {
    Order order = natural_order(in);
    std::vector<float> values = load(in, dy, order);
    auto* bits = static_cast<const uint32_t*>(reserve);
    for (size_t i = 0; i < values.size(); i++) {
      values[i] = (bits[i / 32] >> (i % 32) & 1) != 0 ? values[i] * scale : 0;
    }
    store(out, dx, order, values.data(), 1, 0);
  });
  END_CALL
}
