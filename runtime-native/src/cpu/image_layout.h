// Where the channels of images lie. Images of ops with the attribute `layout: "channels_last"` are [N, spatial..., C]
// in memory, others [N, C, spatial...]; kernels check and compute with the logical shape [N, C, spatial...] either way.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernel.h"

namespace dlc {

// Whether the images of an op are channels last; throws DLC_BAD_PLAN for a layout that nobody knows.
bool channels_last(const Attrs &attrs);

// The logical shape of an image that lies in memory with this shape; throws DLC_BAD_PLAN where the rank is none of an
// image (3 to 5) and channels are last.
std::vector<int64_t> logical_image(const std::vector<int64_t> &shape, bool last);

}  // namespace dlc
