// The kernels of convolution ops whose attribute `layout` is channels_last; images and packed weights f32 or bf16.
#pragma once

#include <memory>

#include "../kernel.h"

namespace dlc {

std::unique_ptr<Kernel> make_conv_last(const KernelArgs &args);
std::unique_ptr<Kernel> make_pack_conv_weights_last(const KernelArgs &args);
std::unique_ptr<Kernel> make_conv_grad_input_last(const KernelArgs &args);
std::unique_ptr<Kernel> make_conv_grad_weight_last(const KernelArgs &args);

}  // namespace dlc
