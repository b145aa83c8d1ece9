// Normalizations: of rows (layer_norm) and of channels (batch_norm), with their gradients. A block has a row, a
// channel, or a column of parameters. Means and variances are summed in double.

template <typename T>
__device__ inline double times(T a, T b) {
  return static_cast<double>(a) * static_cast<double>(b);
}

// Epsilons come in as doubles, by their bits.
__device__ inline double number(unsigned long long bits) {
  return __longlong_as_double(static_cast<long long>(bits));
}

template <long long width, unsigned long long epsilon, bool center, typename X>
__device__ inline void layer_norm(const X *x, const float *gamma, const float *beta, X *y, float *mean, float *rstd) {
  const long long row = static_cast<long long>(blockIdx.x);
  const X *const from = x + row * width;
  double sum = 0.0;
  if (center) {
    for (long long i = static_cast<long long>(threadIdx.x); i < width; i += kThreads) sum += load<double>(from[i]);
    sum = over_block<Sum>(sum);
  }
  const double middle = sum / static_cast<double>(width);
  double squares = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < width; i += kThreads) {
    const double d = load<double>(from[i]) - middle;
    squares += d * d;
  }
  squares = over_block<Sum>(squares);
  const float m = static_cast<float>(middle);
  const float r = static_cast<float>(1.0 / sqrt(squares / static_cast<double>(width) + number(epsilon)));
  if (threadIdx.x == 0) {
    if (mean != nullptr) mean[row] = m;
    if (rstd != nullptr) rstd[row] = r;
  }
  if (y == nullptr) return;
  for (long long i = static_cast<long long>(threadIdx.x); i < width; i += kThreads) {
    float value = (load<float>(from[i]) - m) * r;
    if (gamma != nullptr) value *= gamma[i];
    if (beta != nullptr) value += beta[i];
    y[row * width + i] = Store<X>::of(value);
  }
}

template <long long width, bool center, typename X>
__device__ inline void layer_norm_grad(const X *dy, const X *x, const float *mean, const float *rstd,
                                       const float *gamma, X *dx) {
  const long long row = static_cast<long long>(blockIdx.x), begin = row * width;
  const float m = mean[row], r = rstd[row];
  double sum = 0.0, product = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < width; i += kThreads) {
    const float g = load<float>(dy[begin + i]) * (gamma != nullptr ? gamma[i] : 1.0f);
    sum += static_cast<double>(g);
    product += times(g, (load<float>(x[begin + i]) - m) * r);
  }
  sum = over_block<Sum>(sum);
  product = over_block<Sum>(product);
  const float a = center ? static_cast<float>(sum / static_cast<double>(width)) : 0.0f;
  const float b = static_cast<float>(product / static_cast<double>(width));
  for (long long i = static_cast<long long>(threadIdx.x); i < width; i += kThreads) {
    const float g = load<float>(dy[begin + i]) * (gamma != nullptr ? gamma[i] : 1.0f);
    dx[begin + i] = Store<X>::of(r * (g - a - (load<float>(x[begin + i]) - m) * r * b));
  }
}

// A block a column.
template <long long rows, long long width, typename X>
__device__ inline void layer_norm_grad_parameters(const X *dy, const X *x, const float *mean, const float *rstd,
                                                  float *dgamma, float *dbeta) {
  const long long column = static_cast<long long>(blockIdx.x);
  double sum = 0.0, product = 0.0;
  for (long long row = static_cast<long long>(threadIdx.x); row < rows; row += kThreads) {
    const float g = load<float>(dy[row * width + column]);
    sum += static_cast<double>(g);
    product += times(g, (load<float>(x[row * width + column]) - mean[row]) * rstd[row]);
  }
  sum = over_block<Sum>(sum);
  product = over_block<Sum>(product);
  if (threadIdx.x != 0) return;
  if (dbeta != nullptr) dbeta[column] = static_cast<float>(sum);
  if (dgamma != nullptr) dgamma[column] = static_cast<float>(product);
}

// x is [images, channels, plane]; element i of channel `blockIdx.x`.
template <long long channels, long long plane>
__device__ inline long long of_channel(long long i) {
  return (i / plane * channels + static_cast<long long>(blockIdx.x)) * plane + i % plane;
}

template <long long images, long long channels, long long plane, unsigned long long epsilon, typename X>
__device__ inline void batch_norm(const X *x, const float *gamma, const float *beta, X *y, float *mean,
                                  float *variance) {
  const long long channel = static_cast<long long>(blockIdx.x), count = images * plane;
  double sum = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads)
    sum += load<double>(x[of_channel<channels, plane>(i)]);
  const double middle = over_block<Sum>(sum) / static_cast<double>(count);
  double squares = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads) {
    const double d = load<double>(x[of_channel<channels, plane>(i)]) - middle;
    squares += d * d;
  }
  const double spread = over_block<Sum>(squares) / static_cast<double>(count);
  if (threadIdx.x == 0) {
    if (mean != nullptr) mean[channel] = static_cast<float>(middle);
    if (variance != nullptr) variance[channel] = static_cast<float>(spread);
  }
  if (y == nullptr) return;
  const float m = static_cast<float>(middle);
  const float r = static_cast<float>(1.0 / sqrt(spread + number(epsilon)));
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads) {
    const long long at = of_channel<channels, plane>(i);
    y[at] = Store<X>::of((load<float>(x[at]) - m) * r * gamma[channel] + beta[channel]);
  }
}

template <long long images, long long channels, long long plane, unsigned long long epsilon, typename X>
__device__ inline void batch_norm_grad(const X *dy, const X *x, const float *gamma, const float *mean,
                                       const float *variance, X *dx, float *dgamma, float *dbeta) {
  const long long channel = static_cast<long long>(blockIdx.x), count = images * plane;
  const float m = mean[channel];
  const float r = static_cast<float>(1.0 / sqrt(static_cast<double>(variance[channel]) + number(epsilon)));
  double sum = 0.0, product = 0.0;
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads) {
    const long long at = of_channel<channels, plane>(i);
    const float g = load<float>(dy[at]);
    sum += static_cast<double>(g);
    product += times(g, (load<float>(x[at]) - m) * r);
  }
  sum = over_block<Sum>(sum);
  product = over_block<Sum>(product);
  if (threadIdx.x == 0) {
    if (dbeta != nullptr) dbeta[channel] = static_cast<float>(sum);
    if (dgamma != nullptr) dgamma[channel] = static_cast<float>(product);
  }
  if (dx == nullptr) return;
  const float a = static_cast<float>(sum / static_cast<double>(count));
  const float b = static_cast<float>(product / static_cast<double>(count));
  for (long long i = static_cast<long long>(threadIdx.x); i < count; i += kThreads) {
    const long long at = of_channel<channels, plane>(i);
    const float centered = (load<float>(x[at]) - m) * r;
    dx[at] = Store<X>::of(gamma[channel] * r * (load<float>(dy[at]) - a - centered * b));
  }
}

// The rows of a matrix made orthonormal in order, by one block; `work` holds them in double. A row that depends on
// those before it becomes 0.
template <long long rows, long long columns>
__device__ inline void orthonormalize(const float *x, double *work, float *y) {
  const long long thread = static_cast<long long>(threadIdx.x);
  for (long long i = 0; i < rows; ++i) {
    double *const row = work + i * columns;
    double squares = 0.0;
    for (long long k = thread; k < columns; k += kThreads) {
      row[k] = static_cast<double>(x[i * columns + k]);
      squares += row[k] * row[k];
    }
    const double before = over_block<Sum>(squares);
    for (long long j = 0; j < i; ++j) {
      double part = 0.0;
      for (long long k = thread; k < columns; k += kThreads) part += work[j * columns + k] * row[k];
      part = over_block<Sum>(part);
      for (long long k = thread; k < columns; k += kThreads) row[k] -= part * work[j * columns + k];
    }
    squares = 0.0;
    for (long long k = thread; k < columns; k += kThreads) squares += row[k] * row[k];
    const double length = sqrt(over_block<Sum>(squares));
    const double scale = length > 1e-12 * sqrt(before) ? 1.0 / length : 0.0;
    for (long long k = thread; k < columns; k += kThreads) {
      row[k] *= scale;
      y[i * columns + k] = static_cast<float>(row[k]);
    }
  }
}
