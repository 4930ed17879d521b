// The learning rate of a step, on the device: lr = schedule(step) * factor. `step` counts from 0;
// `factor` is a state that callbacks may change.
//
//   constant: rate
//   step:     rate * drop^floor(step / every)
//   cosine:   last + (rate - last) * (1 + cos(pi * step / steps)) / 2, then last
//   linear:   rate + (last - rate) * step / steps, then last
//
// Each is multiplied by min(1, (step + 1) / warmup); warmup 0 is none. learning_rate_warmup_f32
// multiplies a rate that is there already: a warm-up around a warm-up. Computed in double, rounded
// once. Cosine: Loshchilov and Hutter, SGDR (ICLR 2017), without restarts. Deterministic.
//
// Launch: grid 1, block 1: 16 bytes are read, 4 written.
#include "gridstride.cuh"

__device__ __forceinline__ double warmed_up(double rate, i64 step, i64 warmup) {
  return step + 1 < warmup ? rate * (static_cast<double>(step + 1) / static_cast<double>(warmup)) : rate;
}

// How much of a decay of `steps` is over, 1 at most.
__device__ __forceinline__ double progress(i64 step, i64 steps) {
  return step < steps ? static_cast<double>(step) / static_cast<double>(steps) : 1.0;
}

// lr, step and factor are scalars in all of these.
extern "C" __global__ void __launch_bounds__(1) learning_rate_constant_f32(float* lr, const i64* step, const float* factor, i64 warmup, double rate) {
  *lr = static_cast<float>(warmed_up(rate, *step, warmup) * *factor);
}

extern "C" __global__ void __launch_bounds__(1) learning_rate_step_f32(float* lr, const i64* step, const float* factor, i64 warmup, double rate, i64 every, double drop) {
  double drops = static_cast<double>(*step / every);
  *lr = static_cast<float>(warmed_up(rate * pow(drop, drops), *step, warmup) * *factor);
}

extern "C" __global__ void __launch_bounds__(1) learning_rate_cosine_f32(float* lr, const i64* step, const float* factor, i64 warmup, double rate, i64 steps, double last) {
  // cospi is exact at the end, and needs no argument reduction by pi.
  double now = last + (rate - last) * (1.0 + cospi(progress(*step, steps))) / 2.0;
  *lr = static_cast<float>(warmed_up(now, *step, warmup) * *factor);
}

extern "C" __global__ void __launch_bounds__(1) learning_rate_linear_f32(float* lr, const i64* step, const float* factor, i64 warmup, double rate, i64 steps, double last) {
  double now = rate + (last - rate) * progress(*step, steps);
  *lr = static_cast<float>(warmed_up(now, *step, warmup) * *factor);
}

extern "C" __global__ void __launch_bounds__(1) learning_rate_warmup_f32(float* lr, const float* input, const i64* step, i64 warmup) {
  *lr = static_cast<float>(warmed_up(*input, *step, warmup));
}
