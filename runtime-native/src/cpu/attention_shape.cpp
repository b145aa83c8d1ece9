// The operands of attention: checked once, read block by block.
#include "attention_shape.h"

#include <cmath>

namespace dlc {
namespace {

ScoreMask mask_of(const Tensor &tensor, const AttentionShape &shape) {
  require(tensor.rank() == 4, "attention: a mask has rank 4");
  const int64_t scores[] = {shape.batch, shape.heads, shape.queries, shape.keys};
  ScoreMask mask;
  mask.data = tensor.data;
  int64_t step = 1;
  for (size_t axis = 4; axis-- > 0;) {
    const int64_t extent = tensor.shape[axis];
    require(extent == 1 || extent == scores[axis], "attention: a mask does not broadcast to the scores");
    mask.step[axis] = extent == 1 ? 0 : step;
    step *= extent;
  }
  return mask;
}

int64_t position_axis(const Attrs &attrs, size_t place) {
  const std::vector<int64_t> axes = attrs.integers("position_axis");
  require(axes.size() == 4 && (axes[place] == 1 || axes[place] == 2), "attention: a position axis is 1 or 2");
  return axes[place];
}

}  // namespace

AttentionShape::AttentionShape(const KernelArgs &args, std::span<const Tensor> extras) {
  const Tensor &query = args.inputs[0], &key = args.inputs[1], &value = args.inputs[2];
  require(query.rank() == 4 && key.rank() == 4 && value.rank() == 4, "attention takes tensors of rank 4");
  const auto extent = [&](const Tensor &tensor, size_t place, bool positions) {
    const int64_t axis = position_axis(args.attrs, place);
    return tensor.shape[static_cast<size_t>(positions ? axis : 3 - axis)];
  };
  batch = query.shape[0];
  heads = extent(query, 0, false);
  queries = extent(query, 0, true);
  groups = extent(key, 1, false);
  keys = extent(key, 1, true);
  depth = query.shape[3];
  width = value.shape[3];
  require(groups > 0 && heads % groups == 0, "attention: heads that keys have divide those that queries have");
  require(depth <= kMostHeadExtent && width <= kMostHeadExtent, "attention: a head has too many features");
  q = rows(query, args.attrs, 0, heads, queries, depth);
  k = rows(key, args.attrs, 1, groups, keys, depth);
  v = rows(value, args.attrs, 2, groups, keys, width);
  scale = static_cast<float>(args.attrs.number("scale"));
  causal = args.attrs.boolean("causal");
  for (const Tensor &extra : extras) {
    const bool added = extra.dtype == DLC_F32;
    require(added || extra.dtype == DLC_BOOL, "attention: a mask is f32 or bool");
    require(mask.data == nullptr && (!added || bias.data == nullptr), "attention: masks are f32, then bool");
    (added ? bias : mask) = mask_of(extra, *this);
  }
  skips = causal && bias.data == nullptr;
}

HeadRows AttentionShape::rows(const Tensor &tensor, const Attrs &attrs, size_t place, int64_t count, int64_t length,
                              int64_t features) const {
  const int64_t axis = position_axis(attrs, place);
  std::vector<int64_t> expected = {batch, count, length, features};
  if (axis == 1) std::swap(expected[1], expected[2]);
  require(tensor.shape == expected, "attention: shapes do not agree");
  require(tensor.dtype == DLC_F32 || tensor.dtype == DLC_BF16, "attention is for f32 and bf16");
  HeadRows rows;
  rows.data = tensor.data;
  rows.narrow = tensor.dtype == DLC_BF16;
  rows.item = count * length * features;
  rows.head = axis == 1 ? features : length * features;
  rows.position = axis == 1 ? count * features : features;
  return rows;
}

AttentionRow AttentionShape::row(float *scores, int64_t n, int64_t h, int64_t query, int64_t key, int64_t count) const {
  AttentionRow row{};
  row.scores = scores;
  row.allowed = causal ? std::min(count, query + 1 - key) : count;
  row.count = skips ? std::max<int64_t>(row.allowed, 0) : count;
  row.filled = count;
  if (bias.data != nullptr) row.bias = static_cast<const float *>(bias.data) + bias.at(n, h, query, key);
  if (mask.data != nullptr) row.mask = static_cast<const uint8_t *>(mask.data) + mask.at(n, h, query, key);
  row.bias_step = bias.step[3];
  row.mask_step = mask.step[3];
  return row;
}

void copy_head(const HeadRows &from, int64_t n, int64_t h, int64_t begin, int64_t count, int64_t features, float by,
               float *to) {
  const auto scale = DLC_DISPATCH(scale_row);
  const auto wide = DLC_DISPATCH(widen);
  const int64_t stride = padded_features(features);
  const int64_t at = from.at(n, h, begin);
  if (from.narrow) {
    for (int64_t i = 0; i < count; ++i) {
      wide(static_cast<const Bf16 *>(from.data) + at + i * from.position, features, to + i * stride);
      std::fill(to + i * stride + features, to + (i + 1) * stride, 0.0f);
    }
  } else {
    tile_isa().copy_rows(static_cast<const float *>(from.data) + at, from.position, count, features, stride, to);
  }
  if (by != 1) scale(to, count * stride, by);
}

void store_head_row(const HeadRows &to, int64_t n, int64_t h, int64_t t, int64_t features, float *row, float by) {
  if (by != 1) DLC_DISPATCH(scale_row)(row, features, by);
  const int64_t at = to.at(n, h, t);
  if (to.narrow) {
    DLC_DISPATCH(narrow)(row, features, static_cast<Bf16 *>(to.data) + at);
  } else {
    std::copy(row, row + features, static_cast<float *>(to.data) + at);
  }
}

}  // namespace dlc
