// The least that a test program needs.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>

namespace gridstride::test {

inline int failures = 0;

template <typename A, typename B>
void expect_equal(const char* file, int line, const char* what, const A& got, const B& expected) {
  if (got == expected) return;
  std::ostringstream text;
  text << what << ": expected " << expected << ", got " << got;
  std::printf("%s:%d: %s\n", file, line, text.str().c_str());
  failures++;
}

inline void expect_contains(const char* file, int line, const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return;
  std::printf("%s:%d: \"%s\" is not in \"%s\"\n", file, line, part.c_str(), text.c_str());
  failures++;
}

}  // namespace gridstride::test

#define EXPECT_EQUAL(got, expected) ::gridstride::test::expect_equal(__FILE__, __LINE__, #got, got, expected)
#define EXPECT_CONTAINS(text, part) ::gridstride::test::expect_contains(__FILE__, __LINE__, text, part)
