// What every kernel stands on: the dtypes of a plan, reading and writing them, sums over a block, reports of values
// that should not be. No header is included: the source is complete as it is given to the compiler. Indices are 64 bits
// wide; a block has kThreads threads unless a family says otherwise. Nothing depends on the order in which blocks run.

constexpr int kThreads = 256;

struct Bf16 {
  unsigned short bits;
};
struct Bool {
  unsigned char byte;
};

// The first stray value of a run: of the first step that has one, the first position. Zeroed before the run.
struct Fault {
  unsigned step;  // its number + 1
  unsigned unused;
  unsigned long long key;  // ~(position << 32 | the value, as 32 bits)
};

__device__ inline void report(Fault *fault, unsigned step, unsigned long long position, long long value) {
  const unsigned before = atomicCAS(&fault->step, 0u, step + 1);
  if (before != 0 && before != step + 1) return;
  const long long least = -2147483647LL - 1, most = 2147483647LL;
  const long long held = value < least ? least : value > most ? most : value;
  const unsigned long long key = position << 32 | static_cast<unsigned>(static_cast<int>(held));
  atomicMax(&fault->key, ~key);
}

__device__ inline long long this_thread() {
  return static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ inline float infinity() {
  return __int_as_float(0x7f800000);
}
__device__ inline float not_a_number() {
  return __int_as_float(0x7fc00000);
}

// The nearest bfloat16, ties to even; NaN stays NaN.
__device__ inline unsigned short narrow(float x) {
  const unsigned bits = static_cast<unsigned>(__float_as_int(x));
  const unsigned nearest = bits + 0x7fffu + (bits >> 16 & 1u);
  return static_cast<unsigned short>((x == x ? nearest : bits | 0x400000u) >> 16);
}
__device__ inline float widen(unsigned short bits) {
  return __int_as_float(static_cast<int>(static_cast<unsigned>(bits) << 16));
}

// Values in the type that is computed in.
template <typename T, typename S>
__device__ inline T load(S value) {
  return static_cast<T>(value);
}
template <typename T>
__device__ inline T load(Bf16 value) {
  return static_cast<T>(widen(value.bits));
}
template <typename T>
__device__ inline T load(Bool value) {
  return static_cast<T>(value.byte != 0 ? 1 : 0);
}

// To an integer: truncated, held at the ends of the range, NaN to 0. To bool: unequal to 0.
template <typename D>
struct Store {};
template <>
struct Store<float> {
  template <typename T>
  __device__ static float of(T value) {
    return static_cast<float>(value);
  }
};
template <>
struct Store<double> {
  template <typename T>
  __device__ static double of(T value) {
    return static_cast<double>(value);
  }
};
template <>
struct Store<Bf16> {
  template <typename T>
  __device__ static Bf16 of(T value) {
    return Bf16{narrow(static_cast<float>(value))};
  }
};
template <>
struct Store<Bool> {
  template <typename T>
  __device__ static Bool of(T value) {
    return Bool{static_cast<unsigned char>(value != T(0) ? 1 : 0)};
  }
};

__device__ inline long long hold(long long value, long long least, long long most) {
  return value < least ? least : value > most ? most : value;
}
__device__ inline long long hold(double value, long long least, long long most) {
  if (value != value) return 0;
  if (value <= static_cast<double>(least)) return least;
  // 2^63 is exact in double, the largest integer is not.
  if (value >= static_cast<double>(most)) return most;
  return static_cast<long long>(value);
}
__device__ inline long long hold(float value, long long least, long long most) {
  return hold(static_cast<double>(value), least, most);
}
template <>
struct Store<unsigned char> {
  template <typename T>
  __device__ static unsigned char of(T value) {
    return static_cast<unsigned char>(hold(value, 0, 255));
  }
};
template <>
struct Store<int> {
  template <typename T>
  __device__ static int of(T value) {
    return static_cast<int>(hold(value, -2147483647LL - 1, 2147483647LL));
  }
};
template <>
struct Store<long long> {
  template <typename T>
  __device__ static long long of(T value) {
    return hold(value, -9223372036854775807LL - 1, 9223372036854775807LL);
  }
};

struct Sum {
  template <typename T>
  __device__ static T of(T a, T b) {
    return a + b;
  }
};
// A NaN wins.
struct Max {
  template <typename T>
  __device__ static T of(T a, T b) {
    return a != a || a > b ? a : b;
  }
};

// `value` of all threads of the block, combined in one order; every thread is given the result. `of` tells calls apart
// that follow each other.
template <typename Combine, typename T>
__device__ inline T over_block(T value) {
  __shared__ T all[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  all[thread] = value;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread < half) all[thread] = Combine::of(all[thread], all[thread + half]);
    __syncthreads();
  }
  const T result = all[0];
  __syncthreads();
  return result;
}
