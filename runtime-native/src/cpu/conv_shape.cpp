// Reading and checking the extents of a convolution.
#include "conv_shape.h"

namespace dlc {
namespace {

// Every extent and attribute is below this, so products of two fit.
constexpr int64_t kMostExtent = int64_t{1} << 31;

ConvShape::Axes axes_of(const std::vector<int64_t> &values, size_t first, size_t spatial, int64_t otherwise) {
  ConvShape::Axes axes = {otherwise, otherwise, otherwise};
  for (size_t i = 0; i < spatial; ++i) axes[3 - spatial + i] = values[first + i];
  return axes;
}

ConvShape::Axes attr_axes(const Attrs &attrs, std::string_view key, size_t spatial, int64_t least) {
  const std::vector<int64_t> values = attrs.integers(key);
  require(values.size() == spatial, "conv: an attribute does not list one number for each spatial axis");
  for (const int64_t value : values)
    require(value >= least && value < kMostExtent, "conv: an attribute is out of range");
  return axes_of(values, 0, spatial, least);
}

// With a kernel of 1, stride 1 and no padding, where a pixel is does not matter: one long row.
void merge_axes(ConvShape &shape) {
  const ConvShape::Axes ones = {1, 1, 1}, zeros = {0, 0, 0};
  if (shape.kernel != ones || shape.stride != ones || shape.low != zeros || shape.high != zeros) return;
  shape.in = shape.out = {1, 1, shape.in_plane()};
  shape.dilation = ones;
}

}  // namespace

bool ConvShape::in_bounds() const {
  for (size_t i = 0; i < 3; ++i) {
    if (low[i] != 0 || (out[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 > in[i]) return false;
  }
  return true;
}

bool ConvShape::has_adjoint() const {
  for (size_t i = 0; i < 3; ++i) {
    const int64_t reach = (kernel[i] - 1) * dilation[i];
    if (stride[i] != 1 || low[i] > reach || high[i] > reach) return false;
  }
  return true;
}

ConvShape ConvShape::adjoint() const {
  ConvShape other = *this;
  other.c = k;
  other.k = c;
  other.cg = kg;
  other.kg = cg;
  other.in = out;
  other.out = in;
  for (size_t i = 0; i < 3; ++i) {
    other.low[i] = (kernel[i] - 1) * dilation[i] - low[i];
    other.high[i] = (kernel[i] - 1) * dilation[i] - high[i];
  }
  return other;
}

ConvShape conv_shape(const std::vector<int64_t> &x, const std::vector<int64_t> &w, const std::vector<int64_t> &y,
                     const Attrs &attrs) {
  require(x.size() >= 3 && x.size() <= 5, "conv is for one to three spatial axes");
  require(w.size() == x.size() && y.size() == x.size(), "conv: ranks differ");
  for (const std::vector<int64_t> *extents : {&x, &w, &y}) {
    for (const int64_t extent : *extents) require(extent >= 0 && extent < kMostExtent, "conv: extent out of range");
  }
  const size_t spatial = x.size() - 2;
  ConvShape shape;
  shape.n = x[0];
  shape.c = x[1];
  shape.k = w[0];
  shape.cg = w[1];
  shape.groups = attrs.integer("groups");
  require(shape.groups >= 1 && shape.groups < kMostExtent, "conv: groups out of range");
  require(shape.c >= 1 && shape.k >= 1, "conv: no channels");
  require(shape.cg * shape.groups == shape.c && shape.k % shape.groups == 0, "conv: channels and groups disagree");
  shape.kg = shape.k / shape.groups;
  shape.in = axes_of(x, 2, spatial, 1);
  shape.out = axes_of(y, 2, spatial, 1);
  shape.kernel = axes_of(w, 2, spatial, 1);
  shape.stride = attr_axes(attrs, "stride", spatial, 1);
  shape.dilation = attr_axes(attrs, "dilation", spatial, 1);
  shape.low = attr_axes(attrs, "padding_low", spatial, 0);
  shape.high = attr_axes(attrs, "padding_high", spatial, 0);
  require(y[0] == shape.n && y[1] == shape.k, "conv: wrong output shape");
  for (size_t i = 0; i < 3; ++i) {
    require(shape.kernel[i] >= 1 && shape.in[i] >= 1, "conv: empty kernel or image");
    const int64_t room = shape.in[i] + shape.low[i] + shape.high[i] - shape.dilation[i] * (shape.kernel[i] - 1) - 1;
    require(room >= 0 && shape.out[i] == room / shape.stride[i] + 1, "conv: wrong output shape");
  }
  merge_axes(shape);
  return shape;
}

std::vector<int64_t> conv_output(const std::vector<int64_t> &x, const std::vector<int64_t> &w, const Attrs &attrs) {
  require(x.size() >= 3 && x.size() <= 5 && w.size() == x.size(), "conv: ranks differ");
  const size_t spatial = x.size() - 2;
  const ConvShape::Axes stride = attr_axes(attrs, "stride", spatial, 1),
                        dilation = attr_axes(attrs, "dilation", spatial, 1);
  const ConvShape::Axes low = attr_axes(attrs, "padding_low", spatial, 0);
  const ConvShape::Axes high = attr_axes(attrs, "padding_high", spatial, 0);
  std::vector<int64_t> y = {x[0], w[0]};
  for (size_t i = 0; i < spatial; ++i) {
    const size_t axis = 3 - spatial + i;
    for (const int64_t extent : {x[i + 2], w[i + 2]})
      require(extent >= 1 && extent < kMostExtent, "conv: extent out of range");
    const int64_t room = x[i + 2] + low[axis] + high[axis] - dilation[axis] * (w[i + 2] - 1) - 1;
    require(room >= 0, "conv: the kernel is larger than the image");
    y.push_back(room / stride[axis] + 1);
  }
  return y;
}

}  // namespace dlc
