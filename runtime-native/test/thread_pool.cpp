// The pool runs every task once, on lanes of its own, again and again.
#include "thread_pool.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "check.h"
#include "status.h"

using dlc::ThreadPool;

TEST("every task runs exactly once") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
      std::atomic<bool> lanes_in_range{true};
      pool.parallel(tasks, [&](int64_t task, int lane) {
        ++runs[static_cast<size_t>(task)];
        if (lane < 0 || lane >= threads) lanes_in_range = false;
      });
      CHECK(lanes_in_range);
      for (const auto &count : runs) CHECK(count == 1);
    }
  }
}

TEST("every lane begins with a part of its own and takes what others leave") {
  ThreadPool pool(3);
  std::atomic<int> arrived{0};
  std::atomic<int64_t> firsts[3] = {-1, -1, -1};
  std::atomic<int> done{0};
  pool.parallel(10, [&](int64_t task, int lane) {
    ++done;
    if (firsts[lane] >= 0) return;
    firsts[lane] = task;
    ++arrived;
    // Until all are here nobody has gone through its part.
    while (arrived < 3) std::this_thread::yield();
  });
  CHECK(firsts[0] == 0 && firsts[1] == 4 && firsts[2] == 7);
  CHECK(done == 10);
  // A lane that stays with one task leaves the rest of its part to the others.
  std::atomic<int> left{9};
  pool.parallel(10, [&](int64_t task, int) {
    if (task != 0) --left;
    while (task == 0 && left > 0) std::this_thread::yield();
  });
  CHECK(left == 0);
}

TEST("two tasks never have one lane at the same time") {
  ThreadPool pool(4);
  std::atomic<int> inside[4] = {};
  std::atomic<bool> alone{true};
  for (int round = 0; round < 200; ++round)
    pool.parallel(16, [&](int64_t, int lane) {
      if (++inside[lane] != 1) alone = false;
      *pool.scratch(lane) = std::byte{1};
      --inside[lane];
    });
  CHECK(alone);
}

TEST("many short jobs, with pauses that let the workers fall asleep") {
  ThreadPool pool(3);
  int64_t sum = 0;
  for (int job = 0; job < 20000; ++job) {
    std::atomic<int64_t> part{0};
    pool.parallel(1 + job % 5, [&](int64_t task, int) { part += task + 1; });
    sum += part;
    if (job % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(sum == 4000 * (1 + 3 + 6 + 10 + 15));
}

TEST("what tasks wrote is seen by the caller") {
  ThreadPool pool(4);
  std::vector<int> values(5000);
  for (int round = 1; round <= 100; ++round) {
    pool.parallel(50, [&](int64_t task, int) {
      for (size_t i = 0; i < 100; ++i) values[static_cast<size_t>(task) * 100 + i] = round;
    });
    bool all = true;
    for (const int value : values) all = all && value == round;
    CHECK(all);
  }
}

TEST("scratch is apart for each lane and aligned") {
  ThreadPool pool(3);
  for (int lane = 0; lane < 3; ++lane) {
    CHECK(reinterpret_cast<uintptr_t>(pool.scratch(lane)) % 64 == 0);
    if (lane > 0) CHECK(pool.scratch(lane) - pool.scratch(lane - 1) == ThreadPool::kLaneScratchBytes);
  }
}

TEST("impossible numbers of threads are refused") {
  for (const int threads : {-1, 257}) {
    bool refused = false;
    try {
      ThreadPool pool(threads);
    } catch (const dlc::Failure &failure) {
      refused = failure.status() == DLC_INVALID_ARGUMENT;
    }
    CHECK(refused);
  }
}
