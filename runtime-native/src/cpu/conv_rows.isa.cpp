// Copying with zeros around, and depthwise rows.
#include "conv_rows.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;

// Outputs [o, o + kLanes) of a row; a stride known to the compiler (or 0) lets it use shuffles.
template <int Stride>
void depthwise_vector(const DepthwiseRow &row, int64_t o, float *y) {
  const int64_t stride = Stride == 0 ? row.stride : Stride;
  float sums[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) sums[j] = row.bias;
  for (int64_t t = 0; t < row.taps; ++t) {
    const float *x = row.x + row.offsets[t] + o * stride;
    const float weight = row.weights[t];
    for (int64_t j = 0; j < kLanes; ++j) sums[j] += weight * x[j * stride];
  }
  for (int64_t j = 0; j < kLanes; ++j) y[o + j] = row.relu && sums[j] < 0 ? 0 : sums[j];
}

template <int Stride>
void depthwise(const DepthwiseRow &row, float *y) {
  const int64_t stride = Stride == 0 ? row.stride : Stride;
  int64_t o = 0;
  for (; o + kLanes <= row.count; o += kLanes) depthwise_vector<Stride>(row, o, y);
  for (; o < row.count; ++o) {
    float sum = row.bias;
    for (int64_t t = 0; t < row.taps; ++t) sum += row.weights[t] * row.x[row.offsets[t] + o * stride];
    y[o] = row.relu && sum < 0 ? 0 : sum;
  }
}

}  // namespace

void copy_padded(const float *from, int64_t from_row, int64_t rows, int64_t columns, int64_t left, int64_t right,
                 float *__restrict to, int64_t to_row) {
#if defined(__AVX512F__)
  // One masked read and write for each sixteen columns; lanes outside the image are not touched and read as zero.
  for (int64_t i = 0; i < columns; i += kLanes) {
    const auto below = [](int64_t count) {
      return static_cast<unsigned>(count >= kLanes ? 0xffff : count <= 0 ? 0 : (1u << count) - 1);
    };
    const __mmask16 read = static_cast<__mmask16>(below(right - i) & ~below(left - i));
    const __mmask16 write = static_cast<__mmask16>(below(columns - i));
    for (int64_t r = 0; r < rows; ++r) {
      _mm512_mask_storeu_ps(to + r * to_row + i, write, _mm512_maskz_loadu_ps(read, from + r * from_row + i));
    }
  }
#else
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < left; ++i) to[r * to_row + i] = 0;
    for (int64_t i = left; i < right; ++i) to[r * to_row + i] = from[r * from_row + i];
    for (int64_t i = right; i < columns; ++i) to[r * to_row + i] = 0;
  }
#endif
}

void depthwise_row(const DepthwiseRow &row, float *y) {
  if (row.stride == 1) {
    depthwise<1>(row, y);
  } else if (row.stride == 2) {
    depthwise<2>(row, y);
  } else {
    depthwise<0>(row, y);
  }
}

}  // namespace dlc::DLC_ISA
