// c = a b + bias, then relu: tiles of 64 x 64 by 256 threads, each 4 x 4 of them, over pieces of the depth in shared
// memory. Sums are in float, in the order of the depth.

constexpr int kTile = 64;
constexpr int kDepth = 16;

// Beside a side in bfloat16 the other is rounded to it too.
template <typename A, typename B>
struct Rounds {
  static constexpr bool value = false;
};
template <typename B>
struct Rounds<Bf16, B> {
  static constexpr bool value = true;
};
template <typename A>
struct Rounds<A, Bf16> {
  static constexpr bool value = true;
};
template <>
struct Rounds<Bf16, Bf16> {
  static constexpr bool value = false;
};

// Element (row, column) of a matrix that may lie transposed.
template <bool transposed, bool rounds, typename T>
__device__ inline float matrix_at(const T *matrix, long long row, long long column, long long rows, long long columns) {
  if (row >= rows || column >= columns) return 0.0f;
  const float value = load<float>(matrix[transposed ? column * rows + row : row * columns + column]);
  return rounds ? widen(narrow(value)) : value;
}

// The tile of this block: acc += a b over the depth.
template <bool transpose_a, bool transpose_b, typename A, typename B>
__device__ inline void multiply_tile(const A *a, const B *b, long long m, long long n, long long k, long long row,
                                     long long column, float (&acc)[4][4]) {
  __shared__ float of_a[kDepth][kTile + 1];
  __shared__ float of_b[kDepth][kTile + 1];
  const int thread = static_cast<int>(threadIdx.x), x = thread % 16, y = thread / 16;
  for (long long depth = 0; depth < k; depth += kDepth) {
    for (int i = thread; i < kDepth * kTile; i += kThreads) {
      // Neighbours read what lies side by side.
      const int d_of_a = transpose_a ? i / kTile : i % kDepth, m_of_a = transpose_a ? i % kTile : i / kDepth;
      const int d_of_b = transpose_b ? i % kDepth : i / kTile, n_of_b = transpose_b ? i / kDepth : i % kTile;
      of_a[d_of_a][m_of_a] = matrix_at<transpose_a, Rounds<A, B>::value>(a, row + m_of_a, depth + d_of_a, m, k);
      of_b[d_of_b][n_of_b] = matrix_at<transpose_b, Rounds<A, B>::value>(b, depth + d_of_b, column + n_of_b, k, n);
    }
    __syncthreads();
    for (int d = 0; d < kDepth; ++d)
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) acc[i][j] += of_a[d][y + 16 * i] * of_b[d][x + 16 * j];
    __syncthreads();
  }
}

// b_batches is 1 where every product has the same right side.
template <long long m, long long n, long long k, long long b_batches, bool transpose_a, bool transpose_b, bool relu,
          typename A, typename B, typename C>
__device__ inline void matmul(const A *a, const B *b, const float *bias, C *c) {
  const long long columns = (n + kTile - 1) / kTile, rows = (m + kTile - 1) / kTile;
  const long long block = static_cast<long long>(blockIdx.x), item = block / (rows * columns);
  const long long row = block / columns % rows * kTile, column = block % columns * kTile;
  float acc[4][4] = {};
  multiply_tile<transpose_a, transpose_b>(a + item * m * k, b + (b_batches == 1 ? 0 : item) * n * k, m, n, k, row,
                                          column, acc);
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const long long at_row = row + thread / 16 + 16 * i, at_column = column + thread % 16 + 16 * j;
      if (at_row >= m || at_column >= n) continue;
      float value = acc[i][j];
      if (bias != nullptr) value += bias[at_column];
      if (relu && value < 0.0f) value = 0.0f;
      c[(item * m + at_row) * n + at_column] = Store<C>::of(value);
    }
  }
}
