// Sums, products, maxima and minima over axes, the norm of a tensor, the place of a maximum. Of what is reduced each
// thread of a block takes every kThreads-th element, then the block is combined as a tree.

struct Product {
  template <typename T>
  __device__ static T of(T a, T b) {
    return a * b;
  }
};
struct Min {
  template <typename T>
  __device__ static T of(T a, T b) {
    return a != a || a < b ? a : b;
  }
};

// The types that sums are in, and what an empty one gives.
template <typename Combine, typename T>
struct Start;
template <typename T>
struct Start<Sum, T> {
  __device__ static T value() { return T(0); }
};
template <typename T>
struct Start<Product, T> {
  __device__ static T value() { return T(1); }
};
template <>
struct Start<Max, float> {
  __device__ static float value() { return -infinity(); }
};
template <>
struct Start<Min, float> {
  __device__ static float value() { return infinity(); }
};
template <>
struct Start<Max, double> {
  __device__ static double value() { return -static_cast<double>(infinity()); }
};
template <>
struct Start<Min, double> {
  __device__ static double value() { return static_cast<double>(infinity()); }
};
template <>
struct Start<Max, long long> {
  __device__ static long long value() { return -9223372036854775807LL - 1; }
};
template <>
struct Start<Min, long long> {
  __device__ static long long value() { return 9223372036854775807LL; }
};

// A block an output. `Kept` and `Reduced` turn numbers of outputs and of elements into offsets in x.
template <typename Combine, typename T, typename Kept, typename Reduced, long long count, typename X, typename Y>
__device__ inline void reduce(const X *x, Y *y) {
  const long long output = static_cast<long long>(blockIdx.x);
  const X *const from = x + Kept::offset(output);
  T value = Start<Combine, T>::value();
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads)
    value = Combine::of(value, load<T>(from[Reduced::offset(i)]));
  value = over_block<Combine>(value);
  if (threadIdx.x == 0) y[output] = Store<Y>::of(value);
}

// A thread an output: where little is reduced, or neighbours of the outputs lie side by side.
template <typename Combine, typename T, typename Kept, typename Reduced, long long outputs, long long count, typename X,
          typename Y>
__device__ inline void reduce_columns(const X *x, Y *y) {
  const long long output = this_thread();
  if (output >= outputs) return;
  const X *const from = x + Kept::offset(output);
  T value = Start<Combine, T>::value();
  for (long long i = 0; i < count; ++i) value = Combine::of(value, load<T>(from[Reduced::offset(i)]));
  y[output] = Store<Y>::of(value);
}

template <long long elements, typename X>
__device__ inline void norm(const X *x, float *y) {
  double sum = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < elements; i += kThreads) {
    const double value = load<double>(x[i]);
    sum += value * value;
  }
  sum = over_block<Sum>(sum);
  if (threadIdx.x == 0) *y = static_cast<float>(sqrt(sum));
}

// x is [outer, extent, inner]. NaN counts as the largest.
template <long long outputs, long long extent, long long inner, typename X>
__device__ inline void argmax(const X *x, int *y) {
  const long long i = this_thread();
  if (i >= outputs) return;
  const X *const column = x + i / inner * extent * inner + i % inner;
  double most = load<double>(column[0]);
  long long at = 0;
  for (long long k = 1; k < extent; ++k) {
    const double value = load<double>(column[k * inner]);
    if (value > most || (value != value && most == most)) {
      most = value;
      at = k;
    }
  }
  y[i] = static_cast<int>(at);
}
