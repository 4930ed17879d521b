#include "tokens.h"

#include <cctype>
#include <map>

namespace gridstride::simcc {

namespace {

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || (c & 0x80) != 0; }
bool in_word(char c) { return starts_word(c) || std::isdigit(static_cast<unsigned char>(c)); }

class Scanner {
 public:
  explicit Scanner(const std::string& source) : s_(source) {}

  Tokens run() {
    tokens_.files.push_back("<input>");
    while (at_ < s_.size()) step();
    return std::move(tokens_);
  }

 private:
  void step() {
    char c = s_[at_];
    if (c == '\n') {
      line_++;
      at_++;
      line_start_ = true;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      at_++;
    } else if (c == '#' && line_start_) {
      marker();
    } else if (starts_word(c)) {
      word();
    } else if (std::isdigit(static_cast<unsigned char>(c)) || (c == '.' && at_ + 1 < s_.size() && std::isdigit(static_cast<unsigned char>(s_[at_ + 1])))) {
      number();
    } else if (c == '"' || c == '\'') {
      literal(at_);
    } else {
      add(Token::PUNCTUATION, at_, at_ + 1);
    }
  }

  void add(Token::Kind kind, size_t from, size_t to) {
    tokens_.all.push_back({kind, std::string_view(s_).substr(from, to - from), from, file_, line_, system_});
    at_ = to;
    line_start_ = false;
  }

  // # 12 "file" 1 3, or a pragma
  void marker() {
    size_t end = s_.find('\n', at_);
    if (end == std::string::npos) end = s_.size();
    size_t i = at_ + 1;
    while (i < end && s_[i] == ' ') i++;
    if (i < end && std::isdigit(static_cast<unsigned char>(s_[i]))) {
      size_t digits;
      line_ = std::stoi(s_.substr(i, end - i), &digits) - 1;  // the newline adds one
      size_t open = s_.find('"', i), close = s_.rfind('"', end);
      if (open < end && close > open) {
        std::string name = s_.substr(open + 1, close - open - 1);
        auto known = files_.emplace(name, static_cast<int>(tokens_.files.size()));
        if (known.second) tokens_.files.push_back(name);
        file_ = known.first->second;
        system_ = s_.substr(close, end - close).find('3') != std::string::npos;
      }
    }
    at_ = end;
  }

  void word() {
    size_t end = at_;
    while (end < s_.size() && in_word(s_[end])) end++;
    std::string_view text = std::string_view(s_).substr(at_, end - at_);
    bool prefix = text == "L" || text == "u" || text == "U" || text == "u8" || text == "R" || text == "LR" || text == "uR" || text == "UR" || text == "u8R";
    if (prefix && end < s_.size() && (s_[end] == '"' || (s_[end] == '\'' && text.back() != 'R'))) {
      text.back() == 'R' ? raw_literal(end) : literal(end);
      return;
    }
    add(Token::WORD, at_, end);
  }

  void number() {
    size_t end = at_ + 1;
    while (end < s_.size()) {
      char c = s_[end], before = s_[end - 1];
      bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E' || before == 'p' || before == 'P');
      bool separator = c == '\'' && end + 1 < s_.size() && in_word(s_[end + 1]);
      if (!in_word(c) && c != '.' && !sign && !separator) break;
      end++;
    }
    add(Token::NUMBER, at_, end);
  }

  void literal(size_t quote) {
    size_t end = quote + 1;
    while (end < s_.size() && s_[end] != s_[quote] && s_[end] != '\n') end += s_[end] == '\\' ? 2 : 1;
    add(Token::LITERAL, at_, end < s_.size() ? end + 1 : s_.size());
  }

  void raw_literal(size_t quote) {
    size_t open = s_.find('(', quote);
    if (open == std::string::npos) return literal(quote);
    std::string close = ")" + s_.substr(quote + 1, open - quote - 1) + "\"";
    size_t end = s_.find(close, open);
    end = end == std::string::npos ? s_.size() : end + close.size();
    int lines = 0;
    for (size_t i = at_; i < end; i++) lines += s_[i] == '\n';
    add(Token::LITERAL, at_, end);
    line_ += lines;
  }

  const std::string& s_;
  Tokens tokens_;
  std::map<std::string, int> files_;
  size_t at_ = 0;
  int file_ = 0;
  int line_ = 1;
  bool system_ = false;
  bool line_start_ = true;
};

}  // namespace

Tokens scan(const std::string& source) { return Scanner(source).run(); }

}  // namespace gridstride::simcc
