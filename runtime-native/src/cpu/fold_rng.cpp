// fold_rng(rng, index) -> rng: a (seed, step) of its own for each iteration of a loop, from one Philox block whose
// counter no draw uses (docs/architecture.md). The seed keeps 53 bits, so that doubles hold it too.
#include "../kernel.h"
#include "philox.h"

namespace dlc {
namespace {

constexpr uint32_t kFoldAttempt = 0xffffffff;
constexpr uint32_t kFoldStream = 0x464f4c44;

class FoldRng final : public Kernel {
 public:
  FoldRng(const Tensor &rng, const Tensor &index, const Tensor &folded)
      : rng_(rng.as<int64_t>()), index_(index.as<int32_t>()), folded_(folded.as<int64_t>()) {}

  dlc_status run(RunContext &) override {
    if (!folded_) return DLC_OK;
    const auto seed = static_cast<uint64_t>(rng_[0]);
    const PhiloxStream at = {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
                             kFoldStream,
                             static_cast<uint32_t>(static_cast<uint64_t>(rng_[1]))};
    uint32_t lanes[4];
    philox_block(at, static_cast<uint32_t>(*index_), kFoldAttempt, lanes);
    folded_[0] = static_cast<int64_t>(lanes[0] | static_cast<uint64_t>(lanes[1] >> 11) << 32);
    folded_[1] = static_cast<int64_t>(lanes[2]);
    return DLC_OK;
  }

 private:
  const int64_t *rng_;
  const int32_t *index_;
  int64_t *folded_;
};

bool is_rng(const Tensor &tensor) {
  return tensor.dtype == DLC_I64 && tensor.shape == std::vector<int64_t>{2};
}

}  // namespace

std::unique_ptr<Kernel> make_fold_rng(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "fold_rng takes rng and index and gives one output");
  const Tensor &index = args.inputs[1];
  const Tensor &folded = args.outputs[0];
  require(is_rng(args.inputs[0]), "fold_rng: rng must be i64[2]");
  require(index.dtype == DLC_I32 && index.elements() == 1, "fold_rng: the index must be i32[]");
  require(!folded.data || is_rng(folded), "fold_rng: the output must be i64[2]");
  return std::make_unique<FoldRng>(args.inputs[0], index, folded);
}

}  // namespace dlc
