// Convolutions of images with channels first, one to three spatial axes held as three, and their two gradients. A
// thread computes an element of the output or of dx; a block computes an element of dw. All sums are in one order.

template <long long n_, long long c_, long long k_, long long groups_, long long in0, long long in1, long long in2,
          long long out0, long long out1, long long out2, long long r0, long long r1, long long r2, long long s0,
          long long s1, long long s2, long long d0, long long d1, long long d2, long long p0, long long p1,
          long long p2>
struct Window {
  static constexpr long long n = n_, c = c_, k = k_, cg = c_ / groups_, kg = k_ / groups_;
  static constexpr long long in = in0 * in1 * in2, out = out0 * out1 * out2, taps = r0 * r1 * r2;

  // The pixel that a tap of an output's window reads, or -1.
  __device__ static long long pixel(long long output, long long tap) {
    const long long a = output / (out1 * out2) * s0 + tap / (r1 * r2) * d0 - p0;
    const long long b = output / out2 % out1 * s1 + tap / r2 % r1 * d1 - p1;
    const long long e = output % out2 * s2 + tap % r2 * d2 - p2;
    if (a < 0 || a >= in0 || b < 0 || b >= in1 || e < 0 || e >= in2) return -1;
    return (a * in1 + b) * in2 + e;
  }

  // The output whose tap reads a pixel, or -1.
  __device__ static long long output(long long pixel, long long tap) {
    const long long a = pixel / (in1 * in2) + p0 - tap / (r1 * r2) * d0;
    const long long b = pixel / in2 % in1 + p1 - tap / r2 % r1 * d1;
    const long long e = pixel % in2 + p2 - tap % r2 * d2;
    if (a < 0 || b < 0 || e < 0 || a % s0 != 0 || b % s1 != 0 || e % s2 != 0) return -1;
    if (a / s0 >= out0 || b / s1 >= out1 || e / s2 >= out2) return -1;
    return (a / s0 * out1 + b / s1) * out2 + e / s2;
  }
};

template <typename W, bool relu, typename X, typename K, typename Y>
__device__ inline void conv(const X *x, const K *w, const float *bias, Y *y) {
  const long long i = this_thread();
  if (i >= W::n * W::k * W::out) return;
  const long long output = i % W::out, filter = i / W::out % W::k, item = i / W::out / W::k;
  const X *const from = x + (item * W::c + filter / W::kg * W::cg) * W::in;
  const K *const weights = w + filter * W::cg * W::taps;
  float sum = 0.0f;
  for (long long tap = 0; tap < W::taps; ++tap) {
    const long long pixel = W::pixel(output, tap);
    if (pixel < 0) continue;
    for (long long c = 0; c < W::cg; ++c)
      sum += load<float>(from[c * W::in + pixel]) * load<float>(weights[c * W::taps + tap]);
  }
  if (bias != nullptr) sum += bias[filter];
  if (relu && sum < 0.0f) sum = 0.0f;
  y[i] = Store<Y>::of(sum);
}

template <typename W, typename Y, typename K, typename X>
__device__ inline void conv_grad_input(const Y *dy, const K *w, X *dx) {
  const long long i = this_thread();
  if (i >= W::n * W::c * W::in) return;
  const long long pixel = i % W::in, channel = i / W::in % W::c, item = i / W::in / W::c;
  const long long group = channel / W::cg;
  float sum = 0.0f;
  for (long long tap = 0; tap < W::taps; ++tap) {
    const long long output = W::output(pixel, tap);
    if (output < 0) continue;
    for (long long f = group * W::kg; f < (group + 1) * W::kg; ++f)
      sum += load<float>(dy[(item * W::k + f) * W::out + output]) *
             load<float>(w[(f * W::cg + channel % W::cg) * W::taps + tap]);
  }
  dx[i] = Store<X>::of(sum);
}

template <typename W, typename X, typename Y>
__device__ inline void conv_grad_weight(const X *x, const Y *dy, float *dw) {
  const long long i = static_cast<long long>(blockIdx.x);
  const long long tap = i % W::taps, filter = i / W::taps / W::cg;
  const long long channel = filter / W::kg * W::cg + i / W::taps % W::cg;
  float sum = 0.0f;
  for (long long at = static_cast<long long>(threadIdx.x); at < W::n * W::out; at += kThreads) {
    const long long output = at % W::out, item = at / W::out, pixel = W::pixel(output, tap);
    if (pixel >= 0)
      sum += load<float>(x[(item * W::c + channel) * W::in + pixel]) *
             load<float>(dy[(item * W::k + filter) * W::out + output]);
  }
  sum = over_block<Sum>(sum);
  if (threadIdx.x == 0) dw[i] = sum;
}

// Poolings take each channel by itself: c and k are 1, n counts the planes. `index` is the pixel of the first maximum.
template <typename W, typename X>
__device__ inline void max_pool(const X *x, X *y, int *index) {
  const long long i = this_thread();
  if (i >= W::n * W::out) return;
  const X *const plane = x + i / W::out * W::in;
  long long best = -1;
  float most = 0.0f;
  for (long long tap = 0; tap < W::taps; ++tap) {
    const long long pixel = W::pixel(i % W::out, tap);
    if (pixel < 0) continue;
    const float value = load<float>(plane[pixel]);
    if (best < 0 || value > most || (value != value && most == most)) {
      best = pixel;
      most = value;
    }
  }
  if (y != nullptr) y[i] = plane[best];
  if (index != nullptr) index[i] = static_cast<int>(best);
}

// A block a plane. A thread has every kThreads-th pixel, and adds in the order of the outputs.
template <long long in, long long out, typename Y>
__device__ inline void max_pool_grad(const Y *dy, const int *index, Y *dx) {
  const long long plane = static_cast<long long>(blockIdx.x), thread = static_cast<long long>(threadIdx.x);
  for (long long i = thread; i < in; i += kThreads) dx[plane * in + i] = Store<Y>::of(0.0f);
  for (long long output = 0; output < out; ++output) {
    const long long pixel = static_cast<long long>(index[plane * out + output]);
    if (pixel % kThreads != thread || pixel >= in) continue;
    dx[plane * in + pixel] = Store<Y>::of(load<float>(dx[plane * in + pixel]) + load<float>(dy[plane * out + output]));
  }
}

// What the sum of a window is divided by, axis by axis: a number that is given, or how many count. With padding
// counted, `end` is where it ends: beyond it a window overhangs.
template <long long in, long long kernel, long long stride, long long low, long long end, bool counts_padding>
struct Count {
  __device__ static float of(long long output) {
    const long long begin = output * stride - low, last = begin + kernel;
    if (counts_padding) return static_cast<float>((last < end ? last : end) - begin);
    return static_cast<float>((last < in ? last : in) - (begin > 0 ? begin : 0));
  }
};
template <int bits>
struct Given {
  __device__ static float of(long long) { return __int_as_float(bits); }
};

template <long long out1, long long out2, typename C0, typename C1, typename C2>
__device__ inline float divisor(long long output) {
  return C0::of(output / (out1 * out2)) * C1::of(output / out2 % out1) * C2::of(output % out2);
}

template <typename W, long long out1, long long out2, typename C0, typename C1, typename C2, typename X>
__device__ inline void avg_pool(const X *x, X *y) {
  const long long i = this_thread();
  if (i >= W::n * W::out) return;
  float sum = 0.0f;
  for (long long tap = 0; tap < W::taps; ++tap) {
    const long long pixel = W::pixel(i % W::out, tap);
    if (pixel >= 0) sum += load<float>(x[i / W::out * W::in + pixel]);
  }
  y[i] = Store<X>::of(sum / divisor<out1, out2, C0, C1, C2>(i % W::out));
}

template <typename W, long long out1, long long out2, typename C0, typename C1, typename C2, typename X>
__device__ inline void avg_pool_grad(const X *dy, X *dx) {
  const long long i = this_thread();
  if (i >= W::n * W::in) return;
  float sum = 0.0f;
  for (long long tap = 0; tap < W::taps; ++tap) {
    const long long output = W::output(i % W::in, tap);
    if (output >= 0) sum += load<float>(dy[i / W::in * W::out + output]) / divisor<out1, out2, C0, C1, C2>(output);
  }
  dx[i] = Store<X>::of(sum);
}
