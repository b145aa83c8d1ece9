// attention(q, k, v, masks*) -> y, most, sum: softmax(scale * q k^T + masks) v without the scores in memory, as in
// FlashAttention-2 (Dao 2023): queries go by the keys block by block, and what was summed is scaled down where a later
// key has a larger score. Each task is a block of queries of one head; a causal one ends where its last query stands.
#include <limits>

#include "attention_shape.h"

namespace dlc {
namespace {

// A block of queries is smaller where there are few of them.
constexpr int64_t kFewTasks = 16;

class Attention final : public Kernel {
 public:
  Attention(const KernelArgs &args, const AttentionShape &shape)
      : pool_(args.pool), shape_(shape), most_(args.outputs[1].as<float>()), sum_(args.outputs[2].as<float>()) {
    y_ = shape.wanted(args.outputs[0], args.attrs, 3, shape.heads, shape.queries, shape.width);
    const int64_t items = shape.batch * shape.heads;
    const int64_t whole = ceil_div(shape.queries, kQueryBlock);
    blocks_ = EvenSplit(shape.queries, items * whole < kFewTasks ? kQueryBlock / 2 : kQueryBlock);
  }

  dlc_status run(RunContext &) override {
    if (y_.data == nullptr && most_ == nullptr && sum_ == nullptr) return DLC_OK;
    pool_.parallel(shape_.batch * shape_.heads * blocks_.count, [&](int64_t task, int lane) {
      // The last block of causal queries has the most keys: it is begun first.
      const int64_t item = task % (shape_.batch * shape_.heads);
      const int64_t block = blocks_.count - 1 - task / (shape_.batch * shape_.heads);
      one_block(item / shape_.heads, item % shape_.heads, blocks_.begin(block), blocks_.end(block),
                reinterpret_cast<float *>(pool_.scratch(lane)));
    });
    return DLC_OK;
  }

 private:
  // Queries [begin, end) of a head.
  void one_block(int64_t n, int64_t h, int64_t begin, int64_t end, float *scratch) const {
    const AttentionShape &shape = shape_;
    const int64_t rows = end - begin;
    const int64_t depth = padded_features(shape.depth), width = padded_features(shape.width);
    const int64_t group = h / (shape.heads / shape.groups);
    float *const q = scratch;
    float *const rows_of_keys = q + kQueryBlock * depth;
    float *const k = rows_of_keys + kKeyBlock * depth;
    float *const v = k + depth * kScoreRow;
    float *const scores = v + kKeyBlock * width;
    float *const y = scores + kQueryBlock * kScoreRow;
    float most[kQueryBlock], sum[kQueryBlock];
    std::fill(most, most + rows, -std::numeric_limits<float>::infinity());
    std::fill(sum, sum + rows, 0.0f);
    std::fill(y, y + rows * width, 0.0f);
    copy_head(shape.q, n, h, begin, rows, shape.depth, shape.scale, q);
    const int64_t visible = shape.visible(end, shape.keys);
    for (int64_t key = 0; key < visible; key += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, visible - key);
      copy_head(shape.k, n, group, key, count, shape.depth, 1, rows_of_keys);
      isa_.transpose(rows_of_keys, depth, count, shape.depth, k, kScoreRow);
      copy_head(shape.v, n, group, key, count, shape.width, 1, v);
      // Row i of the block sees keys up to i + reach.
      const int64_t reach = shape.skips ? begin - key : count;
      multiply_blocks(isa_, {rows, count, shape.depth, q, depth, 1, k, kScoreRow, scores, kScoreRow},
                      shape.skips ? 32 : 64, [&](int64_t, int64_t last) {
                        return TileRange{0, shape.depth, std::min(count, last + reach)};
                      });
      for (int64_t i = 0; i < rows; ++i) {
        const AttentionRow row = shape.row(scores + i * kScoreRow, n, h, begin + i, key, count);
        const float again = weights_(row, &most[i], &sum[i]);
        if (key > 0 && again != 1) scale_(y + i * width, width, again);
      }
      multiply_blocks(isa_, {rows, width, count, scores, kScoreRow, 1, v, width, y, width, true}, 64,
                      [&](int64_t, int64_t last) {
                        return TileRange{0, std::min(count, last + reach), width};
                      });
    }
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t at = (n * shape.heads + h) * shape.queries + begin + i;
      if (most_ != nullptr) most_[at] = most[i];
      if (sum_ != nullptr) sum_[at] = sum[i];
      // Without keys there is nothing to divide.
      if (y_.data != nullptr)
        store_head_row(y_, n, h, begin + i, shape.width, y + i * width, sum[i] == 0 ? 0 : 1 / sum[i]);
    }
  }

  ThreadPool &pool_;
  AttentionShape shape_;
  HeadRows y_;
  float *most_, *sum_;
  EvenSplit blocks_{1, 1};
  const TileIsa &isa_ = tile_isa();
  decltype(&baseline::attention_weights) weights_ = DLC_DISPATCH(attention_weights);
  decltype(&baseline::scale_row) scale_ = DLC_DISPATCH(scale_row);
};

}  // namespace

std::unique_ptr<Kernel> make_attention(const KernelArgs &args) {
  require(args.inputs.size() >= 3 && args.inputs.size() <= 5, "attention takes q, k, v and up to two masks");
  require(args.outputs.size() == 3, "attention has three outputs");
  const AttentionShape shape(args, args.inputs.subspan(3));
  const std::vector<int64_t> rows = {shape.batch, shape.heads, shape.queries};
  for (size_t i = 1; i < 3; ++i) {
    const Tensor &stat = args.outputs[i];
    require(!stat.data || (stat.dtype == DLC_F32 && stat.shape == rows), "attention: wrong statistics");
  }
  return std::make_unique<Attention>(args, shape);
}

}  // namespace dlc
