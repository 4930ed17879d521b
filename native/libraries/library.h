// What libcublas and libcudnn for the simulated device share: the frame in which every call runs, failures with words, live
// handles, and work on streams.
//
//   LIBRARY_CALL cublasSetStream_v2(void* handle, CUstream stream) {
//     CALL
//     handles.of(handle).stream = stream;
//     END_CALL
//   }
#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "../simulator/library.h"

namespace gridstride::library {

// A failure of a call: the library's own status, and what was wrong.
struct Failure {
  int status;
  std::string message;
};

[[noreturn]] void fail(int status, const char* format, ...) __attribute__((format(printf, 2, 3)));
std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));

// What each library defines for itself.
const char* status_name(int status);   // "CUBLAS_STATUS_INVALID_VALUE"
int status_of(int cuda_code);          // what it says for a failure of CUDA's
extern const int STATUS_UNSUPPORTED;   // of calls that are not simulated

// The call that this thread is in.
extern thread_local const char* current_call;

int failed(const Failure& failure);
void begin();  // of current_call; fails where a fault is asked for

template <class Body>
int call(const char* name, Body&& body) {
  const char* outer = current_call;
  current_call = name;
  int status = 0;
  try {
    begin();
    status = body();
  } catch (const Failure& failure) {
    status = failed(failure);
  } catch (const std::bad_alloc&) {
    status = failed({status_of(CUDA_ERROR_OUT_OF_MEMORY), "this machine has no more memory"});
  }
  current_call = outer;
  return status;
}

#define LIBRARY_CALL extern "C" __attribute__((visibility("default"))) int
#define CALL return gridstride::library::call(__func__, [&]() -> int {
#define END_CALL \
  return 0;      \
  });

// The functions of the device, failing with the library's status.
uint64_t current_context();
void check_context(uint64_t made_in, int status);  // that of a handle must be the current one
int capability();  // 10 * major + minor
void check_stream(CUstream stream, uint64_t context);
void check_range(const Range& range);
bool on_device(const void* p);
void* allocate(size_t bytes);
void release(void* p, uint64_t context);  // that it was allocated in, which may have ended
void enqueue(CUstream stream, Job&& job);

// Fails with `status` if a range that is written shares a byte with another, or one of its rows with another row.
void refuse_overlap(const std::vector<Range>& ranges, int status);

// Objects that calls name by their address: a freed or foreign one is told from a live one.
template <class T>
class Live {
 public:
  // what: "handle"; counted_as: its name for gridstride_sim_count; status: of a call with one that is not alive.
  Live(const char* what, const char* counted_as, int status) : what_(what), counted_as_(counted_as), status_(status) {
    gridstride_library_count(counted_as, 0);
  }

  T* add(std::unique_ptr<T> object) {
    std::lock_guard<std::mutex> hold(lock_);
    all_.insert(object.get());
    gridstride_library_count(counted_as_, 1);
    return object.release();
  }

  T& of(const void* p) {
    std::lock_guard<std::mutex> hold(lock_);
    auto* object = static_cast<T*>(const_cast<void*>(p));
    if (all_.count(object) == 0) fail(status_, "%p is no %s, or one that was destroyed", p, what_);
    return *object;
  }

  void destroy(const void* p) {
    T* object = &of(p);
    std::lock_guard<std::mutex> hold(lock_);
    all_.erase(object);
    gridstride_library_count(counted_as_, -1);
    delete object;
  }

 private:
  const char *what_, *counted_as_;
  int status_;
  std::mutex lock_;
  std::set<T*> all_;
};

}  // namespace gridstride::library
