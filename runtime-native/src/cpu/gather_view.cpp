// Sorts the axes of gathers and scatters into what comes before the axis, the axis, and what comes after it.
#include "gather_view.h"

#include <algorithm>
#include <numeric>

namespace dlc {
namespace {

using Shape = std::vector<int64_t>;

int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  return std::accumulate(begin, end, int64_t{1}, [](int64_t a, int64_t b) { return a * b; });
}

}  // namespace

GatherView gather_view(const Tensor &from, const Tensor &indices, const Tensor &chosen, const Attrs &attrs) {
  const int64_t axis = attrs.integer("axis"), batch_dims = attrs.integer("batch_dims");
  const Shape &source = from.shape, &own = indices.shape;
  require(axis >= 0 && axis < from.rank(), "gather: no such axis");
  require(batch_dims >= 0 && batch_dims <= axis && batch_dims <= indices.rank(), "gather: no such batch axes");
  require(std::equal(own.begin(), own.begin() + batch_dims, source.begin()), "gather: batch axes differ");
  const auto at = source.begin() + axis;
  Shape wanted(source.begin(), at);
  wanted.insert(wanted.end(), own.begin() + batch_dims, own.end());
  wanted.insert(wanted.end(), at + 1, source.end());
  require(!chosen.data || wanted == chosen.shape, "gather: the shapes do not fit");
  GatherView view;
  view.batch = product(source.begin(), source.begin() + batch_dims);
  view.outer = product(source.begin() + batch_dims, at);
  view.extent = *at;
  view.inner = product(at + 1, source.end());
  view.count = product(own.begin() + batch_dims, own.end());
  return view;
}

LineView line_view(const Tensor &source, const Tensor &chosen, const Attrs &attrs) {
  const int64_t axis = attrs.integer("axis");
  require(axis >= 0 && axis < source.rank(), "no such axis");
  require(source.rank() == chosen.rank(), "the ranks differ");
  LineView view;
  for (int64_t i = 0; i < source.rank(); ++i) {
    const int64_t extent = source.shape[static_cast<size_t>(i)], other = chosen.shape[static_cast<size_t>(i)];
    if (i == axis) {
      view.extent = extent;
      view.count = other;
    } else {
      require(extent == other, "the shapes differ outside of the axis");
      (i < axis ? view.outer : view.inner) *= extent;
    }
  }
  return view;
}

}  // namespace dlc
