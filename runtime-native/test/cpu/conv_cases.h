// Convolutions to test and the plain sum that they are, for the tests of each layout.
#pragma once

#include <string>
#include <vector>

#include "cpu_features.h"
#include "harness.h"

namespace dlc::test {

using Axes = std::vector<int64_t>;

struct Case {
  int64_t n, cg, kg, groups;
  Axes in, kernel, stride, dilation, low, high;
  bool bias = false, relu = false;

  size_t axes() const { return in.size(); }
  Axes out() const {
    Axes extents;
    for (size_t i = 0; i < axes(); ++i) {
      extents.push_back((in[i] + low[i] + high[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1);
    }
    return extents;
  }
  bool fits() const {
    for (size_t i = 0; i < axes(); ++i) {
      if (in[i] + low[i] + high[i] < dilation[i] * (kernel[i] - 1) + 1) return false;
    }
    return true;
  }
};

inline int64_t product(const Axes &extents) {
  int64_t all = 1;
  for (const int64_t extent : extents) all *= extent;
  return all;
}

inline Axes joined(int64_t a, int64_t b, const Axes &rest) {
  Axes all = {a, b};
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

// Calls f(out, in, weight) flat indices for every product of the convolution.
template <typename F>
void each_product(const Case &c, F f) {
  const Axes out = c.out();
  const int64_t in_plane = product(c.in), out_plane = product(out), taps = product(c.kernel);
  for (int64_t o = 0; o < out_plane; ++o) {
    for (int64_t t = 0; t < taps; ++t) {
      int64_t i = 0, rest_o = o, rest_t = t, scale = 1;
      bool inside = true;
      for (size_t axis = c.axes(); axis-- > 0;) {
        const int64_t at =
            rest_o % out[axis] * c.stride[axis] + rest_t % c.kernel[axis] * c.dilation[axis] - c.low[axis];
        inside = inside && at >= 0 && at < c.in[axis];
        i += at * scale;
        scale *= c.in[axis];
        rest_o /= out[axis];
        rest_t /= c.kernel[axis];
      }
      if (!inside) continue;
      for (int64_t n = 0; n < c.n; ++n) {
        for (int64_t k = 0; k < c.kg * c.groups; ++k) {
          for (int64_t ch = 0; ch < c.cg; ++ch) {
            f(static_cast<size_t>((n * c.kg * c.groups + k) * out_plane + o),
              static_cast<size_t>((n * c.cg * c.groups + k / c.kg * c.cg + ch) * in_plane + i),
              static_cast<size_t>((k * c.cg + ch) * taps + t));
          }
        }
      }
    }
  }
}

inline int64_t up16(int64_t value) {
  return (value + 15) / 16 * 16;
}

inline std::string describe(const Case &c) {
  std::string text = "n " + std::to_string(c.n) + " cg " + std::to_string(c.cg) + " kg " + std::to_string(c.kg) +
                     " g " + std::to_string(c.groups);
  const auto list = [&](const char *name, const Axes &axes) {
    text += std::string(" ") + name;
    for (const int64_t value : axes) text += ' ' + std::to_string(value);
  };
  list("in", c.in), list("kernel", c.kernel), list("stride", c.stride), list("dilation", c.dilation);
  list("low", c.low), list("high", c.high);
  return text + " on " + isa_name(isa());
}

inline std::vector<double> numbers(const Axes &axes) {
  return {axes.begin(), axes.end()};
}

inline Case square(int64_t n, int64_t c, int64_t k, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
  return {n, c, k, 1, {size, size}, {kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad}, {pad, pad}};
}

inline MapAttrs attrs_of(const Case &c) {
  MapAttrs attrs;
  attrs.values = {{"stride", numbers(c.stride)},
                  {"dilation", numbers(c.dilation)},
                  {"padding_low", numbers(c.low)},
                  {"padding_high", numbers(c.high)},
                  {"groups", double(c.groups)}};
  return attrs;
}

// A random case of one to three axes, of few elements.
inline Case draw_case(Random &random) {
  for (;;) {
    const size_t axes = static_cast<size_t>(random.integer(1, 3));
    const auto draw = [&](int64_t low, int64_t high) {
      Axes values;
      for (size_t axis = 0; axis < axes; ++axis) values.push_back(random.integer(low, high));
      return values;
    };
    Case c{random.integer(1, 3),
           random.integer(1, 9),
           random.integer(1, 40),
           random.integer(1, 3),
           draw(1, axes == 3 ? 6 : 13),
           draw(1, axes == 3 ? 3 : 5),
           draw(1, 3),
           draw(1, 2),
           draw(0, 3),
           draw(0, 3),
           random.chance(0.5),
           random.chance(0.5)};
    if (random.chance(0.3)) c.stride = Axes(axes, 1);
    if (random.chance(0.3)) c.cg = random.integer(10, 40);
    if (c.fits()) return c;
  }
}

}  // namespace dlc::test
