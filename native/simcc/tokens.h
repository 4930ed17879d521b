// Tokens of preprocessed C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gridstride::simcc {

struct Token {
  enum Kind { WORD, NUMBER, LITERAL, PUNCTUATION } kind;
  std::string_view text;
  size_t offset;  // in the source
  int file;       // index into Tokens::files
  int line;
  bool system;    // from a system header

  bool is(std::string_view what) const { return text == what; }
};

struct Tokens {
  std::vector<Token> all;
  std::vector<std::string> files;

  std::string place(const Token& t) const { return files[static_cast<size_t>(t.file)] + ":" + std::to_string(t.line); }
};

// Punctuation comes character by character. `source` has to outlive the tokens.
Tokens scan(const std::string& source);

}  // namespace gridstride::simcc
