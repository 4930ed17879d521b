// What calls of libcudnn ask of their callers: live and matching objects, memory that is there, streams, contexts; and what
// they are for the device: work in order, captured, made to fail; and some of what they answer without one.
#include "cudnn_answers.h"

namespace {

// A 1x1 convolution of 4 numbers by 2: y = 2 * x.
struct Doubling {
  Device device;
  void *x, *w, *y, *convolution, *weights, *in, *out, *workspace;
  size_t bytes = 0;

  Doubling() {
    Dims d{1, 1, 2, 2};
    x = device.tensor(d), y = device.tensor(d), w = device.filter({1, 1, 1, 1});
    convolution = device.make(cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor);
    CHECK_OK(cudnnSetConvolution2dDescriptor(convolution, 0, 0, 1, 1, 1, 1, 1, FLOAT));
    CHECK_OK(cudnnGetConvolutionForwardWorkspaceSize(device.handle, x, w, convolution, y, 1, &bytes));
    weights = device.put(std::vector<float>{2}), in = device.put(std::vector<float>{1, 2, 3, 4});
    out = device.put(std::vector<float>(4, 9)), workspace = device.bytes(bytes);
  }
  int run(void* from, void* to, const float* beta = &ZERO) {
    return cudnnConvolutionForward(device.handle, &ONE, x, from, w, weights, convolution, 1, workspace, bytes, beta, y, to);
  }
};

const std::vector<float> DOUBLED = {2, 4, 6, 8};

}  // namespace

TEST(runs_when_waited_for) {
  Doubling d;
  CUstream stream, got = nullptr;
  CHECK_OK(cuStreamCreate(&stream, 1));
  CHECK_OK(cudnnSetStream(d.device.handle, stream));
  CHECK_OK(cudnnGetStream(d.device.handle, &got));
  CHECK(got == stream);
  CHECK_OK(d.run(d.in, d.out));
  CHECK(d.device.get(d.out, 4) == std::vector<float>(4, 9));  // the legacy stream does not wait for this one
  CHECK_OK(cuStreamSynchronize(stream));
  CHECK(d.device.get(d.out, 4) == DOUBLED);
  CHECK_OK(cuStreamDestroy_v2(stream));
  CHECK_CODE(d.run(d.in, d.out), BAD_PARAM);
}

// The factors, the descriptors and the handle are the call's; memory is the run's.
TEST(is_captured) {
  Doubling d;
  CUstream stream;
  CUgraph graph;
  CUgraphExec exec;
  CHECK_OK(cuStreamCreate(&stream, 1));
  CHECK_OK(cudnnSetStream(d.device.handle, stream));
  float beta = 1;
  CHECK_OK(cuStreamBeginCapture_v2(stream, 2));
  CHECK_OK(d.run(d.in, d.out, &beta));
  CHECK_OK(cuStreamEndCapture(stream, &graph));
  beta = 100;
  CHECK_OK(cudnnSetTensor4dDescriptor(d.x, NCHW, FLOAT, 1, 1, 1, 1));
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphDestroy(graph));
  CHECK(d.device.get(d.out, 4) == std::vector<float>(4, 9));
  for (int i = 0; i < 2; i++) CHECK_OK(cuGraphLaunch(exec, stream));
  CHECK_OK(cuStreamSynchronize(stream));
  CHECK(d.device.get(d.out, 4) == (std::vector<float>{13, 17, 21, 25}));
  CHECK(std::isnan(d.device.get(d.workspace, 1)[0]));  // nobody may use what is left there
  CHECK_OK(cuMemFree_v2(reinterpret_cast<CUdeviceptr>(d.workspace)));
  CHECK_CODE(cuGraphLaunch(exec, stream), 1);
  CHECK_SAYS("the workspace is not device memory");
  CHECK_OK(cuGraphExecDestroy(exec));
}

TEST(fails_on_demand) {
  Doubling d;
  CHECK_OK(gridstride_sim_fault("cudnnConvolutionForward", 2, NOT_SUPPORTED));  // the library's own status
  CHECK_OK(d.run(d.in, d.out));
  CHECK_CODE(d.run(d.in, d.out), NOT_SUPPORTED);
  CHECK_SAYS("cudnnConvolutionForward: CUDNN_STATUS_NOT_SUPPORTED (3000): fault asked for");
  CHECK_OK(gridstride_sim_fault("library", 1, 2));  // a code of CUDA's: out of memory
  void* descriptor = nullptr;
  CHECK_CODE(cudnnCreateTensorDescriptor(&descriptor), 4004);
  CHECK_OK(d.run(d.in, d.out));
}

TEST(objects_are_checked) {
  Doubling d;
  void *unset = d.device.make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor), *gone = nullptr;
  auto forward = [&](void* handle, void* x, void* w, void* convolution) {
    return cudnnConvolutionForward(handle, &ONE, x, d.in, w, d.weights, convolution, 0, nullptr, 0, &ZERO, d.y, d.out);
  };
  CHECK_OK(forward(d.device.handle, d.x, d.w, d.convolution));
  CHECK_CODE(forward(nullptr, d.x, d.w, d.convolution), BAD_PARAM);
  CHECK_SAYS("the handle is null, a handle of cuDNN expected");
  CHECK_CODE(forward(d.device.handle, unset, d.w, d.convolution), BAD_PARAM);
  CHECK_SAYS("x was made, but never set");
  CHECK_CODE(forward(d.device.handle, d.w, d.w, d.convolution), BAD_PARAM);
  CHECK_SAYS("is no tensor descriptor, or one that was destroyed");
  CHECK_CODE(forward(d.device.handle, d.x, nullptr, d.convolution), BAD_PARAM);
  CHECK_OK(cudnnCreateTensorDescriptor(&gone));
  CHECK_OK(cudnnDestroyTensorDescriptor(gone));
  CHECK_CODE(cudnnDestroyTensorDescriptor(gone), BAD_PARAM);
  CHECK_CODE(forward(d.device.handle, gone, d.w, d.convolution), BAD_PARAM);
  CHECK_CODE(cudnnFindConvolutionForwardAlgorithm(), NOT_SUPPORTED);
  CHECK_SAYS("not simulated");
}

TEST(shapes_and_types_are_checked) {
  Doubling d;
  auto forward = [&](void* x, void* w, void* y) {
    return cudnnConvolutionForward(d.device.handle, &ONE, x, d.in, w, d.weights, d.convolution, 0, nullptr, 0, &ZERO, y,
                                   d.out);
  };
  CHECK_CODE(forward(d.device.tensor({1, 2, 2, 2}), d.w, d.y), BAD_PARAM);
  CHECK_SAYS("input channels 2 != filter channels 1 x 1 groups");
  CHECK_CODE(forward(d.x, d.w, d.device.tensor({1, 2, 2, 2})), BAD_PARAM);
  CHECK_CODE(forward(d.x, d.w, d.device.tensor({1, 1, 2, 1})), NOT_SUPPORTED);
  CHECK_SAYS("y is float32 [1, 1, 2, 1], but extent 2 of dimension 3 is expected");
  CHECK_CODE(forward(d.device.tensor({1, 1, 2, 2}, NCHW, HALF), d.w, d.y), BAD_PARAM);
  CHECK_OK(cudnnSetConvolution2dDescriptor(d.convolution, 0, 0, 1, 1, 1, 1, 1, HALF));
  CHECK_CODE(forward(d.x, d.w, d.y), NOT_SUPPORTED);
  CHECK_SAYS("computing in half; the simulated library does in float32");
  Dims one{1, 1, 2, 2};
  void *wide = d.device.tensor(one, NCHW, DOUBLE), *softmax = d.device.tensor(one);
  CHECK_CODE(cudnnSoftmaxForward(d.device.handle, 1, 1, &ONE, wide, d.in, &ZERO, wide, d.out), NOT_SUPPORTED);
  CHECK_CODE(cudnnSoftmaxForward(d.device.handle, 3, 1, &ONE, softmax, d.in, &ZERO, softmax, d.out), BAD_PARAM);
  CHECK_CODE(cudnnSoftmaxForward(d.device.handle, 1, 2, &ONE, softmax, d.in, &ZERO, softmax, d.out), BAD_PARAM);
}

TEST(memory_is_checked) {
  CHECK_OK(gridstride_sim_set("checked", "1"));
  Doubling d;
  void* small = d.device.bytes(12);
  float host[4] = {};
  CHECK_CODE(d.run(d.in, small), BAD_PARAM);
  CHECK_SAYS("y out of range: bytes 0 to 15");
  CHECK_CODE(d.run(host, d.out), BAD_PARAM);
  CHECK_SAYS("x is not device memory");
  CHECK_CODE(d.run(nullptr, d.out), BAD_PARAM);
  CHECK_CODE(d.run(static_cast<char*>(d.in) + 2, d.out), 2003);
  CHECK_CODE(d.run(d.in, d.in), BAD_PARAM);
  CHECK_SAYS("x and y share memory");
  CHECK_CODE(d.run(d.in, d.out, static_cast<float*>(d.in)), BAD_PARAM);
  CHECK_SAYS("beta is memory of the device, the host's expected");
  void* unset = d.device.bytes(16);
  CHECK_OK(d.run(d.in, unset));  // only written
  CHECK(d.device.get(unset, 4) == DOUBLED);
  unset = d.device.bytes(16);
  CHECK_OK(d.run(d.in, unset, &ONE));  // read, too
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("reads memory that nothing has written, in y");
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(unordered_work_is_found) {
  CHECK_OK(gridstride_sim_set("checked", "1"));
  {
    Doubling d;
    CUstream one, two;
    CHECK_OK(cuStreamCreate(&one, 1));
    CHECK_OK(cuStreamCreate(&two, 1));
    void* last = d.device.put(std::vector<float>(4, 0));
    CHECK_OK(cudnnSetStream(d.device.handle, one));
    CHECK_OK(d.run(d.in, d.out));
    CHECK_OK(cudnnSetStream(d.device.handle, two));
    CHECK_OK(d.run(d.out, last));
    CHECK_CODE(cuCtxSynchronize(), 719);
    CHECK_SAYS("race between unordered work: cudnnConvolutionForward");
  }
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(contexts_are_checked) {
  void* handle = nullptr;
  CHECK_CODE(cudnnCreate(&handle), 1001);
  Doubling d;
  CUcontext other;
  CHECK_OK(cuCtxCreate_v2(&other, 0, 0));
  CHECK_CODE(d.run(d.in, d.out), BAD_PARAM);
  CHECK_SAYS("the handle was made in context #");
  CUstream stream;
  CHECK_OK(cuStreamCreate(&stream, 1));
  CUcontext popped;
  CHECK_OK(cuCtxPopCurrent_v2(&popped));
  CHECK_CODE(cudnnSetStream(d.device.handle, stream), BAD_PARAM);
  CHECK_OK(cuCtxDestroy_v2(other));
  CHECK_OK(d.run(d.in, d.out));
  CHECK(d.device.get(d.out, 4) == DOUBLED);
}

TEST(answers_without_a_card) {
  std::vector<std::string> ours = answers::of_ours();
  // As the real library gave them.
  for (const char* line : {"4d 0 0: 0 0 2 32 4 5 640 20 5 1 5120", "4d 1 9: 0 9 2 32 4 5 640 1 160 32 2560",
                           "4d of 65536 65536 1 1: 3000", "strides 0 0 0 0: 2000", "reserve 33 2: 0 8",
                           "convolution 0 0 1 1 1 1 0 9: 2000 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1",
                           "parameters of 1 9: 0 0 1 3 1 1 3 1 1 1 12", "create: 1001", "version: 0 90501 12060",
                           "2006 CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT", "77 CUDNN_UNKNOWN_STATUS"}) {
    bool there = false;
    for (const std::string& mine : ours) there = there || mine == line;
    if (!there) check::fail(__FILE__, __LINE__, std::string("no line \"") + line + "\"");
  }
}

TEST_MAIN
