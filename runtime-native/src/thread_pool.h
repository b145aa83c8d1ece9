// A pool of threads that runs independent tasks. How the work is cut into tasks is decided by the caller from shapes
// alone, never from the number of threads; so results have the same bits at any thread count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace dlc {

// A non-owning reference to a callable void(int64_t task, int lane): no allocation, unlike std::function.
class TaskRef {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, TaskRef>)
      TaskRef(F &&f)  // NOLINT(google-explicit-constructor): made at every call site from a lambda
      : object_(const_cast<void *>(static_cast<const void *>(&f))), call_([](void *object, int64_t task, int lane) {
          (*static_cast<std::remove_reference_t<F> *>(object))(task, lane);
        }) {}
  void operator()(int64_t task, int lane) const { call_(object_, task, lane); }

 private:
  void *object_;
  void (*call_)(void *, int64_t, int);
};

class ThreadPool {
 public:
  // Scratch that each lane owns for packing and the like, 64-byte aligned, allocated with the pool.
  static constexpr size_t kLaneScratchBytes = size_t{2} << 20;

  // threads == 0: one for each core this process may use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const;
  // Runs f(task, lane) for task in [0, tasks), the calling thread being lane 0; lanes are in [0, threads()).
  // Returns when all are done. Allocates nothing. Tasks must not call parallel themselves.
  void parallel(int64_t tasks, TaskRef f);
  std::byte *scratch(int lane);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dlc
