// Reading and checking the windows of a pooling.
#include "pool_window.h"

namespace dlc {
namespace {

constexpr int64_t kMostExtent = int64_t{1} << 31;

}  // namespace

PoolWindow::Axes pool_axes(const Attrs &attrs, std::string_view key, size_t spatial, int64_t least) {
  const std::vector<int64_t> values = attrs.integers(key);
  require(values.size() == spatial, "pooling: an attribute does not list one number for each spatial axis");
  PoolWindow::Axes axes = {least, least, least};
  for (size_t i = 0; i < spatial; ++i) {
    require(values[i] >= least && values[i] < kMostExtent, "pooling: an attribute is out of range");
    axes[3 - spatial + i] = values[i];
  }
  return axes;
}

PoolWindow pool_window(const std::vector<int64_t> &x, const std::vector<int64_t> &y, const Attrs &attrs) {
  require(x.size() >= 3 && x.size() <= 5 && y.size() == x.size(), "pooling is for one to three spatial axes");
  require(x[0] == y[0] && x[1] == y[1], "pooling: images or channels differ");
  const size_t spatial = x.size() - 2;
  PoolWindow window;
  window.planes = x[0] * x[1];
  window.kernel = pool_axes(attrs, "kernel", spatial, 1);
  window.stride = pool_axes(attrs, "stride", spatial, 1);
  window.low = pool_axes(attrs, "padding_low", spatial, 0);
  window.high = pool_axes(attrs, "padding_high", spatial, 0);
  for (size_t i = 0; i < spatial; ++i) {
    window.in[3 - spatial + i] = x[2 + i];
    window.out[3 - spatial + i] = y[2 + i];
  }
  for (size_t i = 0; i < 3; ++i) {
    require(window.in[i] >= 1 && window.in[i] < kMostExtent, "pooling: extent out of range");
    const int64_t room = window.in[i] + window.low[i] + window.high[i] - window.kernel[i];
    require(room >= 0 && window.out[i] == room / window.stride[i] + 1, "pooling: wrong output shape");
    // Windows move right: the first has to end inside, the last to begin inside.
    require(window.low[i] < window.kernel[i] && (window.out[i] - 1) * window.stride[i] - window.low[i] < window.in[i],
            "pooling: a window holds no element");
  }
  return window;
}

PoolDivisors::PoolDivisors(const PoolWindow &window, const Attrs &attrs, size_t spatial) {
  const PoolWindow::Axes overhang = pool_axes(attrs, "overhang", spatial, 0);
  const bool include_pad = attrs.boolean("count_include_pad");
  const double divisor = attrs.number("divisor", 0);
  require(divisor >= 0, "avg_pool: the divisor is out of range");
  for (size_t i = 0; i < 3; ++i) {
    require(overhang[i] <= window.high[i], "avg_pool: overhang beyond the padding");
    for (int64_t o = 0; o < window.out[i]; ++o) {
      int64_t count = window.last(i, o) - window.first(i, o);
      if (include_pad) {
        const int64_t begin = o * window.stride[i] - window.low[i];
        count = std::min(begin + window.kernel[i], window.in[i] + window.high[i] - overhang[i]) - begin;
      }
      require(count > 0, "avg_pool: a window counts nothing");
      // A divisor that is given goes to the last axis; the others divide by 1.
      const double by = i == 2 ? divisor : 1;
      axes[i].push_back(static_cast<float>(divisor > 0 ? by : static_cast<double>(count)));
    }
  }
}

}  // namespace dlc
