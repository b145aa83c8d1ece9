// Philox4x32-10, key (seed low, seed high), counter (block, attempt, stream, step), and what is drawn of it
// (docs/architecture.md): the numbers are those of the CPU.

struct Draw {
  unsigned lane[4];
};

__device__ inline Draw philox(const long long *rng, unsigned stream, unsigned block, unsigned attempt) {
  const unsigned long long seed = static_cast<unsigned long long>(rng[0]);
  unsigned k0 = static_cast<unsigned>(seed), k1 = static_cast<unsigned>(seed >> 32);
  Draw d = {{block, attempt, stream, static_cast<unsigned>(rng[1])}};
  for (int round = 0; round < 10; ++round) {
    const unsigned long long p0 = 0xD2511F53ULL * d.lane[0], p1 = 0xCD9E8D57ULL * d.lane[2];
    d = Draw{{static_cast<unsigned>(p1 >> 32) ^ d.lane[1] ^ k0, static_cast<unsigned>(p1),
              static_cast<unsigned>(p0 >> 32) ^ d.lane[3] ^ k1, static_cast<unsigned>(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return d;
}

// The (seed, step) of one iteration of a loop.
__device__ inline void fold_rng(const long long *rng, const int *index, long long *folded) {
  if (this_thread() != 0) return;
  const Draw d = philox(rng, 0x464f4c44u, static_cast<unsigned>(*index), 0xffffffffu);
  folded[0] = static_cast<long long>(d.lane[0]) + 4294967296LL * static_cast<long long>(d.lane[1] >> 11);
  folded[1] = static_cast<long long>(d.lane[2]);
}

// The 24 bits of an element's uniform draw.
__device__ inline unsigned uniform_bits(const long long *rng, unsigned stream, long long i) {
  return philox(rng, stream, static_cast<unsigned>(i / 4), 0).lane[i % 4] >> 8;
}

// Numbers of templates that are floats come by their bits.
template <long long elements, unsigned stream, int low, int high>
__device__ inline void random_uniform(const long long *rng, float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const float u = static_cast<float>(uniform_bits(rng, stream, i)) * 5.9604644775390625e-8f;
  y[i] = __int_as_float(low) + (__int_as_float(high) - __int_as_float(low)) * u;
}

template <long long elements, unsigned stream, int mean, int deviation, bool truncated>
__device__ inline void random_normal(const long long *rng, float *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  double z = 3.0;
  for (unsigned attempt = 0; attempt == 0 || (truncated && fabs(z) > 2.0); ++attempt) {
    const Draw d = philox(rng, stream, static_cast<unsigned>(i), attempt);
    const double u = static_cast<double>((d.lane[0] >> 8) + 1) * 5.9604644775390625e-8;
    const double v = static_cast<double>(d.lane[1] >> 8) * 5.9604644775390625e-8;
    z = sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
  }
  y[i] = __int_as_float(mean) + __int_as_float(deviation) * static_cast<float>(z);
}

template <long long elements, unsigned stream, unsigned least, int scale, typename X>
__device__ inline void dropout(const X *x, const long long *rng, X *y) {
  const long long i = this_thread();
  if (i >= elements) return;
  const bool kept = uniform_bits(rng, stream, i) >= least;
  y[i] = Store<X>::of(kept ? load<float>(x[i]) * __int_as_float(scale) : 0.0f);
}
