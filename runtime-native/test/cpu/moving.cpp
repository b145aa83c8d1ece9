// The kernels that move elements (transpose, slice, pad, concat, broadcast_to, cast, argmax) against index arithmetic.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "check.h"
#include "cpu/convert.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

using Index = std::vector<int64_t>;

Index index_of(const std::vector<int64_t> &shape, int64_t flat) {
  Index at(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    at[i] = flat % shape[i];
    flat /= shape[i];
  }
  return at;
}

int64_t flat_of(const std::vector<int64_t> &shape, const Index &at) {
  int64_t flat = 0;
  for (size_t i = 0; i < shape.size(); ++i) flat = flat * shape[i] + at[i];
  return flat;
}

std::vector<double> doubles(const std::vector<int64_t> &values) {
  return {values.begin(), values.end()};
}

// Each element a different number, so that a wrong place shows.
void count_up(const Buffer &x) {
  std::iota(x.floats().begin(), x.floats().end(), 1.0f);
}

// y[i] is x[source(i)], or `fill` where source gives -1.
bool holds(const Buffer &y, const Buffer &x, const std::function<int64_t(const Index &)> &source, float fill = 0) {
  for (int64_t i = 0; i < y.tensor().elements(); ++i) {
    const int64_t from = source(index_of(y.tensor().shape, i));
    const float expected = from < 0 ? fill : x.floats()[static_cast<size_t>(from)];
    if (y.floats()[static_cast<size_t>(i)] != expected) return false;
  }
  return true;
}

}  // namespace

TEST("transpose puts input axis perm[i] at output axis i") {
  const std::pair<std::vector<int64_t>, std::vector<int64_t>> cases[] = {
      {{}, {}},
      {{5}, {0}},
      {{37, 53}, {1, 0}},
      {{500, 800}, {1, 0}},
      {{3, 4, 5}, {0, 2, 1}},
      {{3, 4, 5}, {2, 0, 1}},
      {{3, 4, 5}, {2, 1, 0}},
      {{8, 20, 12, 12}, {1, 0, 2, 3}},
      {{8, 20, 12, 12}, {0, 2, 3, 1}},
      {{8, 12, 12, 20}, {0, 3, 1, 2}},
      {{2, 1, 3, 1, 4}, {4, 3, 2, 1, 0}},
      {{2, 0, 3}, {2, 1, 0}},
  };
  for (const auto &[shape, perm] : cases) {
    std::vector<int64_t> out;
    for (const int64_t axis : perm) out.push_back(shape[static_cast<size_t>(axis)]);
    Buffer x(shape), y(out);
    count_up(x);
    MapAttrs attrs;
    attrs.values["perm"] = doubles(perm);
    CHECK(run_kernel("transpose", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
    CHECK(holds(y, x, [&, s = shape, p = perm](const Index &at) {
      Index from(at.size());
      for (size_t i = 0; i < at.size(); ++i) from[static_cast<size_t>(p[i])] = at[i];
      return flat_of(s, from);
    }));
  }
}

TEST("images change their layout, whole and in parts, elements of two and of four bytes") {
  each_isa([] {
    for (const dlc_dtype dtype : {DLC_I32, DLC_BF16}) {
      for (const int64_t channels : {1, 2, 3, 4, 5, 8, 13, 16, 31, 70}) {
        for (const int64_t pixels : {1, 3, 7, 49, 196, 3000}) {
          Buffer x({2, channels, pixels}, dtype), y({2, pixels, channels}, dtype), back({2, channels, pixels}, dtype);
          const size_t bytes = size_of(dtype);
          for (size_t i = 0; i < x.bytes().size(); ++i)
            x.bytes()[i] = static_cast<uint8_t>(i / bytes * 40503 >> (i % bytes * 8));
          MapAttrs attrs;
          attrs.values["perm"] = std::vector<double>{0, 2, 1};
          for (const int threads : {1, 3}) {
            CHECK(run_kernel("transpose", {&x}, {&y}, attrs, 0, threads).status == DLC_OK);
            CHECK(run_kernel("transpose", {&y}, {&back}, attrs, 0, threads).status == DLC_OK);
            CHECK(same_bytes(x, back));
            bool right = true;
            for (int64_t i = 0; i < 2 * channels * pixels; ++i) {
              const int64_t n = i / channels / pixels, c = i / pixels % channels, p = i % pixels;
              const auto to = static_cast<size_t>((n * pixels + p) * channels + c) * bytes;
              right = right && std::memcmp(&y.bytes()[to], &x.bytes()[static_cast<size_t>(i) * bytes], bytes) == 0;
            }
            CHECK(right);
          }
        }
      }
    }
  });
}

TEST("slice takes every stride-th element from start below limit") {
  const std::vector<int64_t> shape = {6, 7, 50};
  const std::vector<std::vector<int64_t>> cases[] = {
      {{0, 0, 0}, {6, 7, 50}, {1, 1, 1}}, {{1, 2, 3}, {5, 6, 47}, {1, 1, 1}},
      {{0, 1, 2}, {6, 7, 50}, {2, 3, 7}}, {{2, 0, 49}, {3, 7, 50}, {9, 1, 1}},
      {{3, 0, 0}, {3, 7, 50}, {1, 1, 1}}, {{0, 0, 0}, {6, 7, 50}, {1, 1, 1 << 30}}};
  for (const auto &parts : cases) {
    std::vector<int64_t> out;
    for (size_t i = 0; i < 3; ++i) out.push_back((parts[1][i] - parts[0][i] + parts[2][i] - 1) / parts[2][i]);
    Buffer x(shape), y(out);
    count_up(x);
    MapAttrs attrs;
    attrs.values = {{"starts", doubles(parts[0])}, {"limits", doubles(parts[1])}, {"strides", doubles(parts[2])}};
    CHECK(run_kernel("slice", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
    CHECK(holds(y, x, [&](Index at) {
      for (size_t i = 0; i < 3; ++i) at[i] = parts[0][i] + at[i] * parts[2][i];
      return flat_of(shape, at);
    }));
  }
}

TEST("pad surrounds, and spreads by interior elements") {
  const std::vector<int64_t> shape = {3, 4, 5};
  const std::vector<std::vector<int64_t>> cases[] = {
      {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, {{1, 2, 3}, {3, 2, 1}, {0, 0, 0}}, {{0, 1, 0}, {2, 0, 0}, {1, 2, 3}}};
  for (const auto &parts : cases) {
    std::vector<int64_t> out;
    for (size_t i = 0; i < 3; ++i) out.push_back(parts[0][i] + shape[i] + (shape[i] - 1) * parts[2][i] + parts[1][i]);
    Buffer x(shape), y(out);
    count_up(x);
    MapAttrs attrs;
    attrs.values = {
        {"low", doubles(parts[0])}, {"high", doubles(parts[1])}, {"interior", doubles(parts[2])}, {"value", -2.5}};
    CHECK(run_kernel("pad", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
    CHECK(holds(
        y, x,
        [&](Index at) {
          for (size_t i = 0; i < 3; ++i) {
            at[i] -= parts[0][i];
            if (at[i] < 0 || at[i] % (parts[2][i] + 1) != 0) return int64_t{-1};
            at[i] /= parts[2][i] + 1;
            if (at[i] >= shape[i]) return int64_t{-1};
          }
          return flat_of(shape, at);
        },
        -2.5f));
  }
}

TEST("concat joins along any axis") {
  for (const size_t axis : {0, 1, 2}) {
    std::vector<int64_t> a = {4, 5, 6}, b = a, none = a, all = a;
    b[axis] = 9;
    none[axis] = 0;
    all[axis] = a[axis] + 9;
    Buffer x(a), y(b), nothing(none), joined(all);
    Random(1).fill(x);
    Random(2).fill(y);
    MapAttrs attrs;
    attrs.values["axis"] = static_cast<double>(axis);
    CHECK(run_kernel("concat", {&x, &nothing, &y}, {&joined}, attrs, 0, 2).status == DLC_OK);
    for (int64_t i = 0; i < joined.tensor().elements(); ++i) {
      Index at = index_of(all, i);
      const bool first = at[axis] < a[axis];
      if (!first) at[axis] -= a[axis];
      const float expected = (first ? x : y).floats()[static_cast<size_t>(flat_of(first ? a : b, at))];
      CHECK(joined.floats()[static_cast<size_t>(i)] == expected);
    }
  }
}

TEST("broadcast_to repeats") {
  const std::vector<int64_t> shape = {3, 40, 5, 60};
  for (const std::vector<int64_t> &from :
       {std::vector<int64_t>{}, {1}, {60}, {5, 1}, {40, 1, 1}, {3, 1, 5, 1}, {3, 40, 5, 60}}) {
    Buffer x(from), y(shape);
    count_up(x);
    MapAttrs attrs;
    attrs.values["shape"] = doubles(shape);
    CHECK(run_kernel("broadcast_to", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
    CHECK(holds(y, x, [&](const Index &at) {
      Index own(from.size());
      for (size_t i = 0; i < from.size(); ++i) own[i] = from[i] == 1 ? 0 : at[shape.size() - from.size() + i];
      return flat_of(from, own);
    }));
  }
}

TEST("elements of every size move whole") {
  for (const dlc_dtype dtype : {DLC_U8, DLC_BF16, DLC_I32, DLC_F64}) {
    Buffer x({33, 21}, dtype), y({21, 33}, dtype), back({33, 21}, dtype);
    uint8_t value = 0;
    for (uint8_t &byte : x.bytes()) byte = value++;
    MapAttrs attrs;
    attrs.values["perm"] = std::vector<double>{1, 0};
    CHECK(run_kernel("transpose", {&x}, {&y}, attrs, 0).status == DLC_OK);
    CHECK(run_kernel("transpose", {&y}, {&back}, attrs, 0).status == DLC_OK);
    CHECK(std::equal(x.bytes().begin(), x.bytes().end(), back.bytes().begin()));
    CHECK(std::memcmp(y.bytes().data() + size_of(dtype), x.bytes().data() + 21 * size_of(dtype), size_of(dtype)) == 0);
  }
}

TEST("cast truncates, holds at the ends and keeps NaN out of integers") {
  const float values[] = {0, -0.9f, 1.9f, -1.9f, 255.9f, 300, -300, 3e9f, -3e9f, 1e30f, INFINITY, -INFINITY, NAN};
  Buffer x({std::ssize(values)}), i32({std::ssize(values)}, DLC_I32), u8({std::ssize(values)}, DLC_U8),
      bits({std::ssize(values)}, DLC_BOOL), half({std::ssize(values)}, DLC_BF16), wide({std::ssize(values)});
  std::copy(std::begin(values), std::end(values), x.floats().begin());
  for (const Buffer *to : {&i32, &u8, &bits, &half}) CHECK(run_kernel("cast", {&x}, {to}, {}, 0).status == DLC_OK);
  const int32_t high = INT32_MAX, low = INT32_MIN;
  const int32_t ints[] = {0, 0, 1, -1, 255, 300, -300, high, low, high, high, low, 0};
  const uint8_t bytes[] = {0, 0, 1, 0, 255, 255, 0, 255, 0, 255, 255, 0, 0};
  for (size_t i = 0; i < std::size(values); ++i) {
    CHECK(i32.ints()[i] == ints[i]);
    CHECK(u8.bytes()[i] == bytes[i]);
    CHECK(bits.bytes()[i] == (i == 0 ? 0 : 1));
  }
  CHECK(run_kernel("cast", {&half}, {&wide}, {}, 0).status == DLC_OK);
  CHECK(wide.floats()[2] == 1.8984375f && std::isnan(wide.floats()[12]) && std::isinf(wide.floats()[10]));
  CHECK(convert<int64_t>(1e19) == INT64_MAX && convert<int64_t>(-1e19) == INT64_MIN);
  CHECK(convert<int32_t>(int64_t{1} << 40) == INT32_MAX && convert<uint8_t>(int64_t{-5}) == 0);
}

TEST("argmax gives the first of the largest, along any axis") {
  Buffer x({3, 4, 5}), y({3, 5}, DLC_I32);
  Random(5).fill(x);
  for (float &value : x.floats()) value = std::round(value * 3);  // with ties
  MapAttrs attrs;
  attrs.values["axis"] = 1.0;
  CHECK(run_kernel("argmax", {&x}, {&y}, attrs, 0, 2).status == DLC_OK);
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t i = 0; i < 5; ++i) {
      int32_t best = 0;
      const auto at = [&](int64_t k) { return x.floats()[static_cast<size_t>((n * 4 + k) * 5 + i)]; };
      for (int32_t k = 1; k < 4; ++k)
        if (at(k) > at(best)) best = k;
      CHECK(y.ints()[static_cast<size_t>(n * 5 + i)] == best);
    }
}

TEST("attributes that do not fit are refused") {
  Buffer x({3, 4}), y({4, 3}), z({3, 9});
  MapAttrs attrs;
  for (const std::vector<double> &perm : {std::vector<double>{0}, {0, 0}, {0, 2}, {-1, 0}}) {
    attrs.values = {{"perm", perm}};
    CHECK(run_kernel("transpose", {&x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  }
  attrs.values = {{"starts", std::vector<double>{0, 3}},
                  {"limits", std::vector<double>{3, 2}},
                  {"strides", std::vector<double>{1, 1}}};
  CHECK(run_kernel("slice", {&x}, {&y}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values = {{"low", std::vector<double>{0, 4e15}},
                  {"high", std::vector<double>{0, 1}},
                  {"interior", std::vector<double>{0, 0}}};
  CHECK(run_kernel("pad", {&x}, {&z}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values = {{"axis", 1.0}};
  CHECK(run_kernel("concat", {&x, &x}, {&z}, attrs, 0).status == DLC_BAD_PLAN);
  CHECK(run_kernel("concat", {&x, &x, &x}, {&z}, attrs, 0).status == DLC_BAD_PLAN);
  attrs.values = {{"shape", std::vector<double>{3, 9}}};
  CHECK(run_kernel("broadcast_to", {&x}, {&z}, attrs, 0).status == DLC_BAD_PLAN);
}
