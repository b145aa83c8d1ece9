// CUDA C++ on the host, as far as the kernels use it: put before a module's source, it makes the kernels functions that
// run block by block, thread by thread. Threads are fibers, which change at __syncthreads(); a kernel without one never
// changes.
#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

namespace emulation {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  Index thread;
};

inline Index thread, block, threads;
inline std::vector<Fiber> fibers;
inline std::vector<size_t> idle, waiting;
inline size_t running;
inline ucontext_t scheduler;
inline unsigned next_thread;
inline void (*body)(void **);
inline void **arguments;

// A fiber runs threads that have not begun until there are none left.
inline void work() {
  for (;;) {
    while (next_thread < threads.x) {
      thread.x = next_thread++;
      body(arguments);
    }
    const size_t own = running;
    idle.push_back(own);
    swapcontext(&fibers[own].context, &scheduler);
  }
}

inline void resume(size_t fiber) {
  running = fiber;
  thread = fibers[fiber].thread;
  swapcontext(&scheduler, &fibers[fiber].context);
}

inline size_t idle_fiber() {
  if (idle.empty()) {
    fibers.reserve(1024);
    Fiber &made = fibers.emplace_back();
    made.stack.resize(65536);
    getcontext(&made.context);
    made.context.uc_stack.ss_sp = made.stack.data();
    made.context.uc_stack.ss_size = made.stack.size();
    makecontext(&made.context, work, 0);
    return fibers.size() - 1;
  }
  const size_t fiber = idle.back();
  idle.pop_back();
  return fiber;
}

inline void launch(void (*kernel)(void **), unsigned blocks, unsigned block_threads, void **values) {
  body = kernel;
  arguments = values;
  threads = {block_threads, 1, 1};
  for (block = {}; block.x < blocks; ++block.x) {
    next_thread = 0;
    while (next_thread < threads.x) resume(idle_fiber());
    while (!waiting.empty()) {
      const std::vector<size_t> all = std::exchange(waiting, {});
      for (const size_t fiber : all) resume(fiber);
    }
  }
}

template <typename... A, size_t... I>
void call(void (*kernel)(A...), void **values, std::index_sequence<I...>) {
  kernel(*static_cast<std::remove_reference_t<A> *>(values[I])...);
}
template <typename... A>
void call(void (*kernel)(A...), void **values) {
  call(kernel, values, std::index_sequence_for<A...>());
}
template <typename... A>
size_t sizes(void (*)(A...), size_t *bytes) {
  const size_t all[] = {sizeof(A)...};
  std::memcpy(bytes, all, sizeof all);
  return sizeof...(A);
}

}  // namespace emulation

#define threadIdx (emulation::thread)
#define blockIdx (emulation::block)
#define blockDim (emulation::threads)

inline void __syncthreads() {
  const size_t own = emulation::running;
  emulation::fibers[own].thread = emulation::thread;
  emulation::waiting.push_back(own);
  swapcontext(&emulation::fibers[own].context, &emulation::scheduler);
}

template <typename T>
T atomicCAS(T *at, T expected, T wanted) {
  const T before = *at;
  if (before == expected) *at = wanted;
  return before;
}
template <typename T>
T atomicMax(T *at, T value) {
  const T before = *at;
  if (value > before) *at = value;
  return before;
}

inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline double __longlong_as_double(long long bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
