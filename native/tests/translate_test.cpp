// What simcc makes of CUDA's words. Sources are as g++ -E leaves them.

#include "translate.h"

#include <algorithm>

#include "expect.h"

using namespace gridstride::simcc;
using namespace gridstride::test;

namespace {

std::string error_of(const std::string& source) {
  try {
    translate("# 1 \"a.cu\"\n" + source, Flavour::PLAIN);
  } catch (const TranslationError& e) {
    return e.what();
  }
  return "";
}

// The translation without what is added at the end.
std::string text_of(const std::string& source, Flavour flavour = Flavour::PLAIN) {
  std::string text = translate(source, flavour).text;
  return text.substr(0, text.find("\n# 1 \"<simcc>\""));
}

void expect_absent(const std::string& text, const std::string& part) { EXPECT_EQUAL(text.find(part), std::string::npos); }

void test_kernels() {
  Translation t = translate(
      "# 1 \"a.cu\"\n"
      "extern \"C\" __global__ void __launch_bounds__(128, 2) one(float* x) { x[0] = 1; }\n"
      "__launch_bounds__(N::M * 2) __global__ static void two(int) {}\n"
      "namespace a { namespace b::c { __global__ void three() { } } }\n"
      "__global__ void declared(int);\n"
      "template <int N> __global__ void generic(int* x) { }\n"
      "const char* text = \"__global__ void four() {}\"; char c = '\\''; int n = 1'000;\n"
      "const char* raw = R\"(__global__ void five() {)\";\n",
      Flavour::PLAIN);
  EXPECT_EQUAL(t.kernels.size(), 3u);
  EXPECT_EQUAL(t.kernels[0], "one");
  EXPECT_EQUAL(t.kernels[1], "two");
  EXPECT_EQUAL(t.kernels[2], "three");
  EXPECT_CONTAINS(t.text, "static_cast<int>(128)");
  EXPECT_CONTAINS(t.text, "static_cast<int>(N::M * 2)");
  EXPECT_CONTAINS(t.text, "&::a::b::c::three>");
  EXPECT_CONTAINS(t.text, "\"a.cu\", 1}");
  EXPECT_CONTAINS(t.text, "\"__global__ void four() {}\"");
  EXPECT_CONTAINS(t.text, "R\"(__global__ void five() {)\"");
  EXPECT_EQUAL(t.notes.size(), 1u);
  EXPECT_CONTAINS(t.notes[0], "a.cu:5: note: kernel generic is a template");
}

void test_lines_stay() {
  std::string source = "# 1 \"a.cu\"\nextern \"C\" __global__ void k(\n int* x)\n{\n __shared__\n int a[4];\n extern __shared__ float d[];\n}\nint last;\n";
  std::string text = text_of(source);
  EXPECT_EQUAL(std::count(text.begin(), text.end(), '\n'), std::count(source.begin(), source.end(), '\n'));
}

void test_shared() {
  std::string text = text_of("void f() { __shared__ float a[4][8]; }");
  EXPECT_CONTAINS(text, "static thread_local float a[4][8];");
  text = text_of("void f() { static __shared__ float a[4]; }");
  EXPECT_CONTAINS(text, "static thread_local float a[4];");
  text = text_of("void f() { extern __shared__ __attribute__((aligned(16))) float d[]; d[0] = 1; }");
  EXPECT_CONTAINS(text, "extern __thread");
  EXPECT_CONTAINS(text, "float d[] __asm__(\"gridstride_dynamic_shared\");");
  expect_absent(text, "__shared__");
  text = text_of("__shared__ extern int d[]; void g();");
  EXPECT_CONTAINS(text, "int d[] __asm__(\"gridstride_dynamic_shared\");");
  text = text_of("void f() { __shared__ float a[4]; extern __shared__ int d[]; }", Flavour::ADDRESS_SANITIZER);
  EXPECT_CONTAINS(text, "static float a[4];");
  expect_absent(text, "thread");
  EXPECT_CONTAINS(error_of("void f() {\n __shared__ int a = 1; }"), "a.cu:2: error: a __shared__ variable cannot be initialised");
}

void test_variables() {
  EXPECT_CONTAINS(text_of("__constant__ float weights[16];"), "__attribute__((visibility(\"default\"), used)) float weights[16];");
  EXPECT_CONTAINS(text_of("__device__ unsigned counter = 0;"), "__attribute__((visibility(\"default\"), used)) unsigned counter = 0;");
  expect_absent(text_of("static __device__ unsigned counter;"), "visibility");
  expect_absent(text_of("__device__ float f(float x) { return x; }"), "visibility");
  expect_absent(text_of("template <class T> __device__ T f(T x) { return x; }"), "__device__");
}

void test_errors() {
  EXPECT_CONTAINS(error_of("\nvoid f() { k<<<1, 2>>>(x); }"), "a.cu:2: error: a launch with <<<...>>> is host code");
  EXPECT_CONTAINS(error_of("void f() { asm volatile(\"mov.u32 %0, %1;\" : : ); }"), "a.cu:1: error: the simulated device cannot run inline PTX");
  EXPECT_EQUAL(error_of("void f() { asm volatile(\"\" ::: \"memory\"); }"), "");
  EXPECT_CONTAINS(error_of("__global__ int x;"), "__global__ is not followed by a function");
  EXPECT_CONTAINS(error_of("struct S { __global__ void k() {} };"), "cannot be a member");
  EXPECT_CONTAINS(error_of("__global__ void k() {}\n__global__ void k(int) {}"), "a.cu:2: error: two kernels are called k");
  EXPECT_CONTAINS(error_of("__global__ void __cluster_dims__(2, 1, 1) k() {}"), "clusters");
  // Shifts of templates are no launches.
  EXPECT_EQUAL(error_of("int x = a << b; int y = c >> 2;"), "");
}

}  // namespace

int main() {
  test_kernels();
  test_lines_stay();
  test_shared();
  test_variables();
  test_errors();
  return failures == 0 ? 0 : 1;
}
