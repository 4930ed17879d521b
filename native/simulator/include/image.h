// What a host image exports: the kernels of one .cu file, compiled by g++ for the simulated device.
#pragma once

// One __global__ function.
struct GridstrideKernel {
  const char* name;            // as cuModuleGetFunction finds it; null ends the table
  void (*run)(void** args);    // one CUDA thread: args[i] points to parameter i
  int parameters;              // how many
  const unsigned short* size;  // bytes of each parameter
  const unsigned short* align; // alignment of each
  const char* kind;            // a letter each: p pointer, i integer, f floating point, s structure
  int max_threads;             // __launch_bounds__, or 1024
  const char* file;            // where it is written
  int line;
};

// Where shared memory lies for the calling host thread.
struct GridstrideSharedPlace {
  unsigned char* anchor;            // somewhere in the image's thread-local block
  unsigned char* dynamic;           // `extern __shared__`; null if no kernel of the image has any
  unsigned long dynamic_capacity;   // bytes
};

typedef void GridstrideShared(GridstrideSharedPlace* place);

// Every image defines these, with C linkage and default visibility:
//   const GridstrideKernel gridstride_image[];
//   const int gridstride_image_checked;   1 if compiled with the checker's instrumentation
//   GridstrideShared gridstride_image_shared;
