#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
template <int N> struct Tower { std::map<std::string, std::vector<std::variant<int, double, std::string>>> all; Tower<N - 1> below;
  int count() const { int n = 0; for (auto &p : all) n += std::count_if(p.second.begin(), p.second.end(), [](auto &v) { return v.index() == N % 3; }); return n + below.count(); } };
template <> struct Tower<0> { int count() const { return 0; } };
int main(int argc, char **argv) {
  std::regex word("[a-z]+"); std::unordered_map<std::string, std::function<int(int)>> calls;
  calls["a"] = [](int n) { return Tower<24>().count() + n; };
  for (int i = 1; i < argc; i++) if (std::regex_match(argv[i], word)) std::cout << calls["a"](i) << "\n";
}
