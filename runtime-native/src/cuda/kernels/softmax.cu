// Softmax over an axis and its loss. A block has a line: [outer, classes, inner], line `blockIdx.x` of outer x inner.

template <long long classes, long long inner>
struct Line {
  __device__ static long long begin() {
    const long long line = static_cast<long long>(blockIdx.x);
    return line / inner * classes * inner + line % inner;
  }
};

// The largest value of a line, and the sum of the exponentials of what the others lack to it.
template <long long classes, long long inner, typename X>
__device__ inline void line_sums(const X *x, float &most, float &sum) {
  most = -infinity();
  for (long long c = static_cast<long long>(threadIdx.x); c < classes; c += kThreads)
    most = Max::of(most, load<float>(x[c * inner]));
  most = over_block<Max>(most);
  sum = 0.0f;
  for (long long c = static_cast<long long>(threadIdx.x); c < classes; c += kThreads)
    sum += expf(load<float>(x[c * inner]) - most);
  sum = over_block<Sum>(sum);
}

template <long long classes, long long inner, bool logarithm, typename X>
__device__ inline void softmax(const X *x, X *y) {
  const long long begin = Line<classes, inner>::begin();
  float most, sum;
  line_sums<classes, inner>(x + begin, most, sum);
  const float offset = logf(sum);
  for (long long c = static_cast<long long>(threadIdx.x); c < classes; c += kThreads) {
    const float value = load<float>(x[begin + c * inner]) - most;
    y[begin + c * inner] = Store<X>::of(logarithm ? value - offset : expf(value) / sum);
  }
}

// Smoothing: how much of each target goes to all classes alike, in parts of 2^40, so that it can be a number of a
// template.
template <long long classes, long long inner, bool ignores, long long ignored, long long smoothing, typename X,
          typename L>
__device__ inline void softmax_cross_entropy(Fault *fault, unsigned step, const X *logits, const L *labels,
                                             const float *dloss, const float *weights, float *loss, float *weight,
                                             X *dlogits) {
  const long long line = static_cast<long long>(blockIdx.x), begin = Line<classes, inner>::begin();
  const int thread = static_cast<int>(threadIdx.x);
  const double smooth = static_cast<double>(smoothing) / 1099511627776.0;
  const double share = smooth / static_cast<double>(classes);
  const X *const x = logits + begin;
  float most, sum;
  line_sums<classes, inner>(x, most, sum);
  const float offset = most + logf(sum);
  const long long label = static_cast<long long>(labels[line]);
  const bool is_class = label >= 0 && label < classes, is_ignored = ignores && label == ignored;
  const bool counts = is_class && !is_ignored;
  if (!is_class && !is_ignored && thread == 0) report(fault, step, static_cast<unsigned long long>(line), label);

  // Of all classes: their weights, and their losses weighed.
  double total = static_cast<double>(classes), losses = 0.0;
  if (smoothing != 0 || weights != nullptr) {
    double own_total = 0.0, own_losses = 0.0;
    for (long long c = thread; c < classes; c += kThreads) {
      const double w = weights != nullptr ? static_cast<double>(weights[c]) : 1.0;
      own_total += w;
      own_losses += w * static_cast<double>(offset - load<float>(x[c * inner]));
    }
    total = over_block<Sum>(own_total);
    losses = over_block<Sum>(own_losses);
  }
  const float own_weight = counts ? (weights != nullptr ? weights[label] : 1.0f) : 0.0f;
  if (thread == 0) {
    const double sharp =
        counts ? static_cast<double>(own_weight) * static_cast<double>(offset - load<float>(x[label * inner])) : 0.0;
    if (loss != nullptr)
      loss[line] = counts ? static_cast<float>((1.0 - smooth) * sharp + (smoothing != 0 ? share * losses : 0.0)) : 0.0f;
    if (weight != nullptr) weight[line] = own_weight;
  }
  if (dlogits == nullptr) return;
  // Everyone has read the logits that the loss needs before they may be written over.
  __syncthreads();
  const double d = dloss != nullptr && counts ? static_cast<double>(dloss[line]) : 0.0;
  const double own = (1.0 - smooth) * static_cast<double>(own_weight);
  const float factor = static_cast<float>(d * (own + share * total) / static_cast<double>(sum));
  for (long long c = thread; c < classes; c += kThreads) {
    const float w = weights != nullptr ? weights[c] : 1.0f;
    float value = expf(load<float>(x[c * inner]) - most) * factor - w * static_cast<float>(d * share);
    if (c == label) value -= static_cast<float>(d * own);
    dlogits[begin + c * inner] = Store<X>::of(counts ? value : 0.0f);
  }
}

// Whether fewer than `most` classes stand before the label.
template <long long lines, long long classes, long long inner, long long most, typename L>
__device__ inline void in_top_k(const float *logits, const L *labels, Bool *y) {
  const long long line = this_thread();
  if (line >= lines) return;
  const float *const x = logits + line / inner * classes * inner + line % inner;
  const long long label = static_cast<long long>(labels[line]);
  bool in = label >= 0 && label < classes;
  if (in) {
    const float own = x[label * inner];
    long long before = 0;
    for (long long c = 0; c < classes; ++c) {
      const float other = x[c * inner];
      if (c != label && !(other < own || (other == own && c > label))) ++before;
    }
    in = before < most && own == own;
  }
  y[line] = Bool{static_cast<unsigned char>(in ? 1 : 0)};
}
