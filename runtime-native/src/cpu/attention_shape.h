// What attention and its gradient share: their operands, which blocks of queries and keys they go by, and products of
// those blocks. Every operand is [N, H, T, D] or, where its position axis is 1, [N, T, H, D]; blocks are copied into
// scratch as float32 in rows of a multiple of 16, so that no product has a tail and bfloat16 is widened once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../kernel.h"
#include "attention_rows.h"
#include "bf16_rows.h"
#include "gemm_tile.h"

namespace dlc {

// compiler/ops/families/attention.ts has the same bounds and refuses other shapes.
inline constexpr int64_t kMostHeadExtent = 256;
inline constexpr int64_t kKeyBlock = 128;
inline constexpr int64_t kQueryBlock = 128;
// Rows of a block of scores; the padding keeps columns out of one cache set.
inline constexpr int64_t kScoreRow = kKeyBlock + 16;

// A tensor of heads: elements of one position of one head lie side by side.
struct HeadRows {
  void *data = nullptr;
  bool narrow = false;
  int64_t item = 0, head = 0, position = 0;  // strides, in elements

  int64_t at(int64_t n, int64_t h, int64_t t) const { return n * item + h * head + t * position; }
};

// What broadcasts to the scores [N, H, Tq, Tk].
struct ScoreMask {
  const void *data = nullptr;
  int64_t step[4] = {};

  int64_t at(int64_t n, int64_t h, int64_t i, int64_t j) const {
    return n * step[0] + h * step[1] + i * step[2] + j * step[3];
  }
};

struct AttentionShape {
  int64_t batch = 0, heads = 0, groups = 0, queries = 0, keys = 0;
  int64_t depth = 0, width = 0;  // features of a query and of a value
  float scale = 1;
  bool causal = false;
  // Blocks of keys that are later than all queries of a block are left out, unless a bias could empty a row: what is
  // ruled out for such a row weighs as much as the rest.
  bool skips = false;
  HeadRows q, k, v;
  ScoreMask bias, mask;

  // Checks q, k, v and what `extras` add: a bias (f32) and a mask (bool), in this order.
  AttentionShape(const KernelArgs &args, std::span<const Tensor> extras);

  // `tensor` as rows of heads; which position axis it has is number `place` of the attribute.
  HeadRows rows(const Tensor &tensor, const Attrs &attrs, size_t place, int64_t count, int64_t length,
                int64_t features) const;
  // The same of an output, of which the data is null where nobody reads it.
  HeadRows wanted(const Tensor &tensor, const Attrs &attrs, size_t place, int64_t count, int64_t length,
                  int64_t features) const {
    return tensor.data ? rows(tensor, attrs, place, count, length, features) : HeadRows{};
  }
  // Keys that queries before `end` see, of the first `most`.
  int64_t visible(int64_t end, int64_t most) const { return skips ? std::min(most, end) : most; }
  AttentionRow row(float *scores, int64_t n, int64_t h, int64_t query, int64_t key, int64_t count) const;
};

inline constexpr int64_t padded_features(int64_t count) {
  return round_up(count, kPanelAlign);
}

// Rows [begin, begin + count) of one head into `to`, a multiple of 16 floats each, times `by`.
void copy_head(const HeadRows &from, int64_t n, int64_t h, int64_t begin, int64_t count, int64_t features, float by,
               float *to);

// Rows of floats into a tensor, rounded where it is bf16, times `by`.
void store_head_row(const HeadRows &to, int64_t n, int64_t h, int64_t t, int64_t features, float *row, float by);

struct BlockProduct {
  int64_t rows = 0, columns = 0, depth = 0;
  const float *a = nullptr;
  ptrdiff_t a_row = 0, a_step = 0;
  const float *b = nullptr;
  ptrdiff_t ldb = 0;
  float *c = nullptr;
  ptrdiff_t ldc = 0;
  bool accumulate = false;
  bool whole = true;  // C and B have room for columns up to a multiple of 16
};

// What of a product a tile of rows [begin, end) takes part in.
struct TileRange {
  int64_t first, last;  // of the sum
  int64_t columns;
};

// C (+)= A B, by tiles in a fixed order; range(begin, end) tells what rows need.
template <typename Range>
void multiply_blocks(const TileIsa &isa, const BlockProduct &product, int widest, Range range) {
  for (int64_t column = 0; column < product.columns;) {
    const int width = tile_width(isa, std::min<int64_t>(widest, product.columns - column));
    const EvenSplit tiles(product.rows, isa.max_rows(width));
    for (int64_t tile = 0; tile < tiles.count; ++tile) {
      const int64_t begin = tiles.begin(tile), end = tiles.end(tile);
      const TileRange part = range(begin, end);
      if (part.columns <= column || part.first >= part.last) continue;
      TileCall call;
      call.a = product.a + begin * product.a_row + part.first * product.a_step;
      call.a_row = product.a_row;
      call.a_step = product.a_step;
      call.k = part.last - part.first;
      call.b = product.b + part.first * product.ldb + column;
      call.ldb = product.ldb;
      call.c = product.c + begin * product.ldc + column;
      call.ldc = product.ldc;
      call.columns = product.whole ? width : static_cast<int>(std::min<int64_t>(width, product.columns - column));
      call.accumulate = product.accumulate;
      run_tile(isa, width, static_cast<int>(end - begin), call);
    }
    column += width;
  }
}

inline void multiply_blocks(const TileIsa &isa, const BlockProduct &product) {
  multiply_blocks(isa, product, 64, [&](int64_t, int64_t) { return TileRange{0, product.depth, product.columns}; });
}

}  // namespace dlc
