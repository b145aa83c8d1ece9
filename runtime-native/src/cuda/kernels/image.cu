// Images read at any points, linear maps along an axis, responses across channels. Places are counted in floats; what
// lies farther than 2^22 pixels away, or is no number, is moved there first, as on the CPU.

// Borders; what is none of these wraps.
enum : int { kConstant = 0, kEdge = 1, kReflect = 2, kSymmetric = 3 };

// The pixel of one axis that stands at place i, and whether there is one (1 or 0).
template <int border>
__device__ inline float place(float i, float extent, float &inside) {
  float at = i;
  if (border == kConstant) {
    inside *= i >= 0.0f && i < extent ? 1.0f : 0.0f;
  } else if (border != kEdge) {
    const float period = border == kSymmetric ? 2.0f * extent
                         : border == kReflect ? (extent > 1.0f ? 2.0f * extent - 2.0f : 1.0f)
                                              : extent;
    at = i - period * floorf(i / period);
    if (border == kSymmetric && at >= extent) at = period - 1.0f - at;
    if (border == kReflect && at >= extent) at = period - at;
  }
  at = at > 0.0f ? at : 0.0f;
  return at < extent - 1.0f ? at : extent - 1.0f;
}

__device__ inline float held(float x) {
  const float low = x > -4194304.0f ? x : -4194304.0f;
  return low < 4194304.0f ? low : 4194304.0f;
}

// Where output `at` of image `image` is read: by a map of six numbers, or from a list of pairs.
template <bool maps, long long rows, long long columns>
__device__ inline void point(const float *points, long long image, long long at, float &x, float &y) {
  if (maps) {
    const float *const t = points + 6 * image;
    const float i = static_cast<float>(at / columns), j = static_cast<float>(at % columns);
    x = held(t[0] * j + (t[1] * i + t[2]));
    y = held(t[3] * j + (t[4] * i + t[5]));
  } else {
    x = held(points[2 * (image * rows * columns + at)]);
    y = held(points[2 * (image * rows * columns + at) + 1]);
  }
}

// The pixels around a point, upper left, upper right, lower left, lower right.
struct Taps {
  long long index[4];
  float inside[4], weight[4], base, fx, fy;
};

template <int border, long long height, long long width>
__device__ inline Taps taps_of(float x, float y, float value) {
  const float h = static_cast<float>(height), w = static_cast<float>(width);
  const float left = floorf(x), top = floorf(y);
  Taps taps;
  taps.fx = x - left;
  taps.fy = y - top;
  float in_x[2] = {1.0f, 1.0f}, in_y[2] = {1.0f, 1.0f};
  const long long columns[2] = {static_cast<long long>(place<border>(left, w, in_x[0])),
                                static_cast<long long>(place<border>(left + 1.0f, w, in_x[1]))};
  const long long rows[2] = {static_cast<long long>(place<border>(top, h, in_y[0])),
                             static_cast<long long>(place<border>(top + 1.0f, h, in_y[1]))};
  const float share_x[2] = {1.0f - taps.fx, taps.fx}, share_y[2] = {1.0f - taps.fy, taps.fy};
  for (int t = 0; t < 4; ++t) {
    taps.index[t] = rows[t / 2] * width + columns[t % 2];
    taps.inside[t] = in_y[t / 2] * in_x[t % 2];
    taps.weight[t] = taps.inside[t] * share_y[t / 2] * share_x[t % 2];
  }
  const float across = in_x[0] * share_x[0] + in_x[1] * share_x[1];
  const float down = in_y[0] * share_y[0] + in_y[1] * share_y[1];
  taps.base = value * (1.0f - across * down);
  return taps;
}

// The nearest pixel, -1 beyond a constant border.
template <int border, long long height, long long width>
__device__ inline long long nearest_of(float x, float y) {
  float inside = 1.0f;
  const float column = place<border>(rintf(x), static_cast<float>(width), inside);
  const float row = place<border>(rintf(y), static_cast<float>(height), inside);
  return inside > 0.0f ? static_cast<long long>(row) * width + static_cast<long long>(column) : -1;
}

template <long long elements, long long channels, long long rows, long long columns, long long height, long long width,
          int border, bool maps, int value>
__device__ inline void sample_bilinear(const float *x, const float *points, float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long at = i % (rows * columns), plane = i / (rows * columns);
  float px, py;
  point<maps, rows, columns>(points, plane / channels, at, px, py);
  const Taps taps = taps_of<border, height, width>(px, py, __int_as_float(value));
  float sum = taps.base;
  for (int t = 0; t < 4; ++t)
    if (taps.weight[t] != 0.0f) sum += taps.weight[t] * x[plane * height * width + taps.index[t]];
  y[i] = sum;
}

template <long long elements, long long channels, long long rows, long long columns, long long height, long long width,
          int border, bool maps, unsigned long long fill, typename E>
__device__ inline void sample_nearest(const E *x, const float *points, E *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long at = i % (rows * columns), plane = i / (rows * columns);
  float px, py;
  point<maps, rows, columns>(points, plane / channels, at, px, py);
  const long long pixel = nearest_of<border, height, width>(px, py);
  y[i] = pixel >= 0 ? x[plane * height * width + pixel] : static_cast<E>(fill);
}

// A thread a channel of an image: every sum has one order.
template <long long planes, long long channels, long long rows, long long columns, long long height, long long width,
          int border, bool maps, bool nearest>
__device__ inline void sample_image_grad(const float *dy, const float *points, float *dx) {
  const long long plane = this_thread();
  if (plane >= planes) return;
  float *const to = dx + plane * height * width;
  for (long long i = 0; i < height * width; ++i) to[i] = 0.0f;
  for (long long at = 0; at < rows * columns; ++at) {
    float px, py;
    point<maps, rows, columns>(points, plane / channels, at, px, py);
    const float g = dy[plane * rows * columns + at];
    if (nearest) {
      const long long pixel = nearest_of<border, height, width>(px, py);
      if (pixel >= 0) to[pixel] += g;
      continue;
    }
    const Taps taps = taps_of<border, height, width>(px, py, 0.0f);
    for (int t = 0; t < 4; ++t)
      if (taps.weight[t] != 0.0f) to[taps.index[t]] += taps.weight[t] * g;
  }
}

template <long long points_in_all, long long channels, long long rows, long long columns, long long height,
          long long width, int border, bool maps, int value>
__device__ inline void sample_image_slope(const float *dy, const float *x, const float *points, float *slopes) {
  const long long i = this_thread();
  if (i >= points_in_all) return;
  const long long at = i % (rows * columns), image = i / (rows * columns);
  float px, py;
  point<maps, rows, columns>(points, image, at, px, py);
  const Taps taps = taps_of<border, height, width>(px, py, 0.0f);
  float along_x = 0.0f, along_y = 0.0f;
  for (long long c = image * channels; c < (image + 1) * channels; ++c) {
    const float g = dy[c * rows * columns + at];
    float v[4];
    for (int t = 0; t < 4; ++t)
      v[t] = taps.inside[t] > 0.0f ? x[c * height * width + taps.index[t]] : __int_as_float(value);
    along_x += g * ((1.0f - taps.fy) * (v[1] - v[0]) + taps.fy * (v[3] - v[2]));
    along_y += g * ((1.0f - taps.fx) * (v[2] - v[0]) + taps.fx * (v[3] - v[1]));
  }
  slopes[2 * i] = along_x;
  slopes[2 * i + 1] = along_y;
}

// y[i] = the sum of weights times elements of x along an axis; Table has `taps` of each of `size` results.
template <typename Table, long long elements, long long size, long long taps, long long extent, long long inner>
__device__ inline void resample(const float *x, float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long result = i / inner % size;
  const float *const from = x + i / inner / size * extent * inner + i % inner;
  float sum = 0.0f;
  for (long long at = result * taps; at < (result + 1) * taps; ++at)
    if (Table::weight(at) != 0.0f) sum += Table::weight(at) * from[Table::index(at) * inner];
  y[i] = sum;
}

// k + alpha / size times the sum of squares over the channels around c.
template <long long channels, long long inner, long long size>
__device__ inline float response(const float *x, long long c, float k, float scale) {
  const long long first = c - size / 2, last = c + (size - 1) / 2;
  float sum = 0.0f;
  for (long long j = first < 0 ? 0 : first; j <= (last < channels - 1 ? last : channels - 1); ++j)
    sum += x[j * inner] * x[j * inner];
  return k + scale * sum;
}

template <long long elements, long long channels, long long inner, long long size, int k, int scale, int beta>
__device__ inline void lrn(const float *x, float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long c = i / inner % channels;
  const float s = response<channels, inner, size>(x + i - c * inner, c, __int_as_float(k), __int_as_float(scale));
  y[i] = x[i] * powf(s, -__int_as_float(beta));
}

template <long long elements, long long channels, long long inner, long long size, int k, int scale, int beta>
__device__ inline void lrn_grad(const float *dy, const float *x, float *dx) {
  const long long i = this_thread();
  if (i >= elements) return;
  const long long c = i / inner % channels, begin = i - c * inner;
  const float b = __int_as_float(beta);
  // Those whose sums hold this one.
  const long long first = c - (size - 1) / 2, last = c + size / 2;
  float sum = 0.0f;
  for (long long j = first < 0 ? 0 : first; j <= (last < channels - 1 ? last : channels - 1); ++j) {
    const float s = response<channels, inner, size>(x + begin, j, __int_as_float(k), __int_as_float(scale));
    sum += dy[begin + j * inner] * x[begin + j * inner] * powf(s, -b - 1.0f);
  }
  const float own = response<channels, inner, size>(x + begin, c, __int_as_float(k), __int_as_float(scale));
  dx[i] = dy[i] * powf(own, -b) - 2.0f * __int_as_float(scale) * b * x[i] * sum;
}
