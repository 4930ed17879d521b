// The files under planted/: kernels `planted` and `correct`, with comments that say how to launch
// both and what the checker has to say of the first.
//
//   // expect: CODE KIND            beginning of the kind; any of them, if there are several
//   // line: N of FILE              where; optional
//   // launch: grid G, block B[, shared BYTES]; [unset] float y[64], int x[64], int n = 64
#pragma once

#include <string>
#include <vector>

namespace gridstride::test {

struct PlantedArgument {
  bool is_array, is_float, is_set;
  size_t size;  // of an array
  int value;    // of a number
};

struct Planted {
  std::string file;
  int code = 0;
  std::vector<std::string> kinds;
  std::string place;  // "file.cu:12", or empty
  unsigned grid = 1, block = 1;
  size_t shared = 0;
  std::vector<PlantedArgument> arguments;
};

// Exits with a message if the comments cannot be understood.
Planted read_planted(const std::string& path);

}  // namespace gridstride::test
