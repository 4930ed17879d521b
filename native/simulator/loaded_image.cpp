#include "loaded_image.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

#include "executor.h"

namespace gridstride {

namespace {

std::map<void*, std::unique_ptr<Image>> images;

struct Segments {
  uintptr_t inside;  // an address of the image that is looked for
  uintptr_t bias = 0, low = 0, high = 0;
  uintptr_t tls = 0;
  size_t tls_bytes = 0;
};

int find_segments(dl_phdr_info* info, size_t, void* data) {
  auto* s = static_cast<Segments*>(data);
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& p = info->dlpi_phdr[i];
    if (p.p_type != PT_LOAD) continue;
    low = std::min<uintptr_t>(low, info->dlpi_addr + p.p_vaddr);
    high = std::max<uintptr_t>(high, info->dlpi_addr + p.p_vaddr + p.p_memsz);
  }
  if (s->inside < low || s->inside >= high) return 0;
  s->bias = info->dlpi_addr;
  s->low = low;
  s->high = high;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& p = info->dlpi_phdr[i];
    if (p.p_type != PT_TLS) continue;
    s->tls = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
    s->tls_bytes = p.p_memsz;
  }
  return 1;
}

// Reads <length><identifier> at *at; empty if there is none.
std::string identifier(const std::string& symbol, size_t* at) {
  size_t digits = 0, length = 0;
  while (*at + digits < symbol.size() && std::isdigit(static_cast<unsigned char>(symbol[*at + digits]))) {
    length = length * 10 + static_cast<size_t>(symbol[*at + digits] - '0');
    digits++;
  }
  if (digits == 0 || *at + digits + length > symbol.size()) return "";
  std::string name = symbol.substr(*at + digits, length);
  *at += digits + length;
  return name;
}

// "6kernelPfi" and "N4deep6kernelEPfi" are `kernel`; a name of C linkage is itself.
std::string function_name(const std::string& encoding) {
  size_t at = 0;
  bool nested = encoding[at] == 'N';
  if (nested) at++;
  std::string name;
  do {
    if (at < encoding.size() && encoding[at] == 'L') at++;  // internal linkage
    std::string part = identifier(encoding, &at);
    if (part.empty()) break;
    name = part;
  } while (nested && at < encoding.size() && encoding[at] != 'E');
  return name.empty() ? encoding : name;
}

// "_ZZ6kernelE4tile" is `tile` within `kernel`; "_ZL4tile" and "tile" stand at namespace scope.
void name_shared(const std::string& symbol, SharedVariable* v) {
  v->name = symbol;
  if (symbol.rfind("_ZZ", 0) == 0) {
    // The last E before <length><identifier> ends the function.
    for (size_t i = symbol.size() - 1; i > 3; i--) {
      if (symbol[i] != 'E') continue;
      size_t at = i + 1;
      std::string name = identifier(symbol, &at);
      if (name.empty()) continue;
      v->name = name;
      v->function = function_name(symbol.substr(3, i - 3));
      return;
    }
  } else if (symbol.rfind("_ZL", 0) == 0) {
    size_t at = 3;
    std::string name = identifier(symbol, &at);
    if (!name.empty()) v->name = name;
  }
}

std::vector<SharedVariable> read_shared(const std::string& path) {
  std::vector<SharedVariable> found;
  std::ifstream in(path, std::ios::binary);
  std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (file.size() < sizeof(ElfW(Ehdr))) return found;
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(file.data());
  if (header->e_shoff + static_cast<size_t>(header->e_shnum) * sizeof(ElfW(Shdr)) > file.size()) return found;
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(file.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(file.data() + sections[i].sh_offset);
    const char* names = file.data() + sections[sections[i].sh_link].sh_offset;
    for (size_t s = 0; s < sections[i].sh_size / sizeof(ElfW(Sym)); s++) {
      if (ELF64_ST_TYPE(symbols[s].st_info) != STT_TLS || symbols[s].st_shndx == SHN_UNDEF) continue;
      std::string name = names + symbols[s].st_name;
      if (name.rfind("gridstride_", 0) == 0) continue;
      SharedVariable v{"", "", symbols[s].st_value, symbols[s].st_size};
      name_shared(name, &v);
      found.push_back(v);
    }
  }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.offset < b.offset; });
  return found;
}

}  // namespace

Image* image_of(void* handle) {
  auto known = images.find(handle);
  if (known != images.end()) return known->second.get();
  auto image = std::make_unique<Image>();
  static unsigned last_id = 0;
  image->id = ++last_id;
  image->handle = handle;
  image->kernels = static_cast<const GridstrideKernel*>(dlsym(handle, "gridstride_image"));
  const auto* checked = static_cast<const int*>(dlsym(handle, "gridstride_image_checked"));
  image->locate = reinterpret_cast<GridstrideShared*>(dlsym(handle, "gridstride_image_shared"));
  if (image->kernels == nullptr || checked == nullptr || image->locate == nullptr) {
    throw std::runtime_error("not a host image of simcc");
  }
  image->checked = *checked != 0;
  GridstrideSharedPlace place{};
  image->locate(&place);  // has the thread-local block made
  Segments segments{reinterpret_cast<uintptr_t>(image->kernels)};
  dl_iterate_phdr(find_segments, &segments);
  image->bias = segments.bias;
  image->low = segments.low;
  image->high = segments.high;
  // The name that dlopen was given can be /proc/self/fd/N: still open, or the file is not there.
  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr) image->path = map->l_name;
  if (segments.tls != 0 && place.anchor != nullptr) {
    image->static_offset = static_cast<ptrdiff_t>(segments.tls - reinterpret_cast<uintptr_t>(place.anchor));
    image->static_bytes = segments.tls_bytes;
    image->shared = read_shared(image->path);
  }
  return images.emplace(handle, std::move(image)).first->second.get();
}

std::vector<SharedVariable> shared_of(const Image& image, const GridstrideKernel& kernel) {
  std::vector<SharedVariable> found;
  for (const SharedVariable& v : image.shared) {
    bool others = false;
    for (const GridstrideKernel* k = image.kernels; k->name != nullptr; k++) others |= k != &kernel && v.function == k->name;
    if (!others) found.push_back(v);
  }
  return found;
}

size_t static_shared_bytes(void* handle, const GridstrideKernel* kernel) {
  size_t bytes = 0;
  for (const SharedVariable& v : shared_of(*image_of(handle), *kernel)) {
    if (v.function.empty() || v.function == kernel->name) bytes += v.bytes;
  }
  return bytes;
}

void forget_image(void* handle) { images.erase(handle); }

}  // namespace gridstride
