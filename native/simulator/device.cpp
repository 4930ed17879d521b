// Initialisation, versions, devices and their attributes.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace gridstride {

Settings settings;
bool initialised = false;

namespace {

auto& devices = *new std::vector<Device>;

// CUDA C++ Programming Guide, "Features and Technical Specifications per Compute Capability"; multiprocessors, clocks,
// bus and cache from the data sheets of T4, A100, A10, L40S, H100 SXM, B200 and RTX 5090.
constexpr Limits CARDS[] = {
    {7, 5, 40, 1024, 16, 65536, 65536, 1590000, 5001000, 256, 4194304},
    {8, 0, 108, 2048, 32, 167936, 166912, 1410000, 1593000, 5120, 41943040},
    {8, 6, 72, 1536, 16, 102400, 101376, 1695000, 6251000, 384, 6291456},
    {8, 9, 142, 1536, 24, 102400, 101376, 2520000, 9001000, 384, 100663296},
    {9, 0, 132, 2048, 32, 233472, 232448, 1980000, 2619000, 5120, 52428800},
    {10, 0, 148, 2048, 32, 233472, 232448, 1965000, 3996000, 8192, 132644864},
    {12, 0, 170, 1536, 24, 102400, 101376, 2407000, 14001000, 512, 100663296},
};

const char* card_name() {
  switch (limits().major * 10 + limits().minor) {
    case 75: return "T4";
    case 80: return "A100";
    case 86: return "A10";
    case 89: return "L40S";
    case 100: return "B200";
    case 120: return "RTX 5090";
    default: return "H100";
  }
}

int attribute(int which, const Device& device) {
  const Limits& l = limits();
  switch (which) {
    case 1: return 1024;  // MAX_THREADS_PER_BLOCK
    case 2: return 1024;  // MAX_BLOCK_DIM_X
    case 3: return 1024;
    case 4: return 64;
    case 5: return 2147483647;  // MAX_GRID_DIM_X
    case 6: return 65535;
    case 7: return 65535;
    case 8: return 49152;        // MAX_SHARED_MEMORY_PER_BLOCK
    case 9: return 65536;        // TOTAL_CONSTANT_MEMORY
    case 10: return 32;          // WARP_SIZE
    case 11: return 2147483647;  // MAX_PITCH
    case 12: return 65536;       // MAX_REGISTERS_PER_BLOCK
    case 13: return l.clock_khz;
    case 14: return 512;  // TEXTURE_ALIGNMENT
    case 15: return 1;    // GPU_OVERLAP
    case 16: return l.multiprocessors;
    case 17: return 0;                   // KERNEL_EXEC_TIMEOUT
    case 18: return 0;                   // INTEGRATED
    case 19: return 1;                   // CAN_MAP_HOST_MEMORY
    case 20: return 0;                   // COMPUTE_MODE
    case 30: return 512;                 // SURFACE_ALIGNMENT
    case 31: return 1;                   // CONCURRENT_KERNELS
    case 32: return 0;                   // ECC_ENABLED
    case 33: return device.ordinal + 1;  // PCI_BUS_ID
    case 34: return 0;
    case 35: return 0;  // TCC_DRIVER
    case 36: return l.memory_clock_khz;
    case 37: return l.bus_bits;
    case 38: return l.l2_bytes;
    case 39: return l.threads_per_multiprocessor;
    case 40: return 3;   // ASYNC_ENGINE_COUNT
    case 41: return 1;   // UNIFIED_ADDRESSING
    case 50: return 0;   // PCI_DOMAIN_ID
    case 51: return 32;  // TEXTURE_PITCH_ALIGNMENT
    case 75: return l.major;
    case 76: return l.minor;
    case 78: return 1;  // STREAM_PRIORITIES_SUPPORTED
    case 79: return 1;
    case 80: return 1;
    case 81: return l.shared_per_multiprocessor;
    case 82: return 65536;  // MAX_REGISTERS_PER_MULTIPROCESSOR
    case 83: return 1;      // MANAGED_MEMORY
    case 87: return l.major == 9 || l.minor == 0 ? 2 : 64;
    case 90: return 1;  // COMPUTE_PREEMPTION_SUPPORTED
    case 91: return 1;  // CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
    case 97: return l.shared_per_block_optin;
    case 99: return 1;  // HOST_REGISTER_SUPPORTED
    case 106: return l.blocks_per_multiprocessor;
    case 111: return l.major >= 8 ? 1024 : 0;  // RESERVED_SHARED_MEMORY_PER_BLOCK
    case 115: return 1;                        // MEMORY_POOLS_SUPPORTED
    default: break;
  }
  if (which > 0 && which < 148) {
    return 0;  // what the simulated device does not have: textures, surfaces, clusters, VMM
  }
  fail(CUDA_ERROR_INVALID_VALUE, "there is no device attribute %d", which);
}

}  // namespace

const Limits& limits() {
  for (const Limits& l : CARDS) {
    if (l.major == settings.major && l.minor == settings.minor) return l;
  }
  return CARDS[4];
}

bool known_capability(int major, int minor) {
  for (const Limits& l : CARDS) {
    if (l.major == major && l.minor == minor) return true;
  }
  return false;
}

Device& device_at(int ordinal) {
  if (!initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  if (ordinal < 0 || ordinal >= settings.devices) {
    fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d: the simulator has %d (setting `devices`)", ordinal,
         settings.devices);
  }
  devices.resize(static_cast<size_t>(settings.devices));
  devices[static_cast<size_t>(ordinal)].ordinal = ordinal;
  return devices[static_cast<size_t>(ordinal)];
}

void describe_device(int ordinal, char* out, size_t bytes) {
  if (settings.devices == 1) {
    std::snprintf(out, bytes, "Gridstride simulated device (%s limits)", card_name());
  } else {
    std::snprintf(out, bytes, "Gridstride simulated device %d (%s limits)", ordinal, card_name());
  }
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuInit(unsigned flags) {
  CALL(OTHER)
  if (flags != 0) fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0, not %u", flags);
  initialised = true;
  devices.reserve(64);  // devices keep their place
  if (settings.devices == 0) fail(CUDA_ERROR_NO_DEVICE, "the setting `devices` is 0");
  END_CALL
}

CU_CALL cuDriverGetVersion(int* out) {
  CALL(OTHER)
  if (out == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the place for the version is null");
  *out = settings.driver_version;
  END_CALL
}

CU_CALL cuDeviceGetCount(int* out) {
  CALL(OTHER)
  if (!initialised) fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
  *out = settings.devices;
  END_CALL
}

CU_CALL cuDeviceGet(CUdevice* out, int ordinal) {
  CALL(OTHER)
  *out = device_at(ordinal).ordinal;
  END_CALL
}

CU_CALL cuDeviceGetName(char* out, int bytes, CUdevice device) {
  CALL(OTHER)
  device_at(device);
  if (out == nullptr || bytes <= 0) fail(CUDA_ERROR_INVALID_VALUE, "no room for the name");
  describe_device(device, out, static_cast<size_t>(bytes));
  END_CALL
}

CU_CALL cuDeviceGetUuid(CUuuid* out, CUdevice device) {
  CALL(OTHER)
  device_at(device);
  std::memcpy(out->bytes, "gridstride-sim-", 15);
  out->bytes[15] = static_cast<char>('0' + device);
  END_CALL
}
CU_CALL cuDeviceGetUuid_v2(CUuuid* out, CUdevice device) { return cuDeviceGetUuid(out, device); }

CU_CALL cuDeviceTotalMem_v2(size_t* out, CUdevice device) {
  CALL(OTHER)
  device_at(device);
  *out = settings.memory;
  END_CALL
}

CU_CALL cuDeviceGetAttribute(int* out, int which, CUdevice device) {
  CALL(OTHER)
  *out = attribute(which, device_at(device));
  END_CALL
}

CU_CALL cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  CALL(OTHER)
  device_at(device);
  *major = limits().major;
  *minor = limits().minor;
  END_CALL
}

CU_CALL cuDeviceGetProperties(CUdevprop* out, CUdevice device) {
  CALL(OTHER)
  const Device& d = device_at(device);
  *out = {attribute(1, d),
          {attribute(2, d), attribute(3, d), attribute(4, d)},
          {attribute(5, d), attribute(6, d), attribute(7, d)},
          attribute(8, d),
          attribute(9, d),
          32,
          attribute(11, d),
          attribute(12, d),
          attribute(13, d),
          attribute(14, d)};
  END_CALL
}

CU_CALL cuDeviceGetPCIBusId(char* out, int bytes, CUdevice device) {
  CALL(OTHER)
  device_at(device);
  if (out == nullptr || bytes < 13) fail(CUDA_ERROR_INVALID_VALUE, "13 bytes are needed, got %d", bytes);
  std::snprintf(out, static_cast<size_t>(bytes), "0000:%02x:00.0", device + 1);
  END_CALL
}

CU_CALL cuDeviceGetByPCIBusId(CUdevice* out, const char* id) {
  CALL(OTHER)
  unsigned bus = 0;
  if (std::sscanf(id, "0000:%2x:00.0", &bus) != 1 || bus == 0) fail(CUDA_ERROR_INVALID_VALUE, "no device at %s", id);
  *out = device_at(static_cast<int>(bus) - 1).ordinal;
  END_CALL
}

CU_CALL cuDeviceCanAccessPeer(int* out, CUdevice device, CUdevice peer) {
  CALL(OTHER)
  device_at(device);
  device_at(peer);
  *out = 0;
  END_CALL
}

// Libraries that find the driver's functions by name (cuBLAS, the runtime) come through here.
CU_CALL cuGetProcAddress(const char* symbol, void** out, int version, uint64_t flags) {
  (void)version;
  (void)flags;
  Dl_info self;
  if (symbol == nullptr || out == nullptr || dladdr(reinterpret_cast<void*>(&cuInit), &self) == 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  void* library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return CUDA_ERROR_OPERATING_SYSTEM;
  *out = nullptr;
  for (const char* suffix : {"_v3", "_v2", ""}) {  // the newest version comes first
    *out = dlsym(library, (std::string(symbol) + suffix).c_str());
    if (*out != nullptr) break;
  }
  dlclose(library);
  return *out == nullptr ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}

CU_CALL cuGetProcAddress_v2(const char* symbol, void** out, int version, uint64_t flags, int* status) {
  int code = cuGetProcAddress(symbol, out, version, flags);
  if (status != nullptr) *status = code == CUDA_SUCCESS ? 0 : 1;
  return code == CUDA_ERROR_NOT_FOUND ? CUDA_SUCCESS : code;
}
