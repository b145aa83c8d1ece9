// attention_grad(q, k, v, y, dy, most, sum, masks*) -> dq, dk, dv: the weights are made again block by block of keys
// and queries (Dao 2023). A task takes a run of key blocks of one head of keys and all queries that see them, so that
// dk and dv stay in scratch until they are whole. Where there are few heads the keys are cut into slices, whose parts
// of dq (in the workspace) are added in order.
#include "attention_shape.h"

namespace dlc {
namespace {

// compiler/ops/attention_grad.ts reserves the workspace by the same rule.
constexpr int64_t kFewHeads = 16;
constexpr int64_t kMostSlices = 8;

class AttentionGrad final : public Kernel {
 public:
  AttentionGrad(const KernelArgs &args, const AttentionShape &shape)
      : pool_(args.pool),
        shape_(shape),
        most_(args.inputs[5].as<float>()),
        sum_(args.inputs[6].as<float>()),
        workspace_(reinterpret_cast<float *>(args.workspace.data())) {
    y_ = shape.rows(args.inputs[3], args.attrs, 3, shape.heads, shape.queries, shape.width);
    dy_ = shape.rows(args.inputs[4], args.attrs, 3, shape.heads, shape.queries, shape.width);
    dq_ = shape.wanted(args.outputs[0], args.attrs, 0, shape.heads, shape.queries, shape.depth);
    dk_ = shape.wanted(args.outputs[1], args.attrs, 1, shape.groups, shape.keys, shape.depth);
    dv_ = shape.wanted(args.outputs[2], args.attrs, 2, shape.groups, shape.keys, shape.width);
    const int64_t heads = std::max<int64_t>(shape.batch * shape.groups, 1);
    const int64_t blocks = std::max<int64_t>(ceil_div(shape.keys, kKeyBlock), 1);
    const int64_t slices = std::min({blocks, ceil_div(kFewHeads, heads), kMostSlices});
    slices_ = EvenSplit(blocks, ceil_div(blocks, slices));
    joins_ = slices_.count > 1 || args.inputs[0].dtype == DLC_BF16;
    const int64_t parts = joins_ ? slices_.count * args.inputs[0].elements() : 0;
    require(args.workspace.size() >= static_cast<size_t>(parts) * sizeof(float),
            "attention_grad: the plan reserves too little workspace");
  }

  dlc_status run(RunContext &) override {
    const int64_t items = shape_.batch * shape_.groups;
    pool_.parallel(items * slices_.count, [&](int64_t task, int lane) {
      one_slice(task % items / shape_.groups, task % items % shape_.groups, task / items,
                reinterpret_cast<float *>(pool_.scratch(lane)));
    });
    if (joins_ && dq_.data != nullptr) join_slices();
    return DLC_OK;
  }

 private:
  // What a lane has in its scratch.
  struct Blocks {
    float *q, *dy, *k, *k_columns, *v_columns, *weights, *dscores, *dk, *dv;
    int64_t depth, width;  // padded
  };

  Blocks blocks_in(float *scratch) const {
    Blocks at{};
    at.depth = padded_features(shape_.depth);
    at.width = padded_features(shape_.width);
    const auto take = [&](int64_t floats) {
      float *const here = scratch;
      scratch += floats;
      return here;
    };
    at.q = take(kQueryBlock * at.depth);
    at.dy = take(kQueryBlock * at.width);
    at.k = take(kKeyBlock * at.depth);
    at.k_columns = take(at.depth * kScoreRow);
    at.v_columns = take(at.width * kScoreRow);
    at.weights = take(kQueryBlock * kScoreRow);
    at.dscores = take(kQueryBlock * kScoreRow);
    at.dk = take(kKeyBlock * at.depth);
    at.dv = take(kKeyBlock * at.width);
    return at;
  }

  // Where dq of a head is summed up: a part of the workspace, rows [Tq, D], or dq itself.
  HeadRows sums_of(int64_t slice) const {
    if (!joins_) return dq_;
    HeadRows rows;
    rows.data = workspace_ + slice * shape_.batch * shape_.heads * shape_.queries * shape_.depth;
    rows.position = shape_.depth;
    rows.head = shape_.queries * rows.position;
    rows.item = shape_.heads * rows.head;
    return rows;
  }

  void one_slice(int64_t n, int64_t group, int64_t slice, float *scratch) const {
    const Blocks at = blocks_in(scratch);
    const int64_t shared = shape_.heads / shape_.groups;
    const HeadRows dq = sums_of(slice);
    if (dq.data != nullptr) {
      for (int64_t h = group * shared; h < (group + 1) * shared; ++h) {
        for (int64_t i = 0; i < shape_.queries; ++i) std::fill_n(floats(dq, n, h, i), shape_.depth, 0.0f);
      }
    }
    const int64_t last = std::min(shape_.keys, slices_.end(slice) * kKeyBlock);
    for (int64_t key = slices_.begin(slice) * kKeyBlock; key < last; key += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, last - key);
      copy_head(shape_.v, n, group, key, count, shape_.width, 1, at.dv);
      isa_.transpose(at.dv, at.width, count, shape_.width, at.v_columns, kScoreRow);
      copy_head(shape_.k, n, group, key, count, shape_.depth, 1, at.k);
      isa_.transpose(at.k, at.depth, count, shape_.depth, at.k_columns, kScoreRow);
      scale_(at.k, count * at.depth, shape_.scale);
      std::fill_n(at.dk, count * at.depth, 0.0f);
      std::fill_n(at.dv, count * at.width, 0.0f);
      const int64_t first = shape_.skips ? key / kQueryBlock * kQueryBlock : 0;
      for (int64_t h = group * shared; h < (group + 1) * shared; ++h) {
        for (int64_t query = first; query < shape_.queries; query += kQueryBlock) {
          one_block(at, n, h, query, std::min(kQueryBlock, shape_.queries - query), key, count, dq);
        }
      }
      for (int64_t j = 0; j < count; ++j) {
        if (dk_.data != nullptr) store_head_row(dk_, n, group, key + j, shape_.depth, at.dk + j * at.depth, 1);
        if (dv_.data != nullptr) store_head_row(dv_, n, group, key + j, shape_.width, at.dv + j * at.width, 1);
      }
    }
  }

  // `rows` queries of head h against `count` keys.
  void one_block(const Blocks &at, int64_t n, int64_t h, int64_t query, int64_t rows, int64_t key, int64_t count,
                 const HeadRows &dq) const {
    const AttentionShape &shape = shape_;
    copy_head(shape.q, n, h, query, rows, shape.depth, shape.scale, at.q);
    copy_head(dy_, n, h, query, rows, shape.width, 1, at.dy);
    // Row i of the block sees keys up to i + reach.
    const int64_t reach = shape.skips ? query - key : count;
    const int widest = shape.skips ? 32 : 64;
    const auto seen = [&](int64_t depth) {
      return [&, depth](int64_t, int64_t end) { return TileRange{0, depth, std::min(count, end + reach)}; };
    };
    multiply_blocks(isa_, {rows, count, shape.depth, at.q, at.depth, 1, at.k_columns, kScoreRow, at.weights, kScoreRow},
                    widest, seen(shape.depth));
    multiply_blocks(isa_,
                    {rows, count, shape.width, at.dy, at.width, 1, at.v_columns, kScoreRow, at.dscores, kScoreRow},
                    widest, seen(shape.width));
    alignas(64) float y[kMostHeadExtent];
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t stat = (n * shape.heads + h) * shape.queries + query + i;
      copy_head(y_, n, h, query + i, 1, shape.width, 1, y);
      const float delta = dot_(at.dy + i * at.width, y, at.width);
      const AttentionRow row = shape.row(at.weights + i * kScoreRow, n, h, query + i, key, count);
      again_(row, most_[stat], sum_[stat] == 0 ? 0 : 1 / sum_[stat], delta, nullptr, at.dscores + i * kScoreRow);
    }
    // A key is seen by the queries from its own on.
    const auto from = [&](int64_t columns) {
      return [&, columns](int64_t begin, int64_t) {
        return TileRange{shape.skips ? std::max<int64_t>(0, begin - reach) : 0, rows, columns};
      };
    };
    if (dv_.data != nullptr) {
      multiply_blocks(isa_, {count, at.width, rows, at.weights, 1, kScoreRow, at.dy, at.width, at.dv, at.width, true},
                      64, from(at.width));
    }
    if (dk_.data != nullptr) {
      multiply_blocks(isa_, {count, at.depth, rows, at.dscores, 1, kScoreRow, at.q, at.depth, at.dk, at.depth, true},
                      64, from(at.depth));
    }
    if (dq.data != nullptr) {
      multiply_blocks(isa_,
                      {rows, shape.depth, count, at.dscores, kScoreRow, 1, at.k, at.depth, floats(dq, n, h, query),
                       dq.position, true, false},
                      64, [&](int64_t, int64_t end) {
                        return TileRange{0, std::min(count, end + reach), shape.depth};
                      });
    }
  }

  static float *floats(const HeadRows &rows, int64_t n, int64_t h, int64_t t) {
    return static_cast<float *>(rows.data) + rows.at(n, h, t);
  }

  void join_slices() const {
    const int64_t rows = shape_.heads * shape_.queries;
    pool_.parallel(shape_.batch * ceil_div(rows, kQueryBlock), [&](int64_t task, int) {
      const int64_t blocks = ceil_div(rows, kQueryBlock);
      const int64_t n = task / blocks, begin = task % blocks * kQueryBlock;
      alignas(64) float sum[kMostHeadExtent];
      for (int64_t row = begin; row < std::min(rows, begin + kQueryBlock); ++row) {
        const int64_t h = row / shape_.queries, i = row % shape_.queries;
        std::copy_n(floats(sums_of(0), n, h, i), shape_.depth, sum);
        for (int64_t slice = 1; slice < slices_.count; ++slice) {
          const float *const part = floats(sums_of(slice), n, h, i);
          for (int64_t d = 0; d < shape_.depth; ++d) sum[d] += part[d];
        }
        store_head_row(dq_, n, h, i, shape_.depth, sum, 1);
      }
    });
  }

  ThreadPool &pool_;
  AttentionShape shape_;
  HeadRows y_, dy_, dq_, dk_, dv_;
  const float *most_, *sum_;
  float *workspace_;
  EvenSplit slices_{1, 1};
  bool joins_ = false;  // dq is summed in the workspace
  const TileIsa &isa_ = tile_isa();
  decltype(&baseline::attention_weights_again) again_ = DLC_DISPATCH(attention_weights_again);
  decltype(&baseline::scale_row) scale_ = DLC_DISPATCH(scale_row);
  decltype(&baseline::dot_row) dot_ = DLC_DISPATCH(dot_row);
};

}  // namespace

std::unique_ptr<Kernel> make_attention_grad(const KernelArgs &args) {
  require(args.inputs.size() >= 7 && args.inputs.size() <= 9,
          "attention_grad takes q, k, v, y, dy, most, sum and up to two masks");
  require(args.outputs.size() == 3, "attention_grad has three outputs");
  const AttentionShape shape(args, args.inputs.subspan(7));
  const std::vector<int64_t> rows = {shape.batch, shape.heads, shape.queries};
  for (size_t i = 5; i < 7; ++i) {
    const Tensor &stat = args.inputs[i];
    require(stat.dtype == DLC_F32 && stat.shape == rows, "attention_grad: wrong statistics");
  }
  for (size_t i = 0; i < 3; ++i) {
    require(!args.outputs[i].data || args.outputs[i].dtype == args.inputs[0].dtype,
            "attention_grad: gradients are like the query");
  }
  return std::make_unique<AttentionGrad>(args, shape);
}

}  // namespace dlc
