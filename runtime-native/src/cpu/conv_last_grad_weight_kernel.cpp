// conv_grad_weight(x, dy) of channels-last images, f32 or bf16; the gradient is f32 either way.
#include <algorithm>
#include <variant>

#include "conv_last_depthwise.h"
#include "conv_last_grad_weight.h"
#include "conv_last_kernels.h"
#include "conv_winograd.h"
#include "image_layout.h"

namespace dlc {
namespace {

// compiler/ops/families/convolution-workspace.ts reserves the workspace by the same rule.
constexpr int64_t kMostSlices = 8;
constexpr int64_t kPartialFloats = int64_t{1} << 21;

class ConvLastGradWeightKernel final : public Kernel {
 public:
  explicit ConvLastGradWeightKernel(const KernelArgs &args) : pool_(args.pool) {
    require(args.inputs.size() == 2 && args.outputs.size() == 1, "conv_grad_weight takes two inputs, gives one output");
    const Tensor &x = args.inputs[0], &dy = args.inputs[1], &dw = args.outputs[0];
    require((x.dtype == DLC_F32 || x.dtype == DLC_BF16) && dy.dtype == x.dtype,
            "conv_grad_weight: images are f32 or bf16");
    require(dw.dtype == DLC_F32, "conv_grad_weight gives f32");
    require(args.attrs.integers("weight_shape") == dw.shape, "conv_grad_weight: wrong output shape");
    const ConvShape shape =
        conv_shape(logical_image(x.shape, true), dw.shape, logical_image(dy.shape, true), args.attrs);
    // Input channels in pairs, as everywhere where images are channels last.
    const int64_t slice = ConvLast::packed_elements(shape.groups, shape.kg, shape.cg, shape.taps());
    const int64_t slices = std::clamp<int64_t>(kPartialFloats / slice, 1, std::clamp<int64_t>(shape.n, 1, kMostSlices));
    int64_t floats = slices * slice;
    if (ConvLastDepthwise::fits(shape)) {
      kernel_ = ConvLastDepthwiseGradWeight(shape, x.dtype, slices);
    } else if (x.dtype == DLC_F32 && ConvWinograd::fits(shape)) {
      kernel_ = ConvWinogradGradWeight(shape);
      floats = ConvWinogradGradWeight::workspace_floats(shape);
    } else {
      kernel_ = ConvLastGradWeight(shape, x.dtype, slices);
    }
    require(args.workspace.size() >= static_cast<size_t>(floats) * sizeof(float),
            "conv_grad_weight: the plan reserves too little workspace");
    x_ = x.data;
    dy_ = dy.data;
    dw_ = dw.as<float>();
    partial_ = reinterpret_cast<float *>(args.workspace.data());
  }

  dlc_status run(RunContext &) override {
    std::visit([&](const auto &kernel) { kernel.run(pool_, x_, dy_, partial_, dw_); }, kernel_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  std::variant<ConvLastGradWeight, ConvLastDepthwiseGradWeight, ConvWinogradGradWeight> kernel_;
  const void *x_ = nullptr, *dy_ = nullptr;
  float *dw_ = nullptr, *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_weight_last(const KernelArgs &args) {
  return std::make_unique<ConvLastGradWeightKernel>(args);
}

}  // namespace dlc
