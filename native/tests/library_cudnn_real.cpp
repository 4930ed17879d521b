// What the simulated libcudnn answers without a card against what cuDNN 9.5's does. Skipped where GRIDSTRIDE_REAL_LIBRARIES
// names no folder of NVIDIA's.
#include "cudnn_answers.h"

TEST(against_the_real_library) {
  std::vector<std::string> real = answers::of(check::real_library("libcudnn.so.9").c_str());
  std::vector<std::string> ours = answers::of_ours();
  CHECK(real.size() == ours.size());
  for (size_t i = 0; i < real.size() && i < ours.size(); i++) {
    if (real[i] != ours[i]) check::fail(__FILE__, __LINE__, "real \"" + real[i] + "\", ours \"" + ours[i] + "\"");
  }
  std::printf("     %zu answers compared\n", real.size());
}

TEST_MAIN
