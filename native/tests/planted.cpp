#include "planted.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>

namespace gridstride::test {

namespace {

[[noreturn]] void give_up(const std::string& path, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), what.c_str());
  std::exit(2);
}

PlantedArgument read_argument(const std::string& path, const std::string& text) {
  static const std::regex array(R"(\s*(unset )?(float|int) \w+\[(\d+)\]\s*)"), number(R"(\s*int \w+ = (-?\d+)\s*)");
  std::smatch m;
  if (std::regex_match(text, m, array)) return {true, m[2] == "float", !m[1].matched, std::stoul(m[3]), 0};
  if (std::regex_match(text, m, number)) return {false, false, true, 0, std::stoi(m[1])};
  give_up(path, "not an argument: " + text);
}

void read_launch(Planted& p, const std::string& path, const std::string& text) {
  static const std::regex shape(R"(grid (\d+), block (\d+)(?:, shared (\d+))?; (.*))");
  std::smatch m;
  if (!std::regex_match(text, m, shape)) give_up(path, "not a launch: " + text);
  p.grid = static_cast<unsigned>(std::stoul(m[1]));
  p.block = static_cast<unsigned>(std::stoul(m[2]));
  if (m[3].matched) p.shared = std::stoul(m[3]);
  std::string rest = m[4];
  for (size_t at = 0; at <= rest.size();) {
    size_t comma = std::min(rest.find(',', at), rest.size());
    p.arguments.push_back(read_argument(path, rest.substr(at, comma - at)));
    at = comma + 1;
  }
}

}  // namespace

Planted read_planted(const std::string& path) {
  Planted p;
  p.file = path.substr(path.rfind('/') + 1);
  std::ifstream in(path);
  static const std::regex expect(R"(// expect: (\d+) (.*))"), line_of(R"(// line: (\d+) of (.*))"), launch(R"(// launch: (.*))");
  for (std::string line; std::getline(in, line);) {
    std::smatch m;
    if (std::regex_match(line, m, expect)) {
      p.code = std::stoi(m[1]);
      p.kinds.push_back(m[2]);
    } else if (std::regex_match(line, m, line_of)) {
      p.place = m[2].str() + ":" + m[1].str();
    } else if (std::regex_match(line, m, launch)) {
      read_launch(p, path, m[1]);
    }
  }
  if (p.code == 0 || p.arguments.empty()) give_up(path, "needs the comments expect and launch");
  return p;
}

}  // namespace gridstride::test
