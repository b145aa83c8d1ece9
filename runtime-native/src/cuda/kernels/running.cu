// Running sums and products along an axis, carried in double or in 64 bits: a thread a line, x is [outer, extent,
// inner].

template <typename Wide, long long lines, long long extent, long long inner, bool product, bool exclusive, bool reverse,
          typename T>
__device__ inline void running(const T *x, T *y) {
  const long long line = this_thread();
  if (line >= lines) return;
  const long long begin = line / inner * extent * inner + line % inner;
  Wide carried = product ? Wide(1) : Wide(0);
  for (long long i = 0; i < extent; ++i) {
    const long long at = begin + (reverse ? extent - 1 - i : i) * inner;
    const Wide value = load<Wide>(x[at]);
    const Wide next = product ? carried * value : carried + value;
    y[at] = Store<T>::of(exclusive ? carried : next);
    carried = next;
  }
}

// y[i] = a[i] y[i - 1] + b[i]; the first is b.
template <long long lines, long long extent, long long inner, bool reverse, typename T>
__device__ inline void linear_recurrence(const T *a, const T *b, T *y) {
  const long long line = this_thread();
  if (line >= lines) return;
  const long long begin = line / inner * extent * inner + line % inner;
  double carried = 0.0;
  for (long long i = 0; i < extent; ++i) {
    const long long at = begin + (reverse ? extent - 1 - i : i) * inner;
    const double value = load<double>(b[at]);
    carried = i == 0 ? value : load<double>(a[at]) * carried + value;
    y[at] = Store<T>::of(carried);
  }
}
