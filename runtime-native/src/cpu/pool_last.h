// Pooling where channels are the last axis of images, in float or bfloat16. Images of bfloat16 with channels first are
// taken as many images of one channel.
#pragma once

#include <memory>

#include "../kernel.h"

namespace dlc {

// Whether the kernels below are for these images.
bool pools_channels_last(const KernelArgs &args);

std::unique_ptr<Kernel> make_max_pool_last(const KernelArgs &args);
std::unique_ptr<Kernel> make_max_pool_last_grad(const KernelArgs &args);
std::unique_ptr<Kernel> make_avg_pool_last(const KernelArgs &args);
std::unique_ptr<Kernel> make_avg_pool_last_grad(const KernelArgs &args);

}  // namespace dlc
