// A test program in one header: TEST("a sentence") { ... } blocks, checks that report file and line, and main.
// Included by exactly one source file of each test program.
#pragma once

#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

namespace check {

struct Test {
  const char *name;
  void (*body)();
};
inline std::vector<Test> &tests() {
  static std::vector<Test> all;
  return all;
}
inline int &failures() {
  static int count = 0;
  return count;
}
struct Register {
  Register(const char *name, void (*body)()) { tests().push_back({name, body}); }
};
inline bool fail(const char *file, int line, const char *what) {
  std::printf("    %s:%d: %s\n", file, line, what);
  ++failures();
  return false;
}
inline bool close(double value, double expected, double tolerance, const char *file, int line) {
  const double error = std::fabs(value - expected);
  if (value == expected || (std::isnan(value) && std::isnan(expected)) ||
      error <= tolerance * (1 + std::fabs(expected)))
    return true;
  char text[160];
  std::snprintf(text, sizeof text, "%.9g is not close to %.9g (tolerance %g)", value, expected, tolerance);
  return fail(file, line, text);
}

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define TEST(name)                                                                                  \
  static void CHECK_JOIN(test_, __LINE__)();                                                        \
  static const check::Register CHECK_JOIN(register_, __LINE__)(name, &CHECK_JOIN(test_, __LINE__)); \
  static void CHECK_JOIN(test_, __LINE__)()
#define CHECK(condition) ((condition) ? true : check::fail(__FILE__, __LINE__, #condition))
// |value - expected| <= tolerance * (1 + |expected|)
#define CHECK_CLOSE(value, expected, tolerance) check::close(value, expected, tolerance, __FILE__, __LINE__)

int main() {
  int failed = 0;
  for (const check::Test &test : check::tests()) {
    check::failures() = 0;
    try {
      test.body();
    } catch (const std::exception &error) {
      check::fail(__FILE__, __LINE__, error.what());
    }
    std::printf("%s %s\n", check::failures() ? "FAIL" : "ok  ", test.name);
    if (check::failures()) ++failed;
  }
  std::printf("%zu tests, %d failed\n", check::tests().size(), failed);
  return failed == 0 && !check::tests().empty() ? 0 : 1;
}
