// Stepping allocates nothing: every way to the heap is counted, in every thread of the process.

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace {

std::atomic<long> allocations{0};
std::atomic<bool> counting{false};

void count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// The C library's own allocator lies behind these names; operator new and every library call go through them. A build
// with sanitizers brings its own malloc and counts in its place.
#if !defined(__SANITIZE_ADDRESS__)
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void *calloc(size_t n, size_t bytes) {
  count();
  return __libc_calloc(n, bytes);
}
void *realloc(void *old, size_t bytes) {
  count();
  return __libc_realloc(old, bytes);
}
void *memalign(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **result, size_t alignment, size_t bytes) {
  count();
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : 12;
}
}
#else
extern "C" void __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                                          void (*)(const volatile void *));
namespace {
const bool hooked = [] {
  __sanitizer_install_malloc_and_free_hooks([](const volatile void *, size_t) { count(); },
                                            [](const volatile void *) {});
  return true;
}();
}  // namespace
#endif

#include <algorithm>

#include "check.h"
#include "dlc.h"
#include "plan_writer.h"

using namespace dlc::test;

namespace {

// Work for several lanes in every kind of loop, on top of the small plan.
WPlan large_plan() {
  WPlan plan = small_plan();
  WProgram large;
  large.name = "large";
  const uint64_t n = 512 * 512, bytes = n * 4;
  large.arena_bytes = 4 * bytes + 256;
  large.tensors = {{"x", DLC_F32, 0, {512, 512}, 0},         {"y", DLC_F32, 0, {512, 512}, bytes},
                   {"z", DLC_F32, 0, {512, 512}, 2 * bytes}, {"sum", DLC_F32, 0, {}, 3 * bytes},
                   {"rng", DLC_I64, 0, {2}, 3 * bytes + 64}, {"rows", DLC_F32, 0, {512}, 3 * bytes + 128}};
  large.inputs = {{"x", 0}, {"rng", 4}};
  large.outputs = {{"sum", 3}, {"z", 2}};
  large.steps = {
      {"transpose", {0}, {1}, {{"perm", std::vector<double>{1, 0}}}},
      {"fused_elementwise", {0, 1}, {2}, {{"program", std::string("a = mul(%0, %1); b = tanh(a); yield b")}}},
      {"dropout", {2, 4}, {2}, {{"rate", 0.5}, {"stream", 1.0}}},
      {"random_normal",
       {4},
       {1},
       {{"shape", std::vector<double>{512, 512}}, {"mean", 0.0}, {"std", 1.0}, {"stream", 2.0}, {"truncated", true}}},
      {"matmul", {1, 2}, {0}, {{"transpose_a", false}, {"transpose_b", false}}},
      {"softmax", {0}, {2}, {{"axis", 1.0}}},
      {"reduce_sum", {2}, {5}, {{"axes", std::vector<double>{0}}, {"keepdims", false}}},
      {"reduce_sum", {2}, {3}, {{"axes", std::vector<double>{0, 1}}, {"keepdims", false}}},
      {"check_finite", {3}, {3}, {{"what", std::string("sum")}}},
  };
  plan.programs.push_back(large);
  return plan;
}

}  // namespace

TEST("running steps allocates nothing, in no thread") {
  const std::vector<std::byte> blob = PlanWriter().write(large_plan());
  const dlc_options options = {DLC_ABI_VERSION, 3, nullptr};
  dlc_runtime *runtime = nullptr;
  dlc_session *session = nullptr;
  CHECK(dlc_runtime_create(&options, &runtime) == DLC_OK);
  if (!CHECK(dlc_session_create(runtime, blob.data(), blob.size(), &session) == DLC_OK))
    std::printf("    %s\n", dlc_runtime_error(runtime));
  std::vector<float> x(8 * 512 * 512, 0.5f), z(8 * 512 * 512), sums(8);
  std::vector<int64_t> rng(16, 3);
  const void *inputs[] = {x.data(), rng.data()};
  void *outputs[] = {sums.data(), z.data()};

  counting = true;
  std::vector<int> *one = new std::vector<int>(1);
  counting = false;
  CHECK(allocations.exchange(0) == 2);  // the counter counts
  delete one;

  for (const uint32_t program : {1u, 0u}) {
    const std::vector<float> small_x(6 * 8, 1);
    std::vector<float> small_y(8 * 8);
    if (program == 0) inputs[0] = small_x.data(), outputs[1] = small_y.data();
    counting = true;
    const dlc_status status = dlc_session_run(session, program, 8, inputs, 2, outputs, 2, nullptr);
    counting = false;
    CHECK(status == DLC_OK);
    CHECK(allocations.exchange(0) == 0);
  }
  // Nor do loops and branches.
  {
    const std::vector<std::byte> loops = PlanWriter().write(looping_plan());
    dlc_session *looping = nullptr;
    CHECK(dlc_session_create(runtime, loops.data(), loops.size(), &looping) == DLC_OK);
    const std::vector<float> xs(6, 0.5f);
    const uint8_t p = 1;
    const void *given[] = {xs.data(), &p};
    void *taken[] = {nullptr, nullptr, nullptr, nullptr, nullptr};
    counting = true;
    const dlc_status looped = dlc_session_run(looping, 0, 1, given, 2, taken, 5, nullptr);
    counting = false;
    CHECK(looped == DLC_OK);
    CHECK(allocations.exchange(0) == 0);
    dlc_session_destroy(looping);
  }
  // Nor does a step that fails.
  std::fill_n(x.begin(), 100, __builtin_nanf(""));  // more than dropout can drop
  inputs[0] = x.data();
  outputs[1] = z.data();
  counting = true;
  const dlc_status status = dlc_session_run(session, 1, 1, inputs, 2, outputs, 2, nullptr);
  counting = false;
  CHECK(status == DLC_NON_FINITE);
  CHECK(allocations.exchange(0) == 0);
  dlc_session_destroy(session);
  dlc_runtime_destroy(runtime);
}
