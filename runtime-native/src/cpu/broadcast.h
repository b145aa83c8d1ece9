// Reading a tensor as if it had been broadcast to another shape, a stretch of the flat result at a time.
#pragma once

#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "../plan.h"
#include "convert.h"

namespace dlc {

// Result axes with the source's stride along each (0 where it repeats), neighbours merged where they can be.
struct BroadcastView {
  int rank = 0;
  int64_t extent[kMaxRank] = {};
  int64_t stride[kMaxRank] = {};  // in elements
};

// Throws DLC_BAD_PLAN unless `from` broadcasts to `to` (NumPy's rule).
BroadcastView broadcast_view(const std::vector<int64_t> &from, const std::vector<int64_t> &to);

// The source is exactly as large as the result.
bool is_whole(const BroadcastView &view);
// The source is one element.
bool is_single(const BroadcastView &view);

// The source is one run of neighbours, over and over: numbers for each channel of images with their channels last.
inline bool is_repeated(const BroadcastView &view) {
  return view.rank == 2 && view.stride[0] == 0 && view.stride[1] == 1;
}

// Of such a source. What is there is copied behind itself, so that a short run costs no loop of its own.
template <typename S, typename D>
void read_repeated(const S *src, int64_t period, int64_t start, int64_t count, D *dst) {
  const int64_t first = start % period;
  int64_t made = std::min(count, period);
  for (int64_t i = 0; i < made; ++i) {
    const int64_t at = first + i;
    dst[i] = convert<D>(src[at < period ? at : at - period]);
  }
  while (made < count) {
    // Whole periods, all that are there.
    const int64_t more = std::min(made / period * period, count - made);
    std::memcpy(dst + made, dst, static_cast<size_t>(more) * sizeof(D));
    made += more;
  }
}

// dst[i] = source at flat result position start + i, for i < count.
template <typename S, typename D>
void read_broadcast(const BroadcastView &view, const S *src, int64_t start, int64_t count, D *dst) {
  if (view.rank == 0) {
    std::fill_n(dst, count, convert<D>(src[0]));
    return;
  }
  if (is_repeated(view)) {
    read_repeated(src, view.extent[1], start, count, dst);
    return;
  }
  // Coordinates of `start`, and the source offset of its row.
  int64_t at[kMaxRank];
  int64_t offset = 0;
  int64_t rest = start;
  for (int axis = view.rank - 1; axis >= 0; --axis) {
    at[axis] = rest % view.extent[axis];
    rest /= view.extent[axis];
    offset += at[axis] * view.stride[axis];
  }
  const int inner = view.rank - 1;
  const int64_t step = view.stride[inner];
  while (count > 0) {
    const int64_t run = std::min(count, view.extent[inner] - at[inner]);
    const S *from = src + offset;
    if (step == 0) {
      std::fill_n(dst, run, convert<D>(*from));
    } else if (step == 1) {
      for (int64_t i = 0; i < run; ++i) dst[i] = convert<D>(from[i]);
    } else {
      for (int64_t i = 0; i < run; ++i) dst[i] = convert<D>(from[i * step]);
    }
    dst += run;
    count -= run;
    // On to the next row: carry into the outer axes.
    offset -= at[inner] * step;
    at[inner] = 0;
    for (int axis = inner - 1; axis >= 0; --axis) {
      offset += view.stride[axis];
      if (++at[axis] < view.extent[axis]) break;
      offset -= view.extent[axis] * view.stride[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace dlc
