// Modules: host images loaded from memory, their kernels and variables.
#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "executor.h"
#include "graph.h"
#include "work.h"

namespace gridstride {

namespace {

#if defined(__x86_64__)
constexpr unsigned MACHINE = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned MACHINE = EM_AARCH64;
#endif
constexpr unsigned MACHINE_CUDA = 190;
constexpr unsigned FATBIN_MAGIC = 0xBA55ED50;
constexpr size_t STATIC_AND_DYNAMIC_SHARED = 48 * 1024;  // without asking for more

const char* machine_name(unsigned machine) {
  return machine == EM_X86_64 ? "x86-64" : machine == EM_AARCH64 ? "aarch64" : "another machine";
}

// The size of an ELF file, from its header. The section table ends the files that linkers write.
size_t elf_bytes(const Elf64_Ehdr& h, const char* data) {
  size_t end = h.e_shoff + size_t{h.e_shnum} * h.e_shentsize;
  end = std::max<size_t>(end, h.e_phoff + size_t{h.e_phnum} * h.e_phentsize);
  const auto* program = reinterpret_cast<const Elf64_Phdr*>(data + h.e_phoff);
  for (unsigned i = 0; i < h.e_phnum; i++) end = std::max<size_t>(end, program[i].p_offset + program[i].p_filesz);
  return end;
}

// What is wrong with an image, before it is loaded.
const Elf64_Ehdr& judge(const void* data) {
  if (data == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the image is null");
  const auto* bytes = static_cast<const unsigned char*>(data);
  unsigned magic;
  std::memcpy(&magic, data, sizeof magic);
  if (magic == FATBIN_MAGIC) {
    fail(CUDA_ERROR_NO_BINARY_FOR_GPU,
         "the image is a fat binary for cards; the simulated device runs host images, made by simcc from the .cu file");
  }
  if (std::memcmp(bytes, ELFMAG, SELFMAG) != 0) {
    bool printable =
        std::all_of(bytes, bytes + 4, [](unsigned char c) { return c == '\n' || c == '\t' || (c >= ' ' && c < 127); });
    fail(CUDA_ERROR_INVALID_IMAGE, printable
                                       ? "the image is text (PTX?), not a host image; simcc makes one from the .cu file"
                                       : "the image is no ELF file; simcc makes host images from .cu files");
  }
  const auto& h = *static_cast<const Elf64_Ehdr*>(data);
  if (h.e_machine == MACHINE_CUDA) {
    fail(CUDA_ERROR_NO_BINARY_FOR_GPU,
         "the image is a cubin for cards; the simulated device runs host images, made by simcc from the .cu file");
  }
  if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != MACHINE) {
    fail(CUDA_ERROR_NO_BINARY_FOR_GPU, "the image is for %s (ELF machine %u), this machine is %s",
         machine_name(h.e_machine), h.e_machine, machine_name(MACHINE));
  }
  if (h.e_type != ET_DYN) fail(CUDA_ERROR_INVALID_IMAGE, "the image is an ELF file, but no shared library");
  return h;
}

// Images call back into this library: its symbols must be global, however it was loaded itself.
void become_global() {
  static bool done = [] {
    Dl_info self;
    if (dladdr(reinterpret_cast<void*>(&become_global), &self) != 0) {
      dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    }
    return true;
  }();
  (void)done;
}

unsigned round_up(unsigned v, unsigned to) { return (v + to - 1) / to * to; }

// Lays out the packed parameter buffer as nvcc does: each parameter at a multiple of its alignment.
std::unique_ptr<Function> make_function(Module& module, const GridstrideKernel& kernel) {
  auto f = std::make_unique<Function>();
  f->module = &module;
  f->kernel = &kernel;
  unsigned at = 0, largest = 1;
  for (int i = 0; i < kernel.parameters; i++) {
    unsigned align = kernel.align[i];
    largest = std::max(largest, align);
    at = round_up(at, align);
    f->offset.push_back(at);
    at += kernel.size[i];
  }
  f->packed = at;
  f->packed_padded = round_up(at, largest);
  f->static_shared = static_shared_bytes(module.handle, &kernel);
  f->max_dynamic_shared = STATIC_AND_DYNAMIC_SHARED - std::min(f->static_shared, STATIC_AND_DYNAMIC_SHARED);
  return f;
}

// The image's loaded variables are memory that kernels may use.
void adopt_segments(Module& module) {
  link_map* map = nullptr;
  if (dlinfo(module.handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return;
  const auto& h = *reinterpret_cast<const Elf64_Ehdr*>(module.image.data());
  const auto* program = reinterpret_cast<const Elf64_Phdr*>(module.image.data() + h.e_phoff);
  for (unsigned i = 0; i < h.e_phnum; i++) {
    if (program[i].p_type != PT_LOAD || (program[i].p_flags & PF_X) != 0 || program[i].p_memsz == 0) continue;
    const void* base = reinterpret_cast<const void*>(map->l_addr + program[i].p_vaddr);
    adopt(*module.context, base, program[i].p_memsz, MemoryKind::MODULE, "cuModuleLoadData");
    module.segments.push_back(base);
  }
}

struct Symbol {
  uintptr_t address = 0;
  size_t bytes = 0;
};

// A variable by name, also where it is not exported: from the symbol table of the image.
Symbol find_variable(const Module& module, const char* name) {
  link_map* map = nullptr;
  if (dlinfo(module.handle, RTLD_DI_LINKMAP, &map) != 0) return {};
  const char* data = module.image.data();
  const auto& h = *reinterpret_cast<const Elf64_Ehdr*>(data);
  if (h.e_shoff == 0 || h.e_shoff + size_t{h.e_shnum} * h.e_shentsize > module.image.size()) return {};
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(data + h.e_shoff);
  for (unsigned i = 0; i < h.e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB && sections[i].sh_type != SHT_DYNSYM) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(data + sections[i].sh_offset);
    const char* names = data + sections[sections[i].sh_link].sh_offset;
    for (size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); s++) {
      if (ELF64_ST_TYPE(symbols[s].st_info) == STT_OBJECT && symbols[s].st_shndx != SHN_UNDEF &&
          std::strcmp(names + symbols[s].st_name, name) == 0) {
        return {map->l_addr + symbols[s].st_value, symbols[s].st_size};
      }
    }
  }
  return {};
}

// Should something keep the image loaded (it may ask so itself), its file number must not come to name another.
void close_image(void* handle, int file) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  dlclose(handle);
  if (void* still = dlopen(path, RTLD_NOW | RTLD_NOLOAD)) {
    dlclose(still);
  } else {
    close(file);
  }
}

Module& load(Context& context, const void* data) {
  const Elf64_Ehdr& header = judge(data);
  size_t bytes = elf_bytes(header, static_cast<const char*>(data));
  auto module = std::make_unique<Module>();
  module->context = &context;
  module->image.assign(static_cast<const char*>(data), static_cast<const char*>(data) + bytes);
  module->file = memfd_create("gridstride-image", MFD_CLOEXEC);
  if (module->file < 0) fail(CUDA_ERROR_OPERATING_SYSTEM, "memfd_create: %s", std::strerror(errno));
  for (size_t at = 0; at < bytes;) {
    ssize_t n = write(module->file, module->image.data() + at, bytes - at);
    if (n <= 0) {
      close(module->file);
      fail(CUDA_ERROR_OPERATING_SYSTEM, "writing the image to memory: %s", std::strerror(errno));
    }
    at += static_cast<size_t>(n);
  }
  become_global();
  // The file stays open: the loader tells libraries apart by name as well, and a number used again would look the same.
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", module->file);
  module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module->handle == nullptr) {
    std::string why = dlerror();
    close(module->file);
    fail(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED, "loading the image: %s", why.c_str());
  }
  module->table = static_cast<const GridstrideKernel*>(dlsym(module->handle, "gridstride_image"));
  const int* checked = static_cast<const int*>(dlsym(module->handle, "gridstride_image_checked"));
  if (module->table == nullptr || checked == nullptr) {
    close_image(module->handle, module->file);
    fail(CUDA_ERROR_INVALID_IMAGE,
         "the shared library is no host image: it has no table of kernels; simcc makes images from .cu files");
  }
  module->checked = *checked != 0;
  if (module->checked) start_checking();
  for (const GridstrideKernel* k = module->table; k->name != nullptr; k++) {
    module->functions.push_back(make_function(*module, *k));
  }
  for (auto& f : module->functions) handle_made(f.get(), Handle::FUNCTION);
  Module& made = *module.release();
  adopt_segments(made);
  handle_made(&made, Handle::MODULE);
  context.modules.insert(&made);
  return made;
}

void tell(char* log, size_t room, const std::string& why) {
  if (log == nullptr || room == 0) return;
  size_t n = std::min(room - 1, why.size());
  std::memcpy(log, why.data(), n);
  log[n] = '\0';
}

void get_function(CUfunction* out, CUmodule handle, const char* name) {
  current();
  Module& module = checked_handle(handle, Handle::MODULE, "module");
  if (out == nullptr || name == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no name, or no place for the handle");
  std::string known;
  for (auto& f : module.functions) {
    if (std::strcmp(f->kernel->name, name) == 0) {
      *out = f.get();
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(f->kernel->name);
  }
  fail(CUDA_ERROR_NOT_FOUND, "no kernel %s in the image; it has: %s", name, known.empty() ? "none" : known.c_str());
}

}  // namespace

std::string Function::where() const {
  const char* file = std::strrchr(kernel->file, '/');
  return text("kernel %s (%s:%d)", kernel->name, file == nullptr ? kernel->file : file + 1, kernel->line);
}

void unload(Module& module) {
  run_all(module.context);
  for (const void* base : module.segments) disown(base);
  for (auto& f : module.functions) handle_gone(f.get());
  handle_gone(&module);
  module.context->modules.erase(&module);
  forget_image(module.handle);
  close_image(module.handle, module.file);
  delete &module;
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuModuleLoadData(CUmodule* out, const void* image) {
  CALL(MODULE)
  Context& context = current();
  *out = &load(context, image);
  END_CALL
}

CU_CALL cuModuleLoadDataEx(CUmodule* out, const void* image, unsigned options, int* option, void** value) {
  CALL(MODULE)
  enum { INFO_LOG = 3, INFO_BYTES = 4, ERROR_LOG = 5, ERROR_BYTES = 6 };
  Context& context = current();
  char *info = nullptr, *error = nullptr;
  void **info_room = nullptr, **error_room = nullptr;
  for (unsigned i = 0; i < options; i++) {
    if (option[i] == INFO_LOG) info = static_cast<char*>(value[i]);
    if (option[i] == INFO_BYTES) info_room = &value[i];
    if (option[i] == ERROR_LOG) error = static_cast<char*>(value[i]);
    if (option[i] == ERROR_BYTES) error_room = &value[i];
  }
  auto room = [](void** at) {
    return at == nullptr ? size_t{0} : static_cast<size_t>(static_cast<unsigned>(reinterpret_cast<uintptr_t>(*at)));
  };
  auto used = [](void** at, size_t bytes) {
    if (at != nullptr) *at = reinterpret_cast<void*>(bytes);
  };
  try {
    Module& module = load(context, image);
    std::string words =
        text("gridstride: host image with %zu kernels%s", module.functions.size(), module.checked ? ", checked" : "");
    tell(info, room(info_room), words);
    used(info_room, std::min(words.size(), room(info_room)));
    tell(error, room(error_room), "");
    used(error_room, 0);
    *out = &module;
  } catch (const Failure& failure) {
    tell(error, room(error_room), failure.message);
    used(error_room, std::min(failure.message.size(), room(error_room)));
    tell(info, room(info_room), "");
    used(info_room, 0);
    throw;
  }
  END_CALL
}

CU_CALL cuModuleLoadFatBinary(CUmodule* out, const void* image) { return cuModuleLoadData(out, image); }

CU_CALL cuModuleLoad(CUmodule* out, const char* path) {
  CALL(MODULE)
  Context& context = current();
  std::FILE* f = std::fopen(path, "rb");
  if (f == nullptr) fail(CUDA_ERROR_FILE_NOT_FOUND, "%s: %s", path, std::strerror(errno));
  std::vector<char> data;
  char part[65536];
  for (size_t n; (n = std::fread(part, 1, sizeof part, f)) > 0;) data.insert(data.end(), part, part + n);
  std::fclose(f);
  if (data.size() < sizeof(Elf64_Ehdr)) fail(CUDA_ERROR_INVALID_IMAGE, "%s has only %zu bytes", path, data.size());
  *out = &load(context, data.data());
  END_CALL
}

CU_CALL cuModuleUnload(CUmodule handle) {
  CALL(MODULE)
  Context& context = current();
  Module& module = checked_handle(handle, Handle::MODULE, "module");
  unload(module);
  context.check();
  END_CALL
}

CU_CALL cuModuleGetFunction(CUfunction* out, CUmodule handle, const char* name) {
  CALL(MODULE)
  get_function(out, handle, name);
  END_CALL
}

CU_CALL cuModuleGetFunctionCount(unsigned* out, CUmodule handle) {
  CALL(MODULE)
  current();
  *out = static_cast<unsigned>(checked_handle(handle, Handle::MODULE, "module").functions.size());
  END_CALL
}

CU_CALL cuModuleEnumerateFunctions(CUfunction* out, unsigned count, CUmodule handle) {
  CALL(MODULE)
  current();
  Module& module = checked_handle(handle, Handle::MODULE, "module");
  for (unsigned i = 0; i < count && i < module.functions.size(); i++) out[i] = module.functions[i].get();
  END_CALL
}

CU_CALL cuFuncGetName(const char** out, CUfunction handle) {
  CALL(MODULE)
  current();
  *out = checked_handle(handle, Handle::FUNCTION, "function").kernel->name;
  END_CALL
}

CU_CALL cuModuleGetGlobal_v2(CUdeviceptr* out, size_t* bytes, CUmodule handle, const char* name) {
  CALL(MODULE)
  current();
  Module& module = checked_handle(handle, Handle::MODULE, "module");
  Symbol s = find_variable(module, name);
  if (s.address == 0) fail(CUDA_ERROR_NOT_FOUND, "no variable %s in the image", name);
  if (out != nullptr) *out = s.address;
  if (bytes != nullptr) *bytes = s.bytes;
  END_CALL
}

CU_CALL cuModuleGetLoadingMode(int* out) {
  CALL(MODULE)
  *out = 1;  // eager
  END_CALL
}
