// Sorting along an axis: a thread an element counts those that come before it, which is where it goes. Stable, and NaN
// is last either way.

template <bool descending, typename T>
__device__ inline bool comes_before(T a, long long at_a, T b, long long at_b) {
  const bool a_is_nan = a != a, b_is_nan = b != b;
  if (a_is_nan || b_is_nan) return a_is_nan == b_is_nan ? at_a < at_b : b_is_nan;
  if (a == b) return at_a < at_b;
  return descending ? a > b : a < b;
}

// x is [outer, extent, inner].
template <long long elements, long long extent, long long inner, bool descending, typename T>
__device__ inline void sort(const T *x, T *values, int *indices) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long at = i / inner % extent, begin = i - at * inner;
  const T own = x[i];
  long long rank = 0;
  for (long long other = 0; other < extent; ++other)
    if (other != at && comes_before<descending>(x[begin + other * inner], other, own, at)) ++rank;
  if (values != nullptr) values[begin + rank * inner] = own;
  if (indices != nullptr) indices[begin + rank * inner] = static_cast<int>(at);
}

// A thread a line, by insertion: nothing else may read the line while it is written.
template <long long lines, long long extent, long long inner, bool descending, typename T>
__device__ inline void sort_in_place(T *x, int *indices) {
  const long long line = this_thread();
  if (line >= lines) return;
  const long long begin = line / inner * extent * inner + line % inner;
  for (long long i = 0; i < extent; ++i) {
    const T own = x[begin + i * inner];
    long long to = i;
    // What stands before came before: equal ones stay in order.
    for (; to > 0 && comes_before<descending>(own, 1, x[begin + (to - 1) * inner], 0); --to) {
      x[begin + to * inner] = x[begin + (to - 1) * inner];
      if (indices != nullptr) indices[begin + to * inner] = indices[begin + (to - 1) * inner];
    }
    x[begin + to * inner] = own;
    if (indices != nullptr) indices[begin + to * inner] = static_cast<int>(i);
  }
}
