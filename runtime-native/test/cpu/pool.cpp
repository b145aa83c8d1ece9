// Pooling and its gradients against plain loops, over random windows of one to three axes.
#include <limits>

#include "check.h"
#include "harness.h"

using namespace dlc;
using namespace dlc::test;

namespace {

using Axes = std::vector<int64_t>;

struct Case {
  Axes in, kernel, stride, low, high, overhang;
  bool include_pad = true;

  Axes out() const {
    Axes extents;
    for (size_t i = 0; i < in.size(); ++i) extents.push_back((in[i] + low[i] + high[i] - kernel[i]) / stride[i] + 1);
    return extents;
  }
  bool valid() const {
    for (size_t i = 0; i < in.size(); ++i) {
      const int64_t room = in[i] + low[i] + high[i] - kernel[i];
      if (room < 0 || low[i] >= kernel[i] || room / stride[i] * stride[i] - low[i] >= in[i]) return false;
      // With padding counted, the last window has to begin before the overhang.
      if (room / stride[i] * stride[i] - low[i] >= in[i] + high[i] - overhang[i]) return false;
    }
    return true;
  }
};

int64_t product(const Axes &extents) {
  int64_t all = 1;
  for (const int64_t extent : extents) all *= extent;
  return all;
}

// Calls f(input position or -1 in padding, counted) for the taps of output o of a plane.
template <typename F>
void each_tap(const Case &c, int64_t o, F f) {
  const Axes out = c.out();
  for (int64_t t = 0; t < product(c.kernel); ++t) {
    int64_t i = 0, scale = 1, rest_o = o, rest_t = t;
    bool inside = true, counted = true;
    for (size_t axis = c.in.size(); axis-- > 0;) {
      const int64_t at = rest_o % out[axis] * c.stride[axis] - c.low[axis] + rest_t % c.kernel[axis];
      inside = inside && at >= 0 && at < c.in[axis];
      counted = counted && at < c.in[axis] + c.high[axis] - c.overhang[axis];
      i += at * scale;
      scale *= c.in[axis];
      rest_o /= out[axis];
      rest_t /= c.kernel[axis];
    }
    f(inside ? i : -1, c.include_pad ? counted : inside);
  }
}

std::vector<double> numbers(const Axes &axes) {
  return {axes.begin(), axes.end()};
}

MapAttrs attrs_of(const Case &c) {
  MapAttrs attrs;
  attrs.values = {{"kernel", numbers(c.kernel)},     {"stride", numbers(c.stride)},
                  {"padding_low", numbers(c.low)},   {"padding_high", numbers(c.high)},
                  {"overhang", numbers(c.overhang)}, {"count_include_pad", c.include_pad}};
  return attrs;
}

Axes shape_of(int64_t n, int64_t channels, const Axes &rest) {
  Axes shape = {n, channels};
  shape.insert(shape.end(), rest.begin(), rest.end());
  return shape;
}

void run_case(const Case &c, Random &random) {
  const int64_t planes = 6, in = product(c.in), out = product(c.out());
  const Axes x_shape = shape_of(2, 3, c.in), y_shape = shape_of(2, 3, c.out());
  Buffer x(x_shape), dy(y_shape);
  random.fill(x);
  random.fill(dy);
  std::vector<double> most, mean, dmost(x.floats().size()), dmean(x.floats().size());
  std::vector<int32_t> where;
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t o = 0; o < out; ++o) {
      double best = -INFINITY, sum = 0, count = 0;
      int32_t at = -1;
      each_tap(c, o, [&](int64_t i, bool counted) {
        count += counted;
        if (i < 0) return;
        const double value = x.floats()[static_cast<size_t>(p * in + i)];
        sum += value;
        if (at < 0 || value > best) best = value, at = static_cast<int32_t>(i);
      });
      const double slope = dy.floats()[static_cast<size_t>(p * out + o)];
      each_tap(c, o, [&](int64_t i, bool) {
        if (i >= 0) dmean[static_cast<size_t>(p * in + i)] += slope / count;
      });
      dmost[static_cast<size_t>(p * in + at)] += slope;
      most.push_back(best);
      mean.push_back(sum / count);
      where.push_back(at);
    }
  }

  MapAttrs attrs = attrs_of(c), grad = attrs;
  grad.values["input_shape"] = numbers(x_shape);
  for (int threads = 1; threads <= 3; ++threads) {
    Buffer y(y_shape), index(y_shape, DLC_I32), average(y_shape), dx(x_shape), dx_average(x_shape);
    CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(y.floats(), most) == 0);
    CHECK(std::equal(where.begin(), where.end(), index.ints().begin()));
    CHECK(run_kernel("max_pool_grad", {&dy, &index}, {&dx}, grad, 0, threads).status == DLC_OK);
    CHECK(error_of(dx.floats(), dmost) < 1e-6);
    const Outcome outcome = run_kernel("avg_pool", {&x}, {&average}, attrs, 0, threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("%s\n", outcome.message.c_str());
    CHECK(error_of(average.floats(), mean) < 1e-6);
    CHECK(run_kernel("avg_pool_grad", {&dy}, {&dx_average}, grad, 0, threads).status == DLC_OK);
    CHECK(error_of(dx_average.floats(), dmean) < 1e-6);
  }
  Buffer y(y_shape), index(y_shape, DLC_I32);
  CHECK(run_kernel("max_pool", {&x}, {&y, nullptr}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {nullptr, &index}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {nullptr, nullptr}, attrs, 0).status == DLC_OK);
  CHECK(error_of(y.floats(), most) == 0);
  CHECK(std::equal(where.begin(), where.end(), index.ints().begin()));
}

}  // namespace

TEST("poolings and their gradients agree with plain loops over random windows") {
  each_isa([] {
    Random random(11);
    for (int i = 0; i < 80;) {
      const size_t axes = static_cast<size_t>(random.integer(1, 3));
      const auto draw = [&](int64_t low, int64_t high) {
        Axes values;
        for (size_t axis = 0; axis < axes; ++axis) values.push_back(random.integer(low, high));
        return values;
      };
      Case c{draw(1, 11), draw(1, 4), draw(1, 3), draw(0, 2), draw(0, 2), Axes(axes, 0), random.chance(0.5)};
      for (size_t axis = 0; axis < axes; ++axis) c.overhang[axis] = random.integer(0, c.high[axis]);
      if (random.chance(0.2)) c.kernel = c.in, c.low = c.high = c.overhang = Axes(axes, 0);
      if (!c.valid()) continue;
      ++i;
      run_case(c, random);
    }
  });
}

TEST("pooling handles rows longer than a piece and planes larger than a task") {
  Random random(12);
  run_case({{3, 1300}, {2, 2}, {2, 2}, {0, 1}, {1, 1}, {0, 0}, false}, random);
  run_case({{150, 170}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, true}, random);
}

TEST("a maximum of equals is the first, of nothing finite still points into the window, and a NaN wins") {
  MapAttrs attrs = attrs_of({{1, 4}, {1, 2}, {1, 2}, {0, 0}, {0, 0}, {0, 0}, true});
  Buffer x({1, 1, 1, 4}), y({1, 1, 1, 2}), index({1, 1, 1, 2}, DLC_I32);
  const float inf = std::numeric_limits<float>::infinity();
  std::copy_n(std::vector<float>{-inf, -inf, 5, 5}.begin(), 4, x.floats().begin());
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0).status == DLC_OK);
  CHECK(index.ints()[0] == 0 && index.ints()[1] == 2 && y.floats()[0] == -inf && y.floats()[1] == 5);
  std::copy_n(std::vector<float>{1, std::nanf(""), std::nanf(""), inf}.begin(), 4, x.floats().begin());
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0).status == DLC_OK);
  CHECK(std::isnan(y.floats()[0]) && index.ints()[0] == 1 && std::isnan(y.floats()[1]) && index.ints()[1] == 2);
}

TEST("pooling refuses windows that hold nothing, wrong shapes, and indices outside the plane") {
  Buffer x({1, 1, 4}), y({1, 1, 2}), index({1, 1, 2}, DLC_I32);
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs_of({{4}, {2}, {2}, {0}, {0}, {0}, true}), 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs_of({{4}, {2}, {5}, {2}, {2}, {0}, true}), 0).status ==
        DLC_BAD_PLAN);
  CHECK(run_kernel("avg_pool", {&x}, {&x}, attrs_of({{4}, {2}, {2}, {0}, {0}, {0}, true}), 0).status == DLC_BAD_PLAN);
  MapAttrs attrs;
  attrs.values["input_shape"] = std::vector<double>{1, 1, 4};
  Buffer dx({1, 1, 4});
  index.ints()[1] = 4;
  const Outcome outcome = run_kernel("max_pool_grad", {&y, &index}, {&dx}, attrs, 0);
  CHECK(outcome.status == DLC_DATA_ERROR && outcome.message == "an index is outside the plane of 4 elements");
}
