// Sessions on a card that is a stand-in (fake/): what is found and refused, what is launched with which addresses,
// faults of the card and of the data, tracing, memory.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "check.h"
#include "dlc.h"
#include "plan_writer.h"

using namespace dlc::test;

namespace {

void set(const char *name, const std::string &value) {
  setenv(name, value.c_str(), 1);
}

struct Session {
  dlc_runtime *runtime = nullptr;
  dlc_session *session = nullptr;
  dlc_status opened, created = DLC_INVALID_ARGUMENT;

  explicit Session(const WPlan &plan, const std::string &faults = "") {
    set("DLC_CUDA_LIBS", DLC_FAKE_FOLDER);
    set("DLC_FAKE_CUDA", faults);
    // Nowhere: kernels are compiled each time.
    set("DLC_CACHE_DIR", "/dev/null");
    const dlc_options options = {DLC_ABI_VERSION, 1, "cuda"};
    opened = dlc_runtime_create(&options, &runtime);
    if (opened != DLC_OK) return;
    const std::vector<std::byte> blob = PlanWriter().write(plan);
    created = dlc_session_create(runtime, blob.data(), blob.size(), &session);
  }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session() {
    dlc_session_destroy(session);
    dlc_runtime_destroy(runtime);
  }
  std::string reason() const { return session ? dlc_session_error(session) : dlc_runtime_error(runtime); }
  bool says(const std::string &text) const {
    if (reason().find(text) != std::string::npos) return true;
    std::printf("    it says: %s\n", reason().c_str());
    return false;
  }
};

// y = x + 1, then w = w + y, which is a state; y is checked first.
WPlan adding_plan() {
  WPlan plan;
  plan.states = {{"w", DLC_F32, 1, {4}, 0}};
  plan.state_bytes = 64;
  WProgram program;
  program.name = "run";
  program.arena_bytes = 128;
  program.tensors = {{"x", DLC_F32, 0, {4}, 0},
                     {"y", DLC_F32, 0, {4}, 64},
                     {"w", DLC_F32, 1, {4}, 0},
                     {"checked", DLC_F32, 0, {4}, 64}};
  program.inputs = {{"x", 0}};
  program.outputs = {{"y", 3}};
  program.steps = {{"fused_elementwise", {0}, {1}, {{"program", std::string("a = add(%0, 1); yield a")}}},
                   {"check_finite", {1}, {3}, {{"what", std::string("y")}}},
                   {"fused_elementwise", {2, 3}, {2}, {{"program", std::string("a = add(%0, %1); yield a")}}}};
  program.steps[1].line = 7;
  plan.programs = {program};
  return plan;
}

dlc_status run(Session &at, const std::vector<float> &x, std::vector<float> &y, uint32_t steps = 1) {
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  return dlc_session_run(at.session, 0, steps, inputs, 1, outputs, 1, nullptr);
}

std::vector<float> state(Session &at) {
  std::vector<float> w(4);
  CHECK(dlc_session_read_state(at.session, 0, w.data(), 16) == DLC_OK);
  return w;
}

}  // namespace

TEST("steps compute, states are kept from step to step") {
  Session at(adding_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  const std::vector<float> first = {1, 1, 1, 1};
  CHECK(dlc_session_write_state(at.session, 0, first.data(), 16) == DLC_OK);
  std::vector<float> y(8);
  CHECK(run(at, {1, 2, 3, 4, 10, 20, 30, 40}, y, 2) == DLC_OK);
  CHECK(y == std::vector<float>({2, 3, 4, 5, 11, 21, 31, 41}));
  CHECK(state(at) == std::vector<float>({14, 25, 36, 47}));
}

TEST("copies and launches come in the order of the plan, with the addresses that it says") {
  const std::string log = std::string(DLC_FAKE_FOLDER) + "/log";
  std::remove(log.c_str());
  Session at(adding_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  set("DLC_FAKE_CUDA_LOG", log);
  std::vector<float> y(4);
  CHECK(run(at, {1, 2, 3, 4}, y) == DLC_OK);
  unsetenv("DLC_FAKE_CUDA_LOG");
  std::ifstream file(log);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // States from 0 on, the arena from 256 on (no constants between them). #: the step; before it where faults go.
  CHECK(text ==
        "in 256 16\n"
        "launch fused 1 0 #0 256 320\n"
        "launch check_finite 1 0 #1 320 320\n"
        "launch fused 1 0 #2 0 320 0\n"
        "out 320 16\n"
        "out 0 16\n");
  if (check::failures()) std::printf("%s", text.c_str());
}

TEST("a value that is not finite stops the step at its layer, and no state is written after it") {
  Session at(adding_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  std::vector<float> y(4);
  CHECK(run(at, {1, 2, INFINITY, NAN}, y) == DLC_NON_FINITE);
  CHECK(at.says("y is +infinity at element 2 of 4 [layer 'layer' at model.yaml:7:1]"));
  dlc_failure failure;
  CHECK(dlc_session_failure(at.session, &failure) == DLC_OK && failure.kernel == 1);
  CHECK(state(at) == std::vector<float>(4));
  // The next run starts afresh.
  CHECK(run(at, {1, 2, 3, 4}, y) == DLC_OK);
  CHECK(state(at) == std::vector<float>({2, 3, 4, 5}));
}

TEST("tracing finds the first such value and restores the states; profiling too") {
  Session at(adding_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  const std::vector<float> x = {1, 2, 3, 4}, huge = {3e38f, 0, 0, 0};
  const void *inputs[] = {x.data()};
  CHECK(dlc_session_trace(at.session, 0, inputs, 1) == DLC_OK);
  double seconds[3] = {};
  CHECK(dlc_session_profile(at.session, 0, inputs, 1, 2, seconds, 3) == DLC_OK);
  CHECK(seconds[0] > 0 && seconds[1] > 0 && seconds[2] > 0);
  CHECK(state(at) == std::vector<float>(4));
  CHECK(dlc_session_write_state(at.session, 0, huge.data(), 16) == DLC_OK);
  inputs[0] = huge.data();
  CHECK(dlc_session_trace(at.session, 0, inputs, 1) == DLC_NON_FINITE);
  CHECK(at.says("value 'w' holds +infinity at element 0 of 4"));
  CHECK(state(at) == huge);
}

TEST("what is made of states is made again where one is new") {
  Session at(prepared_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  const auto use = [&] {
    const float x[] = {1, 2};
    float y[] = {0, 0};
    const void *inputs[] = {x};
    void *outputs[] = {y};
    CHECK(dlc_session_run(at.session, 1, 1, inputs, 1, outputs, 1, nullptr) == DLC_OK);
    return std::vector<float>(y, y + 2);
  };
  const float w[] = {10, 20};
  CHECK(dlc_session_write_state(at.session, 0, w, 8) == DLC_OK);
  CHECK(use() == std::vector<float>({21, 42}));
  CHECK(dlc_session_run(at.session, 0, 1, nullptr, 0, nullptr, 0, nullptr) == DLC_OK);
  CHECK(use() == std::vector<float>({23, 44}));
}

TEST("a lost card is told, and the host goes on") {
  Session at(adding_plan());
  if (!CHECK(at.created == DLC_OK)) return;
  std::vector<float> y(4);
  set("DLC_FAKE_CUDA", "fail=cuLaunchKernel:2:719");
  CHECK(run(at, {1, 2, 3, 4}, y) == DLC_DEVICE_LOST);
  CHECK(at.says("starting a kernel: CUDA_ERROR_LAUNCH_FAILED"));
  CHECK(run(at, {1, 2, 3, 4}, y) == DLC_DEVICE_LOST);
}

TEST("too little memory is told in bytes") {
  Session at(adding_plan(), "memory=300");
  CHECK(at.created == DLC_OUT_OF_MEMORY);
  CHECK(at.says("the plan needs 384 bytes; the card has 300 bytes free of 300 bytes"));
}

TEST("every call that fails while a session is made is a status with a text") {
  for (const char *call : {"cuCtxSetCurrent", "cuMemGetInfo_v2", "cuMemAlloc_v2", "cuMemsetD8Async", "cuModuleLoadData",
                           "cuModuleGetFunction", "cuStreamSynchronize"}) {
    Session at(adding_plan(), std::string("fail=") + call + ":1:700");
    CHECK(at.opened == DLC_DEVICE_LOST || at.created == DLC_DEVICE_LOST);
    CHECK(at.says("CUDA_ERROR_ILLEGAL_ADDRESS"));
  }
  Session at(adding_plan(), "compile=fails");
  CHECK(at.created == DLC_INTERNAL && at.says("error: it was said to fail"));
}

TEST("a driver that lacks a function is not taken") {
  set("DLC_CUDA_LIBS", std::string(DLC_FAKE_FOLDER) + "/incomplete");
  const dlc_options options = {DLC_ABI_VERSION, 1, "cuda"};
  dlc_runtime *runtime = nullptr;
  CHECK(dlc_runtime_create(&options, &runtime) == DLC_UNSUPPORTED);
  CHECK(std::string(dlc_runtime_error(runtime)).find("it has no function cuLaunchKernel") != std::string::npos);
  dlc_runtime_destroy(runtime);
}

TEST("an op without a kernel is named with its place, and what a hostile plan says is refused as on the CPU") {
  WPlan plan = adding_plan();
  WProgram &program = plan.programs[0];
  for (WTensor &tensor : program.tensors) tensor.shape = {2, 2};
  program.tensors[2].space = 0;
  program.steps = {{"fused_matmul", {0, 0}, {1}, {{"program", std::string("yield %0")}}}};
  Session missing(plan);
  CHECK(missing.created == DLC_UNSUPPORTED);
  CHECK(missing.says("program 'run', layer 'layer' at model.yaml:1:1: there is no CUDA kernel for 'fused_matmul' yet"));
  plan = adding_plan();
  plan.programs[0].tensors[1].shape = {5};
  Session hostile(plan);
  CHECK(hostile.created == DLC_BAD_PLAN);
}
