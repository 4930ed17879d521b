// Finds the later library and its functions.
#include "forward.h"

#include <dirent.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace gridstride::forward {

namespace {

std::mutex lock;
bool tried = false;
void* target = nullptr;
auto& problem = *new std::string;
auto& file = *new std::string;

constexpr const char* FOLDERS = "GRIDSTRIDE_CUDA_LIBRARIES";

// The folders that the user names; whatever this process has loaded or its linker finds; where CUDA installs.
std::vector<std::string> places() {
  std::vector<std::string> all;
  const char* named = std::getenv(FOLDERS);
  std::istringstream folders(named == nullptr ? "" : named);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty()) all.push_back(folder + "/" + TARGET);
  }
  all.push_back(TARGET);
  for (const char* folder : {"/usr/local/cuda/lib64/", "/usr/local/cuda-13/lib64/"}) {
    all.push_back(folder + std::string(TARGET));
  }
  return all;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/') + 1); }

// The target asks the linker for its companions by name, and finds those that are loaded already.
void open_companions(const std::string& folder) {
  DIR* files = folder.empty() ? nullptr : opendir(folder.c_str());
  if (files == nullptr) return;
  while (const dirent* entry = readdir(files)) {
    if (std::strncmp(entry->d_name, COMPANION, std::strlen(COMPANION)) != 0) continue;
    dlopen((folder + entry->d_name).c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  closedir(files);
}

// The file that the target's functions are in.
void find_file() {
  Dl_info info;
  for (size_t i = 0; file.empty() && NAMES[i] != nullptr; i++) {
    void* place = dlsym(target, NAMES[i]);
    if (place != nullptr && dladdr(place, &info) != 0 && info.dli_fname != nullptr) file = info.dli_fname;
  }
}

// With the lock held.
void open() {
  if (tried) return;
  tried = true;
  for (const std::string& place : places()) {
    open_companions(folder_of(place));
    target = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (target != nullptr) {
      find_file();
      open_companions(folder_of(file));
      return;
    }
    problem += (problem.empty() ? "" : "; ") + std::string(dlerror());
  }
  problem = std::string(OWN) + " of Gridstride passes calls on to " + TARGET + ", which cannot be opened (" + problem +
            "); install CUDA 13, or name the folder of its libraries with " + FOLDERS;
}

int unavailable() { return UNAVAILABLE; }
int missing_function() { return MISSING_FUNCTION; }
const char* no_text() { return "unknown: the library that would know is not there"; }

bool gives_text(const char* name) {
  for (const char* const* call = TEXT_CALLS; *call != nullptr; call++) {
    if (std::strcmp(*call, name) == 0) return true;
  }
  return false;
}

}  // namespace

}  // namespace gridstride::forward

using namespace gridstride::forward;

extern "C" __attribute__((visibility("hidden"))) void* gridstride_forward_resolve(size_t i) {
  std::lock_guard<std::mutex> hold(lock);
  bool first = !tried;
  open();
  void* place = target == nullptr ? nullptr : dlsym(target, NAMES[i]);
  if (place == nullptr) {
    if (target != nullptr) {
      std::fprintf(stderr, "gridstride: %s has no function %s, which was called\n", TARGET, NAMES[i]);
    } else if (first) {
      std::fprintf(stderr, "gridstride: %s\n", problem.c_str());
    }
    place = gives_text(NAMES[i]) ? reinterpret_cast<void*>(no_text)
            : target == nullptr  ? reinterpret_cast<void*>(unavailable)
                                 : reinterpret_cast<void*>(missing_function);
  }
  gridstride_forward_targets[i] = place;
  return place;
}

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED const char* gridstride_forward_problem() {
  std::lock_guard<std::mutex> hold(lock);
  open();
  return target == nullptr ? problem.c_str() : nullptr;
}

EXPORTED const char* gridstride_forward_target() {
  std::lock_guard<std::mutex> hold(lock);
  open();
  return file.empty() ? nullptr : file.c_str();
}
