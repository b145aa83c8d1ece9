// conv_grad_weight(x, dy) of channels-last images, f32 or bf16; the gradient is f32 either way.
#include <algorithm>

#include "conv_last_depthwise.h"
#include "conv_last_grad_weight.h"
#include "conv_last_kernels.h"
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
    const int64_t floats = ConvLastGradWeight::slice_floats(shape);
    const int64_t slices =
        std::clamp<int64_t>(kPartialFloats / floats, 1, std::clamp<int64_t>(shape.n, 1, kMostSlices));
    require(args.workspace.size() >= static_cast<size_t>(slices * floats) * sizeof(float),
            "conv_grad_weight: the plan reserves too little workspace");
    is_depthwise_ = ConvLastDepthwise::fits(shape);
    if (is_depthwise_) {
      depthwise_ = ConvLastDepthwiseGradWeight(shape, x.dtype, slices);
    } else {
      sum_ = ConvLastGradWeight(shape, x.dtype, slices);
    }
    x_ = x.data;
    dy_ = dy.data;
    dw_ = dw.as<float>();
    partial_ = reinterpret_cast<float *>(args.workspace.data());
  }

  dlc_status run(RunContext &) override {
    if (is_depthwise_) {
      depthwise_.run(pool_, x_, dy_, partial_, dw_);
    } else {
      sum_.run(pool_, x_, dy_, partial_, dw_);
    }
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  bool is_depthwise_ = false;
  ConvLastGradWeight sum_;
  ConvLastDepthwiseGradWeight depthwise_;
  const void *x_ = nullptr, *dy_ = nullptr;
  float *dw_ = nullptr, *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_weight_last(const KernelArgs &args) {
  return std::make_unique<ConvLastGradWeightKernel>(args);
}

}  // namespace dlc
