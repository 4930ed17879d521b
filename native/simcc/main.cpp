// simcc: compiles a .cu file for the simulated device.
//
//   simcc [--checked | --asan] [-I DIR] [-D NAME[=VALUE]] [-O2] [-f... -m... -W...] -o out.so in.cu
//
// Runs ${CXX:-g++}: first as a preprocessor, then, after the CUDA words have been translated, as a
// compiler. Prints the compiler's own words and exits with 1 if the file does not compile.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "translate.h"

extern char** environ;

namespace {

using gridstride::simcc::Flavour;
using Words = std::vector<std::string>;

const char USAGE[] =
    "usage: simcc [--checked | --asan] [-I DIR] [-D NAME[=VALUE]] [-O2] [-f... -m... -W...] -o out.so in.cu\n"
    "  --checked  with the checker's instrumentation: bounds, races, barriers, unset memory\n"
    "  --asan     for a process that has AddressSanitizer preloaded\n";

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "simcc: %s\n", what.c_str());
  std::exit(2);
}

struct Options {
  Flavour flavour = Flavour::PLAIN;
  Words preprocessor, compiler;
  std::string optimise = "-O2";
  std::string in, out;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; i++) {
    std::string a = argv[i];
    auto value = [&]() -> std::string {
      if (i + 1 >= argc) give_up(a + " needs a value");
      return argv[++i];
    };
    if (a == "--help" || a == "-h") {
      std::fputs(USAGE, stdout);
      std::exit(0);
    } else if (a == "--checked") {
      o.flavour = Flavour::CHECKED;
    } else if (a == "--asan") {
      o.flavour = Flavour::ADDRESS_SANITIZER;
    } else if (a == "-o") {
      o.out = value();
    } else if (a == "-I" || a == "-D" || a == "-U" || a == "-isystem" || a == "-include") {
      o.preprocessor.push_back(a);
      o.preprocessor.push_back(value());
    } else if (a.rfind("-I", 0) == 0 || a.rfind("-D", 0) == 0 || a.rfind("-U", 0) == 0) {
      o.preprocessor.push_back(a);
    } else if (a.rfind("-O", 0) == 0) {
      o.optimise = a;
    } else if (a.rfind("-std=", 0) == 0 || a.rfind("-f", 0) == 0 || a.rfind("-m", 0) == 0 || a.rfind("-W", 0) == 0) {
      o.preprocessor.push_back(a);
      o.compiler.push_back(a);
    } else if (!a.empty() && a[0] == '-') {
      give_up("unknown option " + a + "\n" + USAGE);
    } else if (o.in.empty()) {
      o.in = a;
    } else {
      give_up("one file at a time: " + o.in + ", " + a);
    }
  }
  if (o.in.empty() || o.out.empty()) {
    std::fputs(USAGE, stderr);
    std::exit(2);
  }
  return o;
}

// Where cuda_dialect.h lies: include/ beside this program, or in the source tree.
std::string include_directory() {
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  std::string here = n > 0 ? std::string(self, static_cast<size_t>(n)) : ".";
  here = here.substr(0, here.rfind('/'));
  Words places;
  if (const char* set = std::getenv("GRIDSTRIDE_INCLUDE")) places.emplace_back(set);
  places.push_back(here + "/include");
  places.push_back(here + "/../simulator/include");
  for (const std::string& place : places) {
    if (access((place + "/cuda_dialect.h").c_str(), R_OK) == 0) return place;
  }
  give_up("cuda_dialect.h is not in " + places.front() + "; set GRIDSTRIDE_INCLUDE to its directory");
}

Words compiler_command() {
  const char* set = std::getenv("CXX");
  std::istringstream words(set != nullptr && *set != 0 ? set : "g++");
  return Words(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
}

void append(Words& to, const Words& from) { to.insert(to.end(), from.begin(), from.end()); }

// Exit status of the command.
int run(const Words& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid;
  int error = posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
  if (error != 0) give_up("cannot run " + command[0] + ": " + std::strerror(error) + " (the simulated device compiles kernels with it; set CXX to another)");
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) give_up(std::string("waitpid: ") + std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Scratch {
  std::string path;
  Scratch() {
    const char* tmp = std::getenv("TMPDIR");
    path = std::string(tmp != nullptr && *tmp != 0 ? tmp : "/tmp") + "/simcc-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) give_up("cannot make a directory like " + path + ": " + std::strerror(errno));
  }
  ~Scratch() {
    for (const char* name : {"/in.ii", "/out.ii", "/out.o", "/out.so"}) unlink((path + name).c_str());
    rmdir(path.c_str());
  }
};

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

int compile(const Options& o) {
  if (access(o.in.c_str(), R_OK) != 0) give_up("cannot read " + o.in + ": " + std::strerror(errno));
  Scratch scratch;
  std::string include = include_directory();
  bool checked = o.flavour == Flavour::CHECKED;
  bool has_standard = false;
  for (const std::string& word : o.compiler) has_standard |= word.rfind("-std=", 0) == 0;

  Words preprocess = compiler_command();
  append(preprocess, {"-E", "-x", "c++", "-DGRIDSTRIDE_SIMULATOR=1", "-isystem", include, "-include", "cuda_dialect.h"});
  if (!has_standard) preprocess.push_back("-std=gnu++17");
  if (checked) preprocess.push_back("-DGRIDSTRIDE_CHECKED=1");
  if (o.flavour == Flavour::ADDRESS_SANITIZER) preprocess.push_back("-DGRIDSTRIDE_ASAN=1");
  append(preprocess, o.preprocessor);
  append(preprocess, {o.optimise, "-o", scratch.path + "/in.ii", o.in});
  if (run(preprocess) != 0) return 1;

  std::string source = read(scratch.path + "/in.ii");
  gridstride::simcc::Translation translation;
  try {
    translation = gridstride::simcc::translate(source, o.flavour);
  } catch (const gridstride::simcc::TranslationError& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  for (const std::string& note : translation.notes) std::fprintf(stderr, "%s\n", note.c_str());
  if (translation.kernels.empty()) {
    std::fprintf(stderr, "%s: error: no __global__ function in this file\n", o.in.c_str());
    return 1;
  }
  std::ofstream(scratch.path + "/out.ii", std::ios::binary) << translation.text;

  Words command = compiler_command();
  append(command, {"-c", "-fPIC", "-g", o.optimise, "-fvisibility=hidden", "-fno-gnu-unique", "-fno-strict-aliasing", "-fno-math-errno", "-fno-trapping-math", "-fno-plt", "-fstack-clash-protection",
                   // calls of the device have to return to where they stand in the source
                   "-fno-optimize-sibling-calls"});
  if (!has_standard) command.push_back("-std=gnu++17");
  if (checked) {
    // Each access is to be seen once, where it is written: no vectors or memset made from loops, no
    // loads before their time.
    append(command, {"-fsanitize=thread,bounds-strict,alignment", "--param=tsan-instrument-func-entry-exit=0", "-fno-tree-vectorize",
                     "-fno-tree-slp-vectorize", "-fno-tree-loop-distribute-patterns", "-fno-tree-loop-im", "-fno-tree-pre", "-fno-tree-sra", "-fno-partial-inlining", "-fno-code-hoisting",
                     "-fno-hoist-adjacent-loads"});
  } else if (o.flavour == Flavour::ADDRESS_SANITIZER) {
    append(command, {"-fsanitize=address", "-fno-omit-frame-pointer"});
  }
  append(command, o.compiler);
  append(command, {"-o", scratch.path + "/out.o", scratch.path + "/out.ii"});
  if (run(command) != 0) return 1;

  Words link = compiler_command();
  append(link, {"-shared", "-o", o.out, scratch.path + "/out.o"});
  return run(link) != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) { return compile(parse(argc, argv)); }
