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

constexpr int64_t kImages = 2;

// Two images in a layout, and where an element of a plane lies in it.
struct View {
  int64_t channels, plane;
  bool last;
  size_t at(int64_t image_and_channel, int64_t i) const {
    const int64_t n = image_and_channel / channels, c = image_and_channel % channels;
    return static_cast<size_t>(last ? (n * plane + i) * channels + c : (n * channels + c) * plane + i);
  }
  Axes shape(const Axes &spatial) const {
    Axes extents = {kImages};
    if (!last) extents.push_back(channels);
    extents.insert(extents.end(), spatial.begin(), spatial.end());
    if (last) extents.push_back(channels);
    return extents;
  }
};

void run_case(const Case &c, Random &random, bool last = false, int64_t channels = 3, dlc_dtype dtype = DLC_F32) {
  const int64_t planes = kImages * channels, out = product(c.out());
  const View in_view{channels, product(c.in), last}, out_view{channels, out, last};
  const Axes x_shape = in_view.shape(c.in), y_shape = out_view.shape(c.out());
  const double rounding = dtype == DLC_BF16 ? 4e-3 : 1e-6;
  Buffer x(x_shape, dtype), dy(y_shape, dtype);
  random.fill(x);
  random.fill(dy);
  const std::vector<float> xs = x.wide(), dys = dy.wide();
  std::vector<double> most(dys.size()), mean(dys.size()), dmost(xs.size()), dmean(xs.size());
  std::vector<int32_t> where(dys.size());
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t o = 0; o < out; ++o) {
      double best = -INFINITY, sum = 0, count = 0;
      int32_t at = -1;
      each_tap(c, o, [&](int64_t i, bool counted) {
        count += counted;
        if (i < 0) return;
        const double value = xs[in_view.at(p, i)];
        sum += value;
        if (at < 0 || value > best) best = value, at = static_cast<int32_t>(i);
      });
      const size_t to = out_view.at(p, o);
      const double slope = dys[to];
      each_tap(c, o, [&](int64_t i, bool) {
        if (i >= 0) dmean[in_view.at(p, i)] += slope / count;
      });
      dmost[in_view.at(p, at)] += slope;
      most[to] = best;
      mean[to] = sum / count;
      where[to] = at;
    }
  }

  MapAttrs attrs = attrs_of(c);
  if (last) attrs.values["layout"] = std::string("channels_last");
  MapAttrs grad = attrs;
  grad.values["input_shape"] = numbers(x_shape);
  std::vector<Buffer> first;
  for (int threads = 1; threads <= 3; ++threads) {
    std::vector<Buffer> found;
    found.emplace_back(y_shape, dtype), found.emplace_back(y_shape, DLC_I32), found.emplace_back(y_shape, dtype);
    found.emplace_back(x_shape, dtype), found.emplace_back(x_shape, dtype);
    const Buffer &y = found[0], &index = found[1], &average = found[2], &dx = found[3], &dx_average = found[4];
    CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0, threads).status == DLC_OK);
    CHECK(error_of(y.wide(), most) == 0);
    CHECK(std::equal(where.begin(), where.end(), index.ints().begin()));
    CHECK(run_kernel("max_pool_grad", {&dy, &index}, {&dx}, grad, 0, threads).status == DLC_OK);
    CHECK(error_of(dx.wide(), dmost) < rounding);
    const Outcome outcome = run_kernel("avg_pool", {&x}, {&average}, attrs, 0, threads);
    if (!CHECK(outcome.status == DLC_OK)) std::printf("%s\n", outcome.message.c_str());
    CHECK(error_of(average.wide(), mean) < rounding);
    CHECK(run_kernel("avg_pool_grad", {&dy}, {&dx_average}, grad, 0, threads).status == DLC_OK);
    CHECK(error_of(dx_average.wide(), dmean) < rounding);
    if (threads == 1)
      first = std::move(found);
    else
      for (size_t i = 0; i < found.size(); ++i) CHECK(same_bytes(first[i], found[i]));
  }
  Buffer y(y_shape, dtype), index(y_shape, DLC_I32);
  CHECK(run_kernel("max_pool", {&x}, {&y, nullptr}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {nullptr, &index}, attrs, 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {nullptr, nullptr}, attrs, 0).status == DLC_OK);
  CHECK(error_of(y.wide(), most) == 0);
  CHECK(std::equal(where.begin(), where.end(), index.ints().begin()));
}

// A random window over random extents.
Case draw_case(Random &random) {
  for (;;) {
    const size_t axes = static_cast<size_t>(random.integer(1, 3));
    const auto draw = [&](int64_t low, int64_t high) {
      Axes values;
      for (size_t axis = 0; axis < axes; ++axis) values.push_back(random.integer(low, high));
      return values;
    };
    Case c{draw(1, 11), draw(1, 4), draw(1, 3), draw(0, 2), draw(0, 2), Axes(axes, 0), random.chance(0.5)};
    for (size_t axis = 0; axis < axes; ++axis) c.overhang[axis] = random.integer(0, c.high[axis]);
    if (random.chance(0.2)) c.kernel = c.in, c.low = c.high = c.overhang = Axes(axes, 0);
    if (c.valid()) return c;
  }
}

}  // namespace

TEST("poolings and their gradients agree with plain loops over random windows") {
  each_isa([] {
    Random random(11);
    for (int i = 0; i < 80; ++i) run_case(draw_case(random), random);
  });
}

TEST("poolings of channels-last images and of bfloat16 agree with plain loops") {
  each_isa([] {
    Random random(13);
    for (const dlc_dtype dtype : {DLC_F32, DLC_BF16}) {
      for (const int64_t channels : {1, 3, 4, 7, 8, 13, 16, 20, 64}) {
        for (int i = 0; i < 8; ++i) run_case(draw_case(random), random, true, channels, dtype);
      }
    }
    for (int i = 0; i < 20; ++i) run_case(draw_case(random), random, false, 3, DLC_BF16);
  });
}

TEST("pooling handles rows longer than a piece and planes larger than a task") {
  Random random(12);
  run_case({{3, 1300}, {2, 2}, {2, 2}, {0, 1}, {1, 1}, {0, 0}, false}, random);
  run_case({{150, 170}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, true}, random);
  for (const dlc_dtype dtype : {DLC_F32, DLC_BF16}) {
    // Images of more than one part, blocks of channels, rows of more outputs than a piece.
    run_case({{70, 61}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, true}, random, true, 67, dtype);
    run_case({{2, 700}, {2, 2}, {2, 2}, {0, 1}, {1, 1}, {0, 0}, false}, random, true, 5, dtype);
  }
}

TEST("a maximum of equals is the first, of nothing finite still points into the window, and a NaN wins") {
  MapAttrs attrs = attrs_of({{1, 4}, {1, 2}, {1, 2}, {0, 0}, {0, 0}, {0, 0}, true});
  const auto check = [&](const Axes &in, const Axes &out) {
    Buffer x(in), y(out), index(out, DLC_I32);
    const float inf = std::numeric_limits<float>::infinity();
    std::copy_n(std::vector<float>{-inf, -inf, 5, 5}.begin(), 4, x.floats().begin());
    CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0).status == DLC_OK);
    CHECK(index.ints()[0] == 0 && index.ints()[1] == 2 && y.floats()[0] == -inf && y.floats()[1] == 5);
    std::copy_n(std::vector<float>{1, std::nanf(""), std::nanf(""), inf}.begin(), 4, x.floats().begin());
    CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs, 0).status == DLC_OK);
    CHECK(std::isnan(y.floats()[0]) && index.ints()[0] == 1 && std::isnan(y.floats()[1]) && index.ints()[1] == 2);
  };
  check({1, 1, 1, 4}, {1, 1, 1, 2});
  attrs.values["layout"] = std::string("channels_last");
  check({1, 1, 4, 1}, {1, 1, 2, 1});
}

TEST("pooling refuses windows that hold nothing, wrong shapes, and indices outside the plane") {
  Buffer x({1, 1, 4}), y({1, 1, 2}), index({1, 1, 2}, DLC_I32);
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs_of({{4}, {2}, {2}, {0}, {0}, {0}, true}), 0).status == DLC_OK);
  CHECK(run_kernel("max_pool", {&x}, {&y, &index}, attrs_of({{4}, {2}, {5}, {2}, {2}, {0}, true}), 0).status ==
        DLC_BAD_PLAN);
  CHECK(run_kernel("avg_pool", {&x}, {&x}, attrs_of({{4}, {2}, {2}, {0}, {0}, {0}, true}), 0).status == DLC_BAD_PLAN);
  MapAttrs attrs;
  attrs.values["input_shape"] = std::vector<double>{1, 1, 4};
  for (const bool last : {false, true}) {
    if (last) {
      attrs.values = {{"input_shape", std::vector<double>{1, 4, 1}}, {"layout", std::string("channels_last")}};
    }
    Buffer dy(last ? Axes{1, 2, 1} : Axes{1, 1, 2}), places(dy.tensor().shape, DLC_I32);
    Buffer dx(last ? Axes{1, 4, 1} : Axes{1, 1, 4});
    places.ints()[0] = 0;
    for (const int32_t astray : {4, -1}) {
      places.ints()[1] = astray;
      const Outcome outcome = run_kernel("max_pool_grad", {&dy, &places}, {&dx}, attrs, 0);
      CHECK(outcome.status == DLC_DATA_ERROR && outcome.message == "an index is outside the plane of 4 elements");
    }
  }
}
