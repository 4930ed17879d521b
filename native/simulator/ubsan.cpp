// What code compiled with -fsanitize=bounds-strict,alignment calls when a check of it has failed.

#include <cstdint>
#include <string>

#include "block.h"
#include "checker_hooks.h"

namespace {

using namespace gridstride;

// Layouts of GCC's and LLVM's runtimes.
struct Place {
  const char* file;
  uint32_t line, column;
};

struct Type {
  uint16_t kind, info;
  char name[1];  // in quotes
};

struct OutOfBounds {
  Place place;
  const Type* array;
  const Type* index;
};

struct TypeMismatch {
  Place place;
  const Type* type;
  unsigned char log_alignment, kind;
};

void out_of_bounds(const OutOfBounds* d, uintptr_t index, const void* pc) {
  if (!hooks::on) return;
  auto bits = static_cast<unsigned>(1u << (d->index->info >> 1));
  bool is_signed = (d->index->info & 1u) != 0;
  long long value = is_signed && bits == 32 ? static_cast<int32_t>(index) : static_cast<long long>(index);
  fail(700, block.current, pc, "array index out of bounds", "index %lld of an array %s", value, d->array->name);
}

void type_mismatch(const TypeMismatch* d, uintptr_t at, const void* pc) {
  if (!hooks::on) return;
  static const char* const verbs[] = {"reads", "writes", "binds a reference to", "calls a member of", "calls a member of", "calls a constructor of",
                                      "casts", "casts", "casts", "casts", "casts", "casts"};
  unsigned long alignment = 1ul << d->log_alignment;
  const char* verb = verbs[d->kind < 12 ? d->kind : 11];
  fail(716, block.current, pc, "misaligned address", "%s a %s at %p, which is not a multiple of %lu", verb, d->type->name, reinterpret_cast<void*>(at), alignment);
}

}  // namespace

#define CALL extern "C" __attribute__((visibility("default")))
#define HERE __builtin_return_address(0)

CALL void __ubsan_handle_out_of_bounds(void* data, uintptr_t index) { out_of_bounds(static_cast<OutOfBounds*>(data), index, HERE); }
CALL void __ubsan_handle_out_of_bounds_abort(void* data, uintptr_t index) { out_of_bounds(static_cast<OutOfBounds*>(data), index, HERE); }
CALL void __ubsan_handle_type_mismatch_v1(void* data, uintptr_t at) { type_mismatch(static_cast<TypeMismatch*>(data), at, HERE); }
CALL void __ubsan_handle_type_mismatch_v1_abort(void* data, uintptr_t at) { type_mismatch(static_cast<TypeMismatch*>(data), at, HERE); }
