// Copies that only move elements, by their size: E is an unsigned type of it. Lookups by index and their transposes.

// y[i] = x[from(i)]
template <typename From, long long elements, typename E>
__device__ inline void copy_from(const E *x, E *y) {
  const long long i = this_thread();
  if (i < elements) y[i] = x[From::offset(i)];
}

// y[to(i)] = x[i]
template <typename To, long long elements, typename E>
__device__ inline void copy_to(const E *x, E *y) {
  const long long i = this_thread();
  if (i < elements) y[To::offset(i)] = x[i];
}

template <long long elements, unsigned long long bits, typename E>
__device__ inline void fill(E *y) {
  const long long i = this_thread();
  if (i < elements) y[i] = static_cast<E>(bits);
}

// The number of a loop's iteration.
template <long long number>
__device__ inline void set_index(int *index) {
  if (this_thread() == 0) *index = static_cast<int>(number);
}
template <long long number>
__device__ inline void move_index(int *index) {
  if (this_thread() == 0) *index += static_cast<int>(number);
}

// x is [batch, outer, extent, inner], the indices [batch, count], y [batch, outer, count, inner].
template <long long elements, long long outer, long long extent, long long inner, long long count, typename E,
          typename I>
__device__ inline void gather(Fault *fault, unsigned step, const E *x, const I *indices, E *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long row = i / inner, line = row / count, position = line / outer * count + row % count;
  const long long index = static_cast<long long>(indices[position]);
  if (index < 0 || index >= extent)
    report(fault, step, static_cast<unsigned long long>(position), index);
  else if (y != nullptr)
    y[i] = x[(line * extent + index) * inner + i % inner];
}

// A block an update, the first of those of one index: it adds up the others behind it, in order. y is zeroed before.
template <long long outer, long long extent, long long inner, long long count, typename X, typename I>
__device__ inline void scatter_add(Fault *fault, unsigned step, const I *indices, const X *updates, X *y) {
  const long long line = static_cast<long long>(blockIdx.x) / count, k = static_cast<long long>(blockIdx.x) % count;
  const I *const own = indices + line / outer * count;
  const long long index = static_cast<long long>(own[k]);
  if (index < 0 || index >= extent) {
    if (threadIdx.x == 0) report(fault, step, static_cast<unsigned long long>(line / outer * count + k), index);
    return;
  }
  int seen = 0;
  for (long long before = static_cast<long long>(threadIdx.x); before < k; before += kThreads)
    if (static_cast<long long>(own[before]) == index) seen = 1;
  if (over_block<Sum>(seen) != 0) return;
  for (long long i = static_cast<long long>(threadIdx.x); i < inner; i += kThreads) {
    float sum = 0.0f;
    for (long long other = k; other < count; ++other)
      if (static_cast<long long>(own[other]) == index) sum += load<float>(updates[(line * count + other) * inner + i]);
    y[(line * extent + index) * inner + i] = Store<X>::of(sum);
  }
}

// x is [outer, extent, inner], indices and y are [outer, count, inner].
template <long long elements, long long extent, long long inner, long long count, typename E, typename I>
__device__ inline void gather_elements(Fault *fault, unsigned step, const E *x, const I *indices, E *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long index = static_cast<long long>(indices[i]);
  if (index < 0 || index >= extent)
    report(fault, step, static_cast<unsigned long long>(i), index);
  else if (y != nullptr)
    y[i] = x[(i / inner / count * extent + index) * inner + i % inner];
}

// y is [outer, extent, inner]: a thread an element of it, which walks the indices of its line.
template <long long elements, long long extent, long long inner, long long count, typename I>
__device__ inline void scatter_elements_add(Fault *fault, unsigned step, const I *indices, const float *updates,
                                            float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long row = i / inner % extent, begin = i / inner / extent * count * inner + i % inner;
  float sum = 0.0f;
  for (long long k = 0; k < count; ++k) {
    const long long index = static_cast<long long>(indices[begin + k * inner]);
    if (index == row) sum += updates[begin + k * inner];
    if ((index < 0 || index >= extent) && row == 0)
      report(fault, step, static_cast<unsigned long long>(begin + k * inner), index);
  }
  y[i] = sum;
}
