// From preprocessed CUDA C++ to C++ for g++, with the table of its kernels at the end.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace gridstride::simcc {

enum class Flavour { PLAIN, CHECKED, ADDRESS_SANITIZER };

// "kernel.cu:12: error: ..."
struct TranslationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Translation {
  std::string text;
  std::vector<std::string> kernels;
  std::vector<std::string> notes;  // "kernel.cu:12: note: ..."
};

// `source` is what g++ -E made, with line markers.
Translation translate(const std::string& source, Flavour flavour);

}  // namespace gridstride::simcc
