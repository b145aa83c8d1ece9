// The pool: workers that claim tasks one by one, each from a part of its own first, so that what a core has in its
// cache from one job is what it works on in the next; then what others have left. A job is opened and closed by the
// caller; a worker that wakes too late finds it closed and never delays anyone, so a core that other processes use
// costs only its share of the work. Waiting is a short spin, then sleep in the kernel.
#include "thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "memory.h"
#include "status.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dlc {
namespace {

constexpr int kMostThreads = 256;
constexpr auto kSpin = std::chrono::microseconds(40);

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// CPU time that a container may use, in cores; 0 where it is not limited.
int cgroup_cores() {
  FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file) return 0;
  long quota = 0, period = 0;
  const int read = std::fscanf(file, "%ld %ld", &quota, &period);
  std::fclose(file);
  if (read != 2 || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::clamp<long>((quota + period - 1) / period, 1, kMostThreads));
}

int usable_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  if (const int limit = cgroup_cores()) cores = std::min(cores, limit);
  return std::clamp(cores, 1, kMostThreads);
}

// Spins, at most for kSpin, until `ready()`.
template <typename F>
bool spin_until(F ready) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause();
    }
    if (std::chrono::steady_clock::now() - start > kSpin) return ready();
  }
}

}  // namespace

struct ThreadPool::Impl {
  // state: generation (bits 17..30) | open (bit 16) | workers inside (bits 0..15). One word, so that joining an open
  // job and the job's closing can't pass each other.
  static constexpr int kInside = 0xffff;
  static constexpr int kOpen = 0x10000;
  static constexpr int kGeneration = 0x20000;
  static constexpr int kGenerations = 0x7ffe0000;

  // The tasks that a lane begins with, those from `next` on not yet claimed by anyone.
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  alignas(64) std::atomic<int> state{0};
  alignas(64) const TaskRef *task = nullptr;
  std::atomic<bool> stop{false};
  const int threads;
  AlignedBuffer scratch;
  std::vector<Part> parts;  // one for each lane
  std::vector<std::thread> workers;
  std::latch ready;

  explicit Impl(int count) : threads(count), parts(static_cast<size_t>(count)), ready(count - 1) {}

  void divide(int64_t tasks) {
    int64_t begin = 0;
    for (size_t lane = 0; lane < parts.size(); ++lane) {
      const int64_t left = tasks - begin, lanes = static_cast<int64_t>(parts.size() - lane);
      parts[lane].next.store(begin, std::memory_order_relaxed);
      parts[lane].end = begin += (left + lanes - 1) / lanes;
    }
  }

  void claim(int lane) {
    const auto own = static_cast<size_t>(lane);
    for (size_t i = 0; i < parts.size(); ++i) {
      Part &part = parts[own + i < parts.size() ? own + i : own + i - parts.size()];
      // Looked at before: an empty part of somebody else stays in the caches of all.
      while (part.next.load(std::memory_order_relaxed) < part.end) {
        const int64_t claimed = part.next.fetch_add(1, std::memory_order_relaxed);
        if (claimed < part.end) (*task)(claimed, lane);
      }
    }
  }

  void work(int lane) {
    ready.count_down();
    int seen = 0;  // the generation that this worker has been through
    for (;;) {
      int now = state.load(std::memory_order_acquire);
      const auto news = [&] {
        now = state.load(std::memory_order_acquire);
        return (now & kGenerations) != seen || stop.load(std::memory_order_relaxed);
      };
      if (!spin_until(news)) {
        // Sleep as long as the word does not change at all; a worker that joins or leaves wakes nobody.
        state.wait(now, std::memory_order_acquire);
        continue;
      }
      if (stop.load(std::memory_order_acquire)) return;
      seen = now & kGenerations;
      while (now & kOpen) {
        if (!state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
        claim(lane);
        const int before = state.fetch_sub(1, std::memory_order_acq_rel);
        // The last one out of a closed job; the caller may be asleep on the word.
        if (!(before & kOpen) && (before & kInside) == 1) state.notify_all();
        break;
      }
    }
  }

  ~Impl() {
    stop.store(true, std::memory_order_release);
    state.fetch_add(kGeneration, std::memory_order_acq_rel);
    state.notify_all();
    for (std::thread &worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads) {
  if (threads < 0 || threads > kMostThreads) throw Failure(DLC_INVALID_ARGUMENT, "threads: at most 256");
  impl_ = std::make_unique<Impl>(threads == 0 ? usable_cores() : threads);
  impl_->scratch = AlignedBuffer(kLaneScratchBytes * static_cast<size_t>(impl_->threads));
  impl_->workers.reserve(static_cast<size_t>(impl_->threads));
  try {
    for (int lane = 1; lane < impl_->threads; ++lane)
      impl_->workers.emplace_back([impl = impl_.get(), lane] { impl->work(lane); });
  } catch (const std::system_error &) {
    throw Failure(DLC_OUT_OF_MEMORY, "the system refuses to start another thread");
  }
  // What threads allocate when they start is behind us when the first step runs.
  impl_->ready.wait();
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const {
  return impl_->threads;
}

std::byte *ThreadPool::scratch(int lane) {
  return impl_->scratch.data() + kLaneScratchBytes * static_cast<size_t>(lane);
}

void ThreadPool::parallel(int64_t tasks, TaskRef f) {
  Impl &impl = *impl_;
  if (tasks <= 1 || impl.threads == 1) {
    for (int64_t i = 0; i < tasks; ++i) f(i, 0);
    return;
  }
  impl.task = &f;
  impl.divide(tasks);
  // Nobody is inside a closed job, so the word is ours: open the next generation.
  const int generation = (impl.state.load(std::memory_order_relaxed) + Impl::kGeneration) & Impl::kGenerations;
  impl.state.store(generation | Impl::kOpen, std::memory_order_release);
  impl.state.notify_all();
  impl.claim(0);
  int now = impl.state.fetch_and(~Impl::kOpen, std::memory_order_acq_rel) & ~Impl::kOpen;
  while (now & Impl::kInside) {
    const auto empty = [&] { return !((now = impl.state.load(std::memory_order_acquire)) & Impl::kInside); };
    if (spin_until(empty)) break;
    impl.state.wait(now, std::memory_order_acquire);
    now = impl.state.load(std::memory_order_acquire);
  }
}

}  // namespace dlc
