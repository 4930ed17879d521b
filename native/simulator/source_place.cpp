#include "source_place.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>

extern char** environ;

namespace gridstride {

namespace {

// Standard output of a command; empty if it cannot be run.
std::string output_of(const char* const* argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid;
  int error = posix_spawnp(&pid, argv[0], &actions, nullptr, const_cast<char**>(argv), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  if (error == 0) {
    char part[4096];
    for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0 || (n < 0 && errno == EINTR);) {
      if (n > 0) text.append(part, static_cast<size_t>(n));
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  close(ends[0]);
  return text;
}

bool of_the_dialect(const std::string& file) {
  for (const char* name : {"cuda_dialect.h", "cuda_atomics.h", "cuda_math.h", "cuda_types.h", "trampoline.h", "<simcc>", "utility"}) {
    if (file == name) return true;
  }
  return false;
}

// From the lines that addr2line -i prints, innermost first.
std::string read_lines(const std::string& lines) {
  std::string place;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find(" (discriminator"));
    line = line.substr(line.rfind('/') + 1);
    std::string file = line.substr(0, line.rfind(':'));
    if (file.empty() || file[0] == '?' || line.back() == '?' || of_the_dialect(file)) continue;
    place += (place.empty() ? "" : ", called from ") + line;
  }
  return place;
}

std::string by_addr2line(const Image& image, uintptr_t address) {
  // A descriptor of ours is none of the child's.
  std::string path = image.path;
  const std::string self = "/proc/self/";
  if (path.rfind(self, 0) == 0) path = "/proc/" + std::to_string(getpid()) + "/" + path.substr(self.size());
  char text[32];
  std::snprintf(text, sizeof text, "0x%zx", static_cast<size_t>(address - image.bias));
  const char* const argv[] = {"addr2line", "-i", "-e", path.c_str(), text, nullptr};
  return read_lines(output_of(argv));
}

std::string by_symbol(const Image& image, uintptr_t address) {
  char text[64];
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(address), &info) != 0 && info.dli_sname != nullptr) {
    std::snprintf(text, sizeof text, "+0x%zx", static_cast<size_t>(address - reinterpret_cast<uintptr_t>(info.dli_saddr)));
    return std::string(info.dli_sname) + text;
  }
  std::snprintf(text, sizeof text, "image+0x%zx", static_cast<size_t>(address - image.bias));
  return text;
}

std::map<uintptr_t, std::string> known;
unsigned known_image;  // id

}  // namespace

std::string source_place(const Image& image, const void* return_address) {
  auto address = reinterpret_cast<uintptr_t>(return_address) - 1;
  if (known_image != image.id) {
    known.clear();
    known_image = image.id;
  }
  auto found = known.find(address);
  if (found != known.end()) return found->second;
  std::string place = by_addr2line(image, address);
  if (place.empty()) place = by_symbol(image, address);
  return known[address] = place;
}

}  // namespace gridstride
