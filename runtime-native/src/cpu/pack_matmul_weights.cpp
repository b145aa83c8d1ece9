// pack_matmul_weights(w): a matrix in the order in which matmul reads its right side, for as long as it does not
// change.
#include <algorithm>

#include "gemm_panels.h"

namespace dlc {
namespace {

// A pass over the depth of a panel: what it needs of the lane's scratch is bounded by it.
constexpr int64_t kDepth = 2048;
constexpr int64_t kPackedColumns = 32;
static_assert(kPackedColumns * (kDepth + 1) * sizeof(Bf16) <= ThreadPool::kLaneScratchBytes);

class PackMatmulWeights final : public Kernel {
 public:
  explicit PackMatmulWeights(const KernelArgs &args) : pool_(args.pool), isa_(tile_isa()), bf16_isa_(tile_isa_bf16()) {
    require(args.inputs.size() == 1 && args.outputs.size() == 1,
            "pack_matmul_weights takes a matrix and gives it packed");
    const Tensor &w = args.inputs[0], &packed = args.outputs[0];
    for (const Tensor *t : {&w, &packed}) {
      require(t->dtype == DLC_F32 || t->dtype == DLC_BF16, "pack_matmul_weights is for f32 and bf16");
    }
    require(w.rank() == 2, "pack_matmul_weights takes a matrix");
    const bool transpose = args.attrs.boolean("transpose_b", false);
    k_ = w.shape[transpose ? 1 : 0];
    n_ = w.shape[transpose ? 0 : 1];
    bf16_ = packed.dtype == DLC_BF16;
    require(bf16_ || w.dtype == DLC_F32, "pack_matmul_weights does not widen");
    require(packed.shape == std::vector<int64_t>{packed_values(packed.dtype, k_, n_)},
            "pack_matmul_weights: wrong size");
    w_ = {w.data, w.dtype, w.shape[1], transpose};
    packed_ = packed.data;
  }

  dlc_status run(RunContext &) override {
    const int64_t steps = ceil_div(k_, kDepth);
    pool_.parallel(ceil_div(n_, kPackedColumns) * steps, [&](int64_t task, int lane) {
      const int64_t from = task % steps * kDepth;
      const int64_t depth = std::min(kDepth, k_ - from);
      const int64_t end = std::min(n_, (task / steps + 1) * kPackedColumns);
      for (int64_t column = task / steps * kPackedColumns; column < end;) {
        const int width = packed_width(isa_, n_ - column);
        const int64_t wide = std::min<int64_t>(width, n_ - column);
        if (bf16_) {
          Bf16 *panel = static_cast<Bf16 *>(packed_) + packed_values(DLC_BF16, k_, column) + from * width;
          pack_panel(isa_, bf16_isa_, w_, from, depth, column, wide, width, panel,
                     reinterpret_cast<Bf16 *>(pool_.scratch(lane)));
        } else {
          float *panel = static_cast<float *>(packed_) + packed_values(DLC_F32, k_, column) + from * width;
          pack_panel(isa_, w_, from, depth, column, wide, width, panel);
        }
        column += wide;
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  const TileIsa &isa_;
  const TileIsaBf16 &bf16_isa_;
  GemmMatrix w_;
  void *packed_ = nullptr;
  bool bf16_ = false;
  int64_t k_ = 0, n_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_pack_matmul_weights(const KernelArgs &args) {
  return std::make_unique<PackMatmulWeights>(args);
}

}  // namespace dlc
