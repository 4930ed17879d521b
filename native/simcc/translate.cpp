#include "translate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tokens.h"

namespace gridstride::simcc {

namespace {

// The most that a block can have on any card.
constexpr int DYNAMIC_CAPACITY = 228 * 1024;

struct Kernel {
  std::string name;
  std::string qualified;  // with its namespaces
  std::string bounds;     // name of the constant that holds __launch_bounds__; empty if there are none
  std::string file;
  int line;
};

class Translator {
 public:
  Translator(const std::string& source, Flavour flavour) : source_(source), flavour_(flavour), tokens_(scan(source)), t_(tokens_.all) {}

  Translation run() {
    for (i_ = 0; i_ < t_.size(); i_++) step();
    finish();
    return std::move(out_);
  }

 private:
  void step() {
    const Token& t = t_[i_];
    if (t.kind == Token::PUNCTUATION) {
      punctuation(t);
      return;
    }
    if (t.kind != Token::WORD) return;
    if (t.is("namespace") && at_namespace_scope()) {
      open_namespace();
    } else if (t.is("__global__")) {
      kernel();
    } else if (t.is("__launch_bounds__") || t.is("__maxnreg__")) {
      if (replaced_.count(t.offset) == 0) launch_bounds(i_);
    } else if (t.is("__cluster_dims__")) {
      error(t, "the simulated device has no thread block clusters");
    } else if (t.is("__shared__")) {
      shared();
    } else if (t.is("__device__") || t.is("__constant__") || t.is("__managed__")) {
      replace(i_, is_variable() ? "__attribute__((visibility(\"default\"), used))" : "");
    } else if (t.is("__noinline__") && !t.system) {
      replace(i_, "__attribute__((noinline))");
    } else if ((t.is("asm") || t.is("__asm__") || t.is("__asm")) && !t.system) {
      inline_assembly();
    }
  }

  void punctuation(const Token& t) {
    char c = t.text[0];
    if (c == '{') {
      scopes_.push_back({Scope::OTHER, ""});
      begin_ = i_ + 1;
    } else if (c == '}') {
      if (!scopes_.empty()) scopes_.pop_back();
      begin_ = i_ + 1;
      if (body_depth_ == scopes_.size() && in_body_) {
        insert(i_ + 1, after_body_);
        in_body_ = false;
      }
    } else if (c == ';') {
      begin_ = i_ + 1;
    } else if (c == '<' && adjacent('<', 3) && !t.system) {
      error(t, "a launch with <<<...>>> is host code: launch the kernel from Java");
    }
  }

  // ---- Scopes ----

  struct Scope {
    enum Kind { NAMESPACE, LINKAGE, OTHER } kind;
    std::string name;
  };

  bool at_namespace_scope() const {
    return std::all_of(scopes_.begin(), scopes_.end(), [](const Scope& s) { return s.kind != Scope::OTHER; });
  }

  // namespace a::b {, namespace {, inline namespace v1 {; not namespace a = b;
  void open_namespace() {
    size_t j = i_ + 1;
    std::string name;
    while (j < t_.size() && !t_[j].is("{") && !t_[j].is(";") && !t_[j].is("=")) {
      if (t_[j].is("__attribute__")) {
        j = after_parentheses(j + 1);
        continue;
      }
      name += t_[j].text;
      j++;
    }
    if (j >= t_.size() || !t_[j].is("{")) return;
    scopes_.push_back({Scope::NAMESPACE, name});
    i_ = j;
    begin_ = j + 1;
  }

  std::string qualified(const std::string& name) const {
    std::string q;
    for (const Scope& s : scopes_) {
      if (s.kind == Scope::NAMESPACE && !s.name.empty()) q += s.name + "::";
    }
    return q + name;
  }

  // ---- Kernels ----

  void kernel() {
    const Token& at = t_[i_];
    replace(i_, "");
    bool is_template = false;
    for (size_t j = begin_; j < i_; j++) is_template |= t_[j].is("template");
    size_t j = i_ + 1;
    while (j + 1 < t_.size() && !(t_[j].kind == Token::WORD && (t_[j + 1].is("(") || (is_template && t_[j + 1].is("<"))) && !t_[j].is("__launch_bounds__") &&
                                  !t_[j].is("__attribute__") && !t_[j].is("__maxnreg__"))) {
      if (t_[j].is("__launch_bounds__") || t_[j].is("__maxnreg__")) {
        j = launch_bounds(j);
      } else if (t_[j].is("__attribute__")) {
        j = after_parentheses(j + 1);
      } else if (t_[j].is(";") || t_[j].is("{")) {
        error(at, "__global__ is not followed by a function");
      } else {
        j++;
      }
    }
    if (j + 1 >= t_.size()) error(at, "__global__ is not followed by a function");
    std::string bounds = std::exchange(bounds_, "");
    std::string name(t_[j].text);
    if (is_template) {
      out_.notes.push_back(tokens_.place(t_[j]) + ": note: kernel " + name + " is a template and cannot be launched by name; make it a __device__ function that kernels call");
      return;
    }
    size_t end = after_parentheses(j + 1);
    if (end >= t_.size() || !t_[end].is("{")) return;  // a declaration
    if (!at_namespace_scope()) error(at, "a kernel cannot be a member of a class");
    Kernel k{name, qualified(name), "", tokens_.files[static_cast<size_t>(t_[j].file)], t_[j].line};
    for (const Kernel& other : kernels_) {
      if (other.name == name) error(t_[j], "two kernels are called " + name + "; they are found by their plain name");
    }
    after_body_.clear();
    if (!bounds.empty()) {
      std::string constant = "gridstride_bounds_" + std::to_string(kernels_.size());
      after_body_ = " static constexpr int " + constant + " = static_cast<int>(" + bounds + ");";
      k.bounds = qualified(constant);
    }
    kernels_.push_back(k);
    in_body_ = true;
    body_depth_ = scopes_.size();
  }

  // Takes __launch_bounds__(a, b) out of the text; returns the token after it.
  size_t launch_bounds(size_t j) {
    size_t end = after_parentheses(j + 1);
    if (t_[j].is("__launch_bounds__") && end > j + 2) {
      size_t stop = j + 2;
      for (int depth = 0; stop < end - 1; stop++) {
        if (t_[stop].is("(") || t_[stop].is("[") || t_[stop].is("{")) depth++;
        if (t_[stop].is(")") || t_[stop].is("]") || t_[stop].is("}")) depth--;
        if (depth == 0 && t_[stop].is(",")) break;
      }
      bounds_.clear();
      for (size_t k = j + 2; k < stop; k++) {
        if (k > j + 2 && t_[k].offset != t_[k - 1].offset + t_[k - 1].text.size()) bounds_ += ' ';
        bounds_ += t_[k].text;
      }
    }
    for (size_t k = j; k < end; k++) replace(k, "");
    return end;
  }

  size_t after_parentheses(size_t open) const {
    int depth = 0;
    for (size_t j = open; j < t_.size(); j++) {
      if (t_[j].is("(")) depth++;
      if (t_[j].is(")") && --depth == 0) return j + 1;
    }
    return t_.size();
  }

  // ---- Variables ----

  // Whether the declaration at hand, at namespace scope, is of a variable that others may see.
  bool is_variable() const {
    if (!at_namespace_scope()) return false;
    for (size_t j = begin_; j < i_; j++) {
      if (t_[j].is("static") || t_[j].is("template") || t_[j].is("constexpr") || t_[j].is("const")) return false;
      if (t_[j].is("__device__") || t_[j].is("__constant__") || t_[j].is("__managed__")) return false;  // marked already
    }
    for (size_t j = i_ + 1; j < t_.size(); j++) {
      const Token& t = t_[j];
      if (t.is("__attribute__") || t.is("alignas") || t.is("decltype")) {
        j = after_parentheses(j + 1) - 1;
        continue;
      }
      if (t.is("static") || t.is("constexpr") || t.is("const") || t.is("struct") || t.is("class") || t.is("operator")) return false;
      if (t.is("(")) return false;
      if (t.is(";") || t.is("=") || t.is("[") || t.is("{")) return true;
    }
    return false;
  }

  void shared() {
    bool is_extern = false;
    for (size_t j = begin_; j < i_; j++) is_extern |= t_[j].is("extern");
    size_t end = i_ + 1;
    for (int depth = 0; end < t_.size(); end++) {
      const Token& t = t_[end];
      if (t.is("(") || t.is("[") || t.is("{")) depth++;
      if (t.is(")") || t.is("]") || t.is("}")) depth--;
      if (t.is("extern") && depth == 0) is_extern = true;
      if (depth == 0 && t.is(";")) break;
      if (depth == 0 && t.is("=") ) error(t_[i_], "a __shared__ variable cannot be initialised");
    }
    for (size_t j = begin_; j < end; j++) {
      if (t_[j].is("static") || t_[j].is("extern")) replace(j, "");
    }
    bool local = flavour_ != Flavour::ADDRESS_SANITIZER;
    if (!is_extern) {
      replace(i_, local ? "static thread_local" : "static");
      return;
    }
    // Every `extern __shared__` array is the same memory.
    dynamic_ = true;
    replace(i_, "");
    insert(begin_, std::string(" extern ") + (local ? "__thread " : "") + "__attribute__((visibility(\"hidden\"))) ");
    int depth = 0;
    for (size_t j = i_ + 1; j <= end && j < t_.size(); j++) {
      const Token& t = t_[j];
      if (t.is("(") || t.is("[") || t.is("<")) depth++;
      if (t.is(")") || t.is("]") || t.is(">")) depth--;
      if (depth == 0 && (t.is(",") || t.is(";"))) insert(j, " __asm__(\"gridstride_dynamic_shared\")");
    }
  }

  // ---- What cannot run ----

  void inline_assembly() {
    size_t j = i_ + 1;
    while (j < t_.size() && (t_[j].is("volatile") || t_[j].is("__volatile__"))) j++;
    bool empty = j + 1 < t_.size() && t_[j].is("(") && t_[j + 1].is("\"\"");  // a barrier for the compiler
    if (!empty) {
      error(t_[i_], "the simulated device cannot run inline PTX; give it other code with #if defined(GRIDSTRIDE_SIMULATOR), or use a wrapper of gridstride.cuh");
    }
  }

  [[noreturn]] void error(const Token& at, const std::string& what) const { throw TranslationError(tokens_.place(at) + ": error: " + what); }

  // ---- Text ----

  bool adjacent(char c, size_t count) const {
    for (size_t k = 0; k < count; k++) {
      if (i_ + k >= t_.size() || t_[i_ + k].text[0] != c || t_[i_ + k].offset != t_[i_].offset + k) return false;
    }
    return true;
  }

  struct Edit {
    size_t from, to;
    std::string text;
  };

  void replace(size_t token, const std::string& text) { replaced_[t_[token].offset] = {t_[token].offset, t_[token].offset + t_[token].text.size(), text}; }

  void insert(size_t before, const std::string& text) {
    size_t offset = before < t_.size() ? t_[before].offset : source_.size();
    // After the token in front, so that nothing moves to another line.
    if (before > 0) offset = t_[before - 1].offset + t_[before - 1].text.size();
    inserted_[offset] += text;
  }

  std::string edited() const {
    std::string text;
    size_t at = 0;
    auto ins = inserted_.begin();
    auto copy_to = [&](size_t to) {
      for (; ins != inserted_.end() && ins->first <= to; ++ins) {
        if (ins->first > at) {
          text.append(source_, at, ins->first - at);
          at = ins->first;
        }
        text += ins->second;
      }
      if (to > at) text.append(source_, at, to - at);
      at = std::max(at, to);
    };
    for (const auto& [offset, edit] : replaced_) {
      copy_to(offset);
      text += edit.text;
      at = edit.to;
    }
    copy_to(source_.size());
    return text;
  }

  static std::string quoted(const std::string& s) {
    std::string q = "\"";
    for (char c : s) {
      if (c == '"' || c == '\\') q += '\\';
      q += c;
    }
    return q + "\"";
  }

  void finish() {
    std::string& s = out_.text;
    bool local = flavour_ != Flavour::ADDRESS_SANITIZER;
    s = edited();
    s += "\n# 1 \"<simcc>\"\nextern \"C\" {\n";
    std::string visible = "__attribute__((visibility(\"default\"))) ";
    s += visible + "extern const GridstrideKernel gridstride_image[] = {\n";
    for (const Kernel& k : kernels_) {
      std::string f = "GridstrideTrampoline<&::" + k.qualified + ">";
      s += "{\"" + k.name + "\", &" + f + "::run, " + f + "::parameters, " + f + "::size, " + f + "::align, " + f + "::kind, " +
           (k.bounds.empty() ? "1024" : k.bounds) + ", " + quoted(k.file) + ", " + std::to_string(k.line) + "},\n";
      out_.kernels.push_back(k.name);
    }
    s += "{0, 0, 0, 0, 0, 0, 0, 0, 0}};\n";
    s += visible + "extern const int gridstride_image_checked = " + (flavour_ == Flavour::CHECKED ? "1" : "0") + ";\n";
    std::string thread = local ? "__thread " : "";
    std::string capacity = std::to_string(DYNAMIC_CAPACITY);
    s += "__attribute__((visibility(\"hidden\"))) " + thread + "unsigned char gridstride_anchor;\n";
    if (dynamic_) s += "__attribute__((visibility(\"hidden\"), aligned(1024))) " + thread + "unsigned char gridstride_dynamic_shared[" + capacity + "];\n";
    s += visible + "__attribute__((no_sanitize(\"thread\"))) void gridstride_image_shared(GridstrideSharedPlace* place) {\n";
    s += "  place->anchor = " + std::string(local ? "&gridstride_anchor" : "0") + ";\n";
    s += "  place->dynamic = " + std::string(dynamic_ ? "gridstride_dynamic_shared" : "0") + ";\n";
    s += "  place->dynamic_capacity = " + std::string(dynamic_ ? capacity : "0") + ";\n}\n}\n";
  }

  const std::string& source_;
  Flavour flavour_;
  Tokens tokens_;
  const std::vector<Token>& t_;
  Translation out_;
  size_t i_ = 0;
  size_t begin_ = 0;  // of the declaration or statement at hand
  std::vector<Scope> scopes_;
  std::vector<Kernel> kernels_;
  std::string bounds_;
  bool dynamic_ = false;
  bool in_body_ = false;
  size_t body_depth_ = 0;
  std::string after_body_;
  std::map<size_t, Edit> replaced_;
  std::map<size_t, std::string> inserted_;
};

}  // namespace

Translation translate(const std::string& source, Flavour flavour) { return Translator(source, flavour).run(); }

}  // namespace gridstride::simcc
