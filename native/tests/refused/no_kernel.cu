__device__ float twice(float v) { return v + v; }
