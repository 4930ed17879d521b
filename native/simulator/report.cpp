// The words of an error: kernel, kind, details, block, thread, place.

#include <cstdio>
#include <string_view>

#include "block.h"
#include "source_place.h"

namespace gridstride {

std::string name_of(const Thread& thread) {
  char text[48];
  std::snprintf(text, sizeof text, "thread (%u,%u,%u)", thread.index.x, thread.index.y, thread.index.z);
  return text;
}

std::string name_of_block(uint64_t linear) {
  const Extent& g = block.launch->grid;
  char text[64];
  std::snprintf(text, sizeof text, "block (%u,%u,%u)", static_cast<unsigned>(linear % g.x), static_cast<unsigned>(linear / g.x % g.y),
                static_cast<unsigned>(linear / g.x / g.y));
  return text;
}

Outcome postponed;

namespace {

Outcome compose(int code, const Thread* who, const void* pc, const char* kind, const char* format, va_list arguments) {
  char details[1024];
  std::vsnprintf(details, sizeof details, format, arguments);
  std::string message = std::string("kernel ") + block.launch->kernel->name + ": " + kind + ": " + details + "; " + name_of_block(block.linear);
  if (who != nullptr) message += ", " + name_of(*who);
  if (pc != nullptr) message += ", at " + source_place(*block.image, pc);
  return {code, kind, message};
}

}  // namespace

Outcome failure(int code, const Thread* who, const void* pc, const char* kind, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  Outcome outcome = compose(code, who, pc, kind, format, arguments);
  va_end(arguments);
  return outcome;
}

void fail(int code, const Thread* who, const void* pc, const char* kind, const char* format, ...) {
  bool race = std::string_view(kind).find("race") != std::string_view::npos;
  if (postponed.code != 0 && !race) abandon(postponed);
  va_list arguments;
  va_start(arguments, format);
  Outcome outcome = compose(code, who, pc, kind, format, arguments);
  va_end(arguments);
  abandon(std::move(outcome));
}

}  // namespace gridstride
