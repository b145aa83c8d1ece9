// Batch normalization where channels are the last axis: images with the layout channels_last, and rows of a matrix.
#pragma once

#include <memory>

#include "../kernel.h"

namespace dlc {

// Whether the kernels below are for x.
bool has_channels_last(const Tensor &x, const Attrs &attrs);

// As make_batch_norm_train and the like; `fused`: with a program.
std::unique_ptr<Kernel> make_batch_norm_last(const KernelArgs &args, bool fused);
std::unique_ptr<Kernel> make_batch_norm_last_grad(const KernelArgs &args, bool fused);

}  // namespace dlc
