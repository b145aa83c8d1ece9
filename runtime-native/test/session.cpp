// Sessions through the C ABI: results, states, failures with their place, cancelling, tracing, memory.
#include <atomic>
#include <cmath>
#include <string>
#include <thread>

#include "check.h"
#include "dlc.h"
#include "plan_writer.h"

using namespace dlc::test;

namespace {

struct Session {
  dlc_runtime *runtime = nullptr;
  dlc_session *session = nullptr;
  dlc_status status = DLC_OK;

  explicit Session(const WPlan &plan, uint32_t threads = 2) : Session(PlanWriter().write(plan), threads) {}
  explicit Session(const std::vector<std::byte> &blob, uint32_t threads = 2) {
    const dlc_options options = {DLC_ABI_VERSION, threads, nullptr};
    CHECK(dlc_runtime_create(&options, &runtime) == DLC_OK);
    status = dlc_session_create(runtime, blob.data(), blob.size(), &session);
  }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session() {
    dlc_session_destroy(session);
    dlc_runtime_destroy(runtime);
  }
  std::string reason() const { return session ? dlc_session_error(session) : dlc_runtime_error(runtime); }
};

struct Step {
  std::vector<float> x = {1, 2, 3, -1, 0, 1};
  std::vector<int64_t> rng = {5, 1};
  std::vector<float> loss = {0};
  std::vector<float> y = std::vector<float>(8);

  dlc_status run(Session &at, uint32_t steps, uint32_t *done = nullptr) {
    const void *inputs[] = {x.data(), rng.data()};
    void *outputs[] = {loss.data(), y.data()};
    return dlc_session_run(at.session, 0, steps, inputs, 2, outputs, 2, done);
  }
};

std::vector<float> read_w(Session &at) {
  std::vector<float> w(12);
  CHECK(dlc_session_read_state(at.session, 0, w.data(), 48) == DLC_OK);
  return w;
}

void write_w(Session &at, float value) {
  const std::vector<float> w(12, value);
  CHECK(dlc_session_write_state(at.session, 0, w.data(), 48) == DLC_OK);
}

}  // namespace

TEST("a step computes, updates its state and gives its outputs") {
  WPlan plan = small_plan();
  plan.programs[0].steps.erase(plan.programs[0].steps.begin() + 1);  // no dropout
  Session at(plan);
  CHECK(at.status == DLC_OK);
  write_w(at, 1);
  Step step;
  CHECK(step.run(at, 1) == DLC_OK);
  const float expected[] = {6.5f, 5.5f, 7, 6, 0.5f, 0, 1, 0};
  for (size_t i = 0; i < 8; ++i) CHECK(step.y[i] == expected[i]);
  CHECK(step.loss[0] == 26.5f);
  for (const float w : read_w(at)) CHECK(w == 0.75f);
}

TEST("several steps take consecutive tensors and give consecutive results") {
  Session at(small_plan());
  write_w(at, 1);
  Step one, two, both;
  two.x = {3, 2, 1, 0, 1, 0};
  two.rng = {5, 2};
  for (Step *step : {&one, &two}) {
    both.x.insert(both.x.end(), step->x.begin(), step->x.end());
    both.rng.insert(both.rng.end(), step->rng.begin(), step->rng.end());
  }
  both.x.erase(both.x.begin(), both.x.begin() + 6);
  both.rng.erase(both.rng.begin(), both.rng.begin() + 2);
  both.loss.resize(2);
  both.y.resize(16);
  CHECK(one.run(at, 1) == DLC_OK && two.run(at, 1) == DLC_OK);
  const std::vector<float> apart = read_w(at);
  write_w(at, 1);
  uint32_t done = 0;
  CHECK(both.run(at, 2, &done) == DLC_OK && done == 2);
  CHECK(both.loss[0] == one.loss[0] && both.loss[1] == two.loss[0]);
  for (size_t i = 0; i < 8; ++i) CHECK(both.y[i] == one.y[i] && both.y[8 + i] == two.y[i]);
  CHECK(read_w(at) == apart);
}

TEST("a check that fails names its layer and line and leaves the later updates undone") {
  Session at(small_plan());
  write_w(at, 1);
  Step step;
  step.x[0] = NAN;
  uint32_t done = 9;
  CHECK(step.run(at, 1, &done) == DLC_NON_FINITE && done == 0);
  CHECK(at.reason() == "loss is NaN [layer 'layer' at model.yaml:13:1]");
  dlc_failure failure;
  CHECK(dlc_session_failure(at.session, &failure) == DLC_OK);
  CHECK(failure.program == 0 && failure.kernel == 3 && failure.step == 0);
  for (const float w : read_w(at)) CHECK(w == 1);
}

TEST("a trace finds the first bad value and puts the state back") {
  Session at(small_plan());
  Step step;
  const void *inputs[] = {step.x.data(), step.rng.data()};
  write_w(at, 1);
  CHECK(dlc_session_trace(at.session, 0, inputs, 2) == DLC_OK);
  for (const float w : read_w(at)) CHECK(w == 1);
  write_w(at, INFINITY);
  CHECK(dlc_session_trace(at.session, 0, inputs, 2) == DLC_NON_FINITE);
  dlc_failure failure;
  dlc_session_failure(at.session, &failure);
  CHECK(failure.kernel == 0);
  CHECK(at.reason() == "state 'w' holds +infinity at element 0 of 12 [layer 'layer' at model.yaml:10:1]");
  write_w(at, 3e38f);
  CHECK(dlc_session_trace(at.session, 0, inputs, 2) == DLC_NON_FINITE);
  CHECK(at.reason().starts_with("value 'y' holds +infinity at element 0 of 8"));
  for (const float w : read_w(at)) CHECK(w == 3e38f);
  step.x[4] = NAN;
  CHECK(dlc_session_trace(at.session, 0, inputs, 2) == DLC_NON_FINITE);
  CHECK(at.reason() == "input 'x' holds NaN at element 4 of 6");
}

TEST("a call can be cancelled between its steps") {
  Session at(small_plan());
  Step step;
  const uint32_t steps = 200000;
  step.x.assign(size_t{6} * steps, 1);
  step.rng.assign(size_t{2} * steps, 1);
  step.loss.resize(steps);
  step.y.resize(size_t{8} * steps);
  uint32_t done = 0;
  std::atomic<bool> over{false};
  // Again and again, so that one surely comes while the call runs.
  std::thread other([&] {
    while (!over) {
      dlc_session_cancel(at.session);
      std::this_thread::yield();
    }
  });
  CHECK(step.run(at, steps, &done) == DLC_CANCELLED);
  over = true;
  other.join();
  CHECK(done >= 1 && done < steps);
  // One more may have come after the call; it stops the next one, and none thereafter.
  step.run(at, 3, nullptr);
  CHECK(step.run(at, 3, &done) == DLC_OK && done == 3);
}

TEST("memory is what the plan says") {
  Session at(small_plan());
  dlc_memory memory;
  CHECK(dlc_session_memory(at.session, &memory) == DLC_OK);
  CHECK(memory.state_bytes == 64 && memory.const_bytes == 64 && memory.arena_bytes == 256);
  CHECK(memory.allocated_bytes == 64 + 64 + 256);
}

TEST("plans that ask for too much memory are refused, not attempted") {
  for (const uint64_t bytes : {uint64_t{1} << 46, uint64_t{1} << 55}) {
    WPlan plan = small_plan();
    plan.programs[0].arena_bytes = bytes;
    Session at(plan);
    CHECK(at.status == DLC_OUT_OF_MEMORY && at.session == nullptr);
    CHECK(at.reason().find("this machine has") != std::string::npos);
  }
}

TEST("unknown kernels and bad attributes are refused with their place") {
  WPlan plan = small_plan();
  plan.programs[0].steps[1].op = "dropin";
  Session unknown(plan);
  CHECK(unknown.status == DLC_UNSUPPORTED);
  CHECK(unknown.reason() == "program 'train', layer 'layer' at model.yaml:11:1: this build has no kernel for 'dropin'");
  plan = small_plan();
  plan.programs[0].steps[1].attrs.erase("rate");
  Session missing(plan);
  CHECK(missing.status == DLC_BAD_PLAN);
  CHECK(missing.reason() == "program 'train', layer 'layer' at model.yaml:11:1: dropout: attribute 'rate' is missing");
}

TEST("wrong arguments are refused") {
  Session at(small_plan());
  Step step;
  const void *inputs[] = {step.x.data(), step.rng.data()};
  void *outputs[] = {step.loss.data(), nullptr};
  uint32_t done = 0;
  CHECK(dlc_session_run(at.session, 0, 1, inputs, 2, outputs, 2, &done) == DLC_OK);
  CHECK(dlc_session_run(at.session, 1, 1, inputs, 2, outputs, 2, &done) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_run(at.session, 0, 1, inputs, 1, outputs, 2, &done) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_run(at.session, 0, 1, inputs, 2, outputs, 3, &done) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_run(at.session, 0, 1, nullptr, 2, outputs, 2, &done) == DLC_INVALID_ARGUMENT);
  inputs[1] = nullptr;
  CHECK(dlc_session_run(at.session, 0, 1, inputs, 2, outputs, 2, &done) == DLC_INVALID_ARGUMENT);
  CHECK(at.reason() == "an input is null");
  CHECK(dlc_session_run(nullptr, 0, 1, inputs, 2, outputs, 2, &done) == DLC_INVALID_ARGUMENT);
  float w[12];
  CHECK(dlc_session_read_state(at.session, 1, w, 48) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_read_state(at.session, 0, w, 44) == DLC_INVALID_ARGUMENT);
  CHECK(dlc_session_write_state(at.session, 0, nullptr, 48) == DLC_INVALID_ARGUMENT);
  uint64_t bytes = 0;
  CHECK(dlc_session_input_bytes(at.session, 0, 2, &bytes) == DLC_INVALID_ARGUMENT);
}

TEST("runtimes say why they can't be made") {
  dlc_runtime *runtime = nullptr;
  dlc_options options = {DLC_ABI_VERSION, 1, "abacus"};
  CHECK(dlc_runtime_create(&options, &runtime) == DLC_UNSUPPORTED && runtime);
  CHECK(std::string(dlc_runtime_error(runtime)) == "device 'abacus': this build runs on 'cpu' and 'cuda'");
  dlc_session *session = nullptr;
  CHECK(dlc_session_create(runtime, "x", 1, &session) == DLC_INVALID_ARGUMENT && !session);
  dlc_runtime_destroy(runtime);
  options = {DLC_ABI_VERSION + 1, 1, nullptr};
  CHECK(dlc_runtime_create(&options, &runtime) == DLC_INVALID_ARGUMENT && !runtime);
  options = {DLC_ABI_VERSION, 100000, nullptr};
  CHECK(dlc_runtime_create(&options, &runtime) == DLC_INVALID_ARGUMENT);
  dlc_runtime_destroy(runtime);
}

TEST("what is made of states is made again after every change of a state, and only then") {
  const auto use = [](Session &at) {
    const float x[] = {10, 20};
    std::vector<float> y(2);
    const void *inputs[] = {x};
    void *outputs[] = {y.data()};
    CHECK(dlc_session_run(at.session, 1, 1, inputs, 1, outputs, 1, nullptr) == DLC_OK);
    return y;
  };
  const auto write = [](Session &at, float first, float second) {
    const float w[] = {first, second};
    CHECK(dlc_session_write_state(at.session, 0, w, sizeof w) == DLC_OK);
  };
  using Pair = std::vector<float>;
  Session at(prepared_plan());
  CHECK(use(at) == Pair({10, 20}));
  write(at, 1, 2);
  CHECK(use(at) == Pair({12, 24}) && use(at) == Pair({12, 24}));
  CHECK(dlc_session_run(at.session, 0, 3, nullptr, 0, nullptr, 0, nullptr) == DLC_OK);
  CHECK(use(at) == Pair({18, 30}));
  // Timing and tracing see fresh values too, and what they restore is whole.
  const float x[] = {10, 20};
  const void *inputs[] = {x};
  write(at, 5, 6);
  double seconds = 0;
  CHECK(dlc_session_profile(at.session, 1, inputs, 1, 2, &seconds, 1) == DLC_OK);
  CHECK(use(at) == Pair({20, 32}));
  write(at, 0, INFINITY);
  CHECK(dlc_session_trace(at.session, 1, inputs, 1) == DLC_NON_FINITE);
  CHECK(dlc_session_read_state(at.session, 1, &seconds, 8) == DLC_INVALID_ARGUMENT);

  // What a program wrote over is made again.
  WPlan odd = prepared_plan();
  odd.programs[0].tensors[0].offset = 64;
  Session other(odd);
  CHECK(use(other) == Pair({10, 20}));
  CHECK(dlc_session_run(other.session, 0, 1, nullptr, 0, nullptr, 0, nullptr) == DLC_OK);
  CHECK(use(other) == Pair({10, 20}));

  // How often it prepares, counted in a state.
  WPlan counted = prepared_plan();
  counted.state_bytes = 192;
  counted.programs[2].tensors.push_back({"n", DLC_F32, 1, {2}, 128});
  counted.programs[2].steps.push_back(
      {"fused_elementwise", {2}, {2}, {{"program", std::string("a = add(%0, 1); yield a")}}});
  counted.programs[1].tensors[1].offset = 128;
  Session third(counted);
  CHECK(use(third) == Pair({11, 21}) && use(third) == Pair({11, 21}));
  write(third, 0, 0);
  CHECK(use(third) == Pair({12, 22}));
}

TEST("sessions of one runtime run at the same time, with the results they have alone") {
  const std::vector<std::byte> blob = PlanWriter().write(small_plan());
  const auto work = [](dlc_session *session, float fill) {
    Step step;
    std::fill(step.x.begin(), step.x.end(), fill);
    std::vector<float> losses;
    for (int i = 0; i < 300; ++i) {
      step.rng[1] = i;
      const void *inputs[] = {step.x.data(), step.rng.data()};
      void *outputs[] = {step.loss.data(), step.y.data()};
      const dlc_status status = dlc_session_run(session, 0, 1, inputs, 2, outputs, 2, nullptr);
      losses.push_back(status == DLC_OK ? step.loss[0] : -1);
    }
    return losses;
  };
  Session alone(blob, 1), both(blob, 3);
  write_w(alone, 1);
  write_w(both, 1);
  const std::vector<float> expected = work(alone.session, 2);
  dlc_session *second = nullptr;
  CHECK(dlc_session_create(both.runtime, blob.data(), blob.size(), &second) == DLC_OK);
  std::vector<float> found;
  std::thread other([&] { work(second, 1); });
  found = work(both.session, 2);
  other.join();
  CHECK(found == expected);
  dlc_session_destroy(second);
}
