// What tests and users may ask of the simulated device beyond CUDA; exported for Java to call through JNA.
#pragma once

#include <string>

namespace gridstride {

bool is_call_kind(const std::string& name);
long call_count(const std::string& name);  // -1: never called, or no such call
void add_fault(const std::string& name, long nth, int code);
void clear_faults();
const std::string& last_failure_text();
void start_trace();
std::string end_trace();

}  // namespace gridstride

extern "C" {
// Sets `key`; 0, or 1 with the reason as the last error. Keys: devices, memory (bytes; K, M, G), compute_capability
// ("9.0"), seed (0 = program order), checked (0 or 1), verbose (0 or 1). The first three only while no context lives.
int gridstride_sim_set(const char* key, const char* value);
// The nth (from 1) next call of `call` ("cuMemAlloc_v2") or of a kind ("alloc", "copy", "launch", "module", "sync", "library",
// "any") fails with code. The code is CUDA's, but the library's own status where the call is of cuBLAS or cuDNN.
int gridstride_sim_fault(const char* call, long nth, int code);
void gridstride_sim_clear_faults();
// Begins to note the calls of CUDA that are made, those that fail included.
void gridstride_sim_start_trace();
// Ends that: the names of the calls in order, one a line; the nth is the nth "any" of gridstride_sim_fault. Valid until this
// thread asks again.
const char* gridstride_sim_end_trace();
// The last failure in this process, in full. Valid until this thread asks again.
const char* gridstride_sim_last_error();
// How many live: allocations, modules, streams, events, graphs, contexts, pinned, pools, pending (work not run), unordered (work that the checker keeps); or how often: launches, or a call by name; of libraries: cublas_handles, cudnn_handles, cudnn_descriptors. -1: unknown.
long gridstride_sim_count(const char* what);
// What the simulated device cannot show.
const char* gridstride_sim_limits();
}
