// Matrix products.
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {

void emit_matmul(const StepArgs &args, Writer &writer) {
  if (args.attrs.has("weight_shape")) unsupported(" with packed weights");
  const Tensor &a = args.inputs[0], &b = args.inputs[1], &c = args.outputs[0];
  if (!c.data) return;
  const bool ta = args.attrs.boolean("transpose_a"), tb = args.attrs.boolean("transpose_b");
  const std::string_view activation = args.attrs.string("activation", "");
  const size_t rank = a.shape.size();
  int64_t batch = 1, m = a.shape[rank - (ta ? 1 : 2)], b_batches = 1;
  const int64_t k = a.shape[rank - (ta ? 2 : 1)], n = c.shape.back();
  for (size_t i = 0; i + 2 < rank; ++i) batch *= a.shape[i];
  if (b.shape.size() > 2) {
    b_batches = batch;
  } else if (!ta) {
    // One tall product.
    m *= batch;
    batch = 1;
  }
  const Operand bias = args.inputs.size() > 2 ? Operand(args.inputs[2]) : absent("float");
  constexpr int64_t tile = 64;
  const int64_t blocks = batch * ((m + tile - 1) / tile) * ((n + tile - 1) / tile);
  writer.call("matmul", instance("matmul", m, n, k, b_batches, ta, tb, activation == "relu"), {a, b, bias, c}, blocks);
}

}  // namespace dlc::cuda
