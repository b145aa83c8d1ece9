// Reductions against plain sums in double: every pattern of axes, long sums, NaN, integers, thread counts.
#include <cmath>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

std::vector<int64_t> reduced_shape(const std::vector<int64_t> &shape, const std::vector<double> &axes, bool keepdims) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool goes = std::find(axes.begin(), axes.end(), static_cast<double>(i)) != axes.end();
    if (!goes) out.push_back(shape[i]);
    if (goes && keepdims) out.push_back(1);
  }
  return out;
}

MapAttrs attrs_of(const std::vector<double> &axes, bool keepdims) {
  MapAttrs attrs;
  attrs.values["axes"] = axes;
  attrs.values["keepdims"] = keepdims;
  return attrs;
}

// Which output each element goes to.
int64_t target(const std::vector<int64_t> &shape, const std::vector<double> &axes, int64_t element) {
  int64_t at = 0, step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    const int64_t coordinate = element % shape[i];
    element /= shape[i];
    if (std::find(axes.begin(), axes.end(), static_cast<double>(i)) != axes.end()) continue;
    at += coordinate * step;
    step *= shape[i];
  }
  return at;
}

struct Case {
  std::vector<int64_t> shape;
  std::vector<double> axes;
};

const std::vector<Case> kCases = {
    {{}, {}},
    {{1}, {0}},
    {{7}, {0}},
    {{7}, {}},
    {{3, 4}, {0}},
    {{3, 4}, {1}},
    {{5, 6, 7}, {1}},
    {{5, 6, 7}, {0, 2}},
    {{5, 1, 7}, {0, 1}},
    {{2, 3, 4, 5}, {0, 2, 3}},
    {{2, 3, 4, 5}, {1, 3}},
    {{8, 20, 24, 24}, {0, 2, 3}},
    {{64, 500}, {0}},
    {{500, 800}, {0}},
    {{5000, 3}, {0}},
    {{3, 50000}, {1}},
    {{300000}, {0}},
    {{100000, 2, 2}, {0, 2}},
    {{40, 3, 700}, {1}},
    {{5, 7, 9, 20}, {1, 2}},  // pixels whose channels lie side by side
    {{3, 50, 40, 3}, {1, 2}},
    {{2, 7, 7, 2100}, {1, 2}},
    {{6, 30, 31, 16}, {0, 1, 2}},
    {{9, 40, 40, 1}, {0, 1, 2}},
    {{4, 3, 50, 6}, {0, 2}},  // and with an axis between that stays
};

}  // namespace

TEST("sums, maxima and minima over every pattern of axes are those of plain loops") {
  Random random(1);
  for (const dlc_dtype dtype : {DLC_F32, DLC_BF16})
    for (const Case &at : kCases) {
      Buffer x(at.shape, dtype), y(reduced_shape(at.shape, at.axes, false));
      random.fill(x);
      const std::vector<float> values = x.wide();
      const auto outputs = static_cast<size_t>(y.tensor().elements());
      std::vector<double> sum(outputs, 0), high(outputs, -INFINITY), low(outputs, INFINITY);
      for (int64_t i = 0; i < x.tensor().elements(); ++i) {
        const auto o = static_cast<size_t>(target(at.shape, at.axes, i));
        const double value = values[static_cast<size_t>(i)];
        sum[o] += value;
        high[o] = std::max(high[o], value);
        low[o] = std::min(low[o], value);
      }
      const MapAttrs attrs = attrs_of(at.axes, false);
      CHECK(run_kernel("reduce_sum", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
      CHECK(error_of(y.floats(), sum) < 1e-6);
      CHECK(run_kernel("reduce_max", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
      CHECK(error_of(y.floats(), high) == 0);
      CHECK(run_kernel("reduce_min", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
      CHECK(error_of(y.floats(), low) == 0);
    }
}

TEST("a long sum of ones is exact") {
  Buffer x({1 << 24}), y({});
  std::fill(x.floats().begin(), x.floats().end(), 1.0f);
  CHECK(run_kernel("reduce_sum", {&x}, {&y}, attrs_of({0}, false), 0, 2).status == DLC_OK);
  CHECK(y.floats()[0] == 16777216.0f);
}

TEST("any number of threads gives the same bytes") {
  Random random(2);
  for (const dlc_dtype dtype : {DLC_F32, DLC_BF16})
    for (const Case &at : kCases) {
      Buffer x(at.shape, dtype), first(reduced_shape(at.shape, at.axes, true)),
          other(reduced_shape(at.shape, at.axes, true));
      random.fill(x);
      const MapAttrs attrs = attrs_of(at.axes, true);
      CHECK(run_kernel("reduce_sum", {&x}, {&first}, attrs, 0, 1).status == DLC_OK);
      for (const int threads : {2, 3, 4}) {
        CHECK(run_kernel("reduce_sum", {&x}, {&other}, attrs, 0, threads).status == DLC_OK);
        CHECK(std::memcmp(first.bytes().data(), other.bytes().data(), first.bytes().size()) == 0);
      }
    }
}

TEST("NaN wins wherever it stands") {
  for (const size_t at : {0, 63, 64, 700, 1999}) {
    for (const double axis : {0.0, 1.0}) {
      Buffer x({2, 2000}), y(axis == 0 ? std::vector<int64_t>{2000} : std::vector<int64_t>{2});
      Random(3).fill(x);
      x.floats()[2000 + at] = NAN;
      for (const char *name : {"reduce_max", "reduce_min", "reduce_sum"}) {
        CHECK(run_kernel(name, {&x}, {&y}, attrs_of({axis}, false), 0, 1).status == DLC_OK);
        CHECK(std::isnan(y.floats()[axis == 0 ? at : 1]));
        CHECK(!std::isnan(y.floats()[axis == 0 ? (at + 1) % 2000 : 0]));
      }
    }
  }
}

TEST("integers are added as integers") {
  Buffer x({3, 2}, DLC_I32), y({2}, DLC_I32), z({3}, DLC_I32);
  const int32_t values[] = {1 << 30, -7, 3, 5, -(1 << 30), 16777217};
  std::copy(std::begin(values), std::end(values), x.ints().begin());
  CHECK(run_kernel("reduce_sum", {&x}, {&y}, attrs_of({0}, false), 0).status == DLC_OK);
  CHECK(y.ints()[0] == 3 && y.ints()[1] == 16777215);
  CHECK(run_kernel("reduce_max", {&x}, {&z}, attrs_of({1}, false), 0).status == DLC_OK);
  CHECK(z.ints()[0] == 1 << 30 && z.ints()[1] == 5 && z.ints()[2] == 16777217);
}

TEST("nothing sums to zero, and an output that nobody reads is left out") {
  Buffer none({0, 4}), y({4});
  CHECK(run_kernel("reduce_sum", {&none}, {&y}, attrs_of({0}, false), 0).status == DLC_OK);
  for (const float value : y.floats()) CHECK(value == 0);
  CHECK(run_kernel("reduce_sum", {&y}, {nullptr}, attrs_of({0}, false), 0).status == DLC_OK);
}

TEST("axes that are not the input's are refused") {
  Buffer x({3, 4}), y({3}), wrong({4});
  for (const std::vector<double> &axes : {std::vector<double>{2}, {-1}, {1, 1}})
    CHECK(run_kernel("reduce_sum", {&x}, {&y}, attrs_of(axes, false), 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("reduce_sum", {&x}, {&wrong}, attrs_of({1}, false), 0).status == DLC_BAD_PLAN);
  Buffer halves({3, 4}, DLC_BF16), half_sums({3}, DLC_BF16);
  CHECK(run_kernel("reduce_sum", {&halves}, {&half_sums}, attrs_of({1}, false), 0).status == DLC_BAD_PLAN);
  Buffer bools({3, 4}, DLC_BOOL), counts({3}, DLC_BOOL);
  CHECK(run_kernel("reduce_sum", {&bools}, {&counts}, attrs_of({1}, false), 0).status == DLC_UNSUPPORTED);
}
