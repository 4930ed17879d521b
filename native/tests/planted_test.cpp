// planted_test IMAGE FILE.cu: the checker has to find the bug of kernel `planted`, in any order of
// threads and blocks, and nothing in its twin `correct`.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness.h"
#include "planted.h"

using namespace gridstride;
using namespace gridstride::test;

namespace {

constexpr uint64_t SEEDS = 8;  // and program order

Outcome run(Harness& h, const Planted& p, const char* kernel) {
  std::vector<void*> pointers(p.arguments.size());
  std::vector<int> numbers(p.arguments.size());
  std::vector<void*> arguments;
  for (size_t i = 0; i < p.arguments.size(); i++) {
    const PlantedArgument& a = p.arguments[i];
    if (!a.is_array) {
      numbers[i] = a.value;
      arguments.push_back(&numbers[i]);
      continue;
    }
    if (!a.is_set) {
      pointers[i] = h.allocate<float>(a.size).data();
    } else if (a.is_float) {
      pointers[i] = h.allocate(std::vector<float>(a.size, 1.0f)).data();
    } else {
      pointers[i] = h.allocate(std::vector<int>(a.size, 1)).data();
    }
    arguments.push_back(&pointers[i]);
  }
  return h.launch(kernel, {p.grid}, {p.block}, p.shared, arguments.data());
}

bool found(const Planted& p, const Outcome& o) {
  bool named = false;
  for (const std::string& kind : p.kinds) named |= o.kind.compare(0, kind.size(), kind) == 0;
  if (o.code != p.code || !named) return false;
  // "file.cu:1" is not to be found in "file.cu:12".
  if (p.place.empty()) return true;
  size_t at = o.message.find(p.place);
  return at != std::string::npos && !std::isdigit(static_cast<unsigned char>(o.message[at + p.place.size()]));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Planted p = read_planted(argv[2]);
  Harness h(argv[1]);
  int failures = 0;
  for (uint64_t seed = 0; seed <= SEEDS; seed++) {
    h.seed = seed;
    Outcome bug = run(h, p, "planted");
    if (seed == 0) std::printf("%d %s\n", bug.code, bug.message.c_str());
    if (!found(p, bug)) {
      std::printf("seed %lu: expected %d %s, at %s; got %d %s\n", static_cast<unsigned long>(seed), p.code, p.kinds[0].c_str(), p.place.c_str(), bug.code,
                  bug.message.c_str());
      failures++;
    }
    Outcome good = run(h, p, "correct");
    if (good.code != 0) {
      std::printf("seed %lu: false alarm: %s\n", static_cast<unsigned long>(seed), good.message.c_str());
      failures++;
    }
  }
  return failures == 0 ? 0 : 1;
}
