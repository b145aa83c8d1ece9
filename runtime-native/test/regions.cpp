// Loops and branches: what they compute, where they stop, and that no plan makes them leave their memory.
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>

#include "check.h"
#include "dlc.h"
#include "plan_writer.h"

using namespace dlc::test;

namespace {

struct Result {
  dlc_status status = DLC_OK;
  std::array<float, 6> before{}, after{};
  std::array<float, 2> low{}, y{};
  int32_t count = 0;
  std::string error;
  dlc_failure failure{};
};

class Runtime {
 public:
  Runtime() {
    const dlc_options options = {DLC_ABI_VERSION, 2, nullptr};
    CHECK(dlc_runtime_create(&options, &runtime_) == DLC_OK);
  }
  ~Runtime() { dlc_runtime_destroy(runtime_); }

  dlc_status load(const WPlan &plan, dlc_session **session) {
    const std::vector<std::byte> blob = PlanWriter().write(plan);
    const dlc_status status = dlc_session_create(runtime_, blob.data(), blob.size(), session);
    reason = dlc_runtime_error(runtime_);
    return status;
  }

  Result run(const WPlan &plan, const std::array<float, 6> &xs, uint8_t p, bool trace = false) {
    dlc_session *session = nullptr;
    Result result;
    if (!CHECK(load(plan, &session) == DLC_OK)) std::printf("    %s\n", reason.c_str());
    const void *inputs[] = {xs.data(), &p};
    void *outputs[] = {result.before.data(), result.after.data(), result.low.data(), &result.count, result.y.data()};
    result.status = trace ? dlc_session_trace(session, 0, inputs, 2)
                          : dlc_session_run(session, 0, 1, inputs, 2, outputs, 5, nullptr);
    result.error = dlc_session_error(session);
    dlc_session_failure(session, &result.failure);
    dlc_session_destroy(session);
    return result;
  }

  std::string reason;

 private:
  dlc_runtime *runtime_ = nullptr;
};

bool near(float a, float b) {
  return std::fabs(a - b) < 1e-5f;
}

}  // namespace

TEST("a scan in reverse, a while and a cond compute what is written") {
  Runtime runtime;
  const std::array<float, 6> xs = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f};
  const std::array<float, 2> k = {0.25f, 0.5f};
  for (const uint8_t p : {uint8_t{0}, uint8_t{1}}) {
    const Result result = runtime.run(looping_plan(), xs, p);
    CHECK(result.status == DLC_OK);
    std::array<float, 2> h = {0, 0};
    for (size_t t = 3; t-- > 0;)
      for (size_t i = 0; i < 2; ++i) {
        CHECK(near(result.before[2 * t + i], h[i]));
        h[i] = std::sin(h[i] + xs[2 * t + i] + k[i] + k[i]);
        CHECK(near(result.after[2 * t + i], h[i]));
      }
    int32_t count = 0;
    for (; h[0] + h[1] > 0; ++count)
      for (size_t i = 0; i < 2; ++i) h[i] -= k[i];
    CHECK(result.count == count && count > 0);
    for (size_t i = 0; i < 2; ++i) {
      CHECK(near(result.low[i], h[i]));
      CHECK(near(result.y[i], p ? -h[i] : h[i] * h[i]));
    }
  }
}

TEST("a while stops at its limit, a scan of no steps leaves the carried values") {
  Runtime runtime;
  WPlan plan = looping_plan();
  plan.programs[0].steps[1].attrs["limit"] = 2.0;
  CHECK(runtime.run(plan, {1, 1, 1, 1, 1, 1}, 0).count == 2);
  plan.programs[0].regions[1].steps[0].attrs["length"] = 0.0;
  const Result result = runtime.run(plan, {1, 1, 1, 1, 1, 1}, 0);
  CHECK(near(result.before[4], 0) && near(result.after[4], std::sin(1.0f)));
}

TEST("a failure in a region names the step inside") {
  Runtime runtime;
  for (const bool trace : {false, true}) {
    const std::array<float, 6> xs = {0, 0, trace ? 1e38f : std::nanf(""), 0, 0, 0};
    WPlan plan = looping_plan();
    // Finite inputs that overflow inside, for the trace looks at the inputs first.
    if (trace) plan.programs[0].regions[1].steps[1].attrs["program"] = std::string("a = mul(%1, %1); yield a");
    const Result result = runtime.run(plan, xs, 0, trace);
    CHECK(result.status == DLC_NON_FINITE);
    // The program's own three steps, the inner loop's one, then those of the body.
    CHECK(result.failure.program == 0 && result.failure.kernel == (trace ? 5u : 6u));
    const char *place = trace ? "[layer 'layer' at model.yaml:1:1]" : "[layer 'inside' at model.yaml:77:1]";
    if (!CHECK(result.error.find(place) != std::string::npos)) std::printf("    %s\n", result.error.c_str());
  }
}

TEST("regions that do not fit are refused") {
  Runtime runtime;
  const auto refused = [&](const std::function<void(WProgram &)> &change, const char *why) {
    WPlan plan = looping_plan();
    change(plan.programs[0]);
    dlc_session *session = nullptr;
    CHECK(runtime.load(plan, &session) == DLC_BAD_PLAN);
    dlc_session_destroy(session);
    if (!CHECK(runtime.reason.find(why) != std::string::npos)) std::printf("    %s\n", runtime.reason.c_str());
  };
  using P = WProgram &;
  refused([](P p) { p.steps[0].regions = {6}; }, "out of range");
  refused([](P p) { p.steps[0].regions = {0}; }, "two steps");
  refused([](P p) { p.steps[0].regions = {}; }, "no step");
  refused([](P p) { p.regions[0].steps[0].regions = {0}; }, "out of range");
  refused([](P p) { p.regions[0].steps[0].regions = {1}; }, "out of range");
  refused([](P p) { p.steps[0].workspace_bytes = 192; }, "workspace");
  refused([](P p) { p.regions[1].tensors[3].offset = 3; }, "does not have");
  refused([](P p) { p.regions[1].tensors[0].offset = 3; }, "does not have");
  refused([](P p) { p.regions[1].tensors[3].shape = {3}; }, "another type");
  refused([](P p) { p.regions[1].tensors[3].dtype = DLC_I32; }, "another type");
  refused([](P p) { p.steps[0].outputs[0] = 0xffffffff; }, "does not have");
  refused([](P p) { p.tensors[0].space = 3; }, "space");
  refused([](P p) { p.regions[1].tensors[1].space = 5; }, "space");
  refused([](P p) { p.regions[1].tensors[1].offset = 256; }, "outside");
  refused([](P p) { p.regions[1].inputs[0] = 3; }, "outside its arena");
  refused([](P p) { p.regions[1].inputs[0] = 99; }, "outside its arena");
  refused([](P p) { p.regions[1].outputs[0].first = 99; }, "out of range");
  refused([](P p) { p.regions[1].inputs = {4}; }, "slices");
  refused([](P p) { p.regions[1].inputs = {}; }, "index");
  refused([](P p) { p.regions[1].outputs.pop_back(); }, "results");
  refused([](P p) { p.regions[1].tensors[4].dtype = DLC_F32; }, "index");
  refused([](P p) { p.regions[1].tensors[1].shape = {1}; }, "");
  refused([](P p) { p.regions[1].steps[1].outputs = {3}; }, "constant");
  refused([](P p) { p.regions[1].tensors[2] = {"s", DLC_F32, 1, {2}, 0}; }, "writes to a state");
  refused([](P p) { p.steps[0].attrs["length"] = 4.0; }, "another type");
  refused([](P p) { p.steps[0].attrs["length"] = -1.0; }, "length");
  refused([](P p) { p.steps[0].attrs["carries"] = 2.0; }, "");
  refused([](P p) { p.steps[0].attrs["consts"] = 9.0; }, "more carried");
  refused([](P p) { p.steps[0].attrs.erase("reverse"); }, "reverse");
  refused([](P p) { p.steps[1].attrs["limit"] = 1e12; }, "limit");
  refused([](P p) { p.regions[2].outputs = {{1, false}}; }, "bool");
  refused([](P p) { p.tensors[8].dtype = DLC_U8; }, "predicate");
  refused([](P p) { p.steps[2].op = "scan"; }, "number of regions");
  refused([](P p) { p.steps[2].op = "transpose"; }, "no regions");
}

TEST("regions nest to a depth and no deeper") {
  Runtime runtime;
  for (const uint32_t depth : {16u, 17u}) {
    WPlan plan = looping_plan();
    WProgram &program = plan.programs[0];
    const WRegion inner = program.regions[0];
    program.regions.clear();
    for (uint32_t i = 0; i < depth; ++i) {
      program.regions.push_back(inner);
      WStep &step = program.regions.back().steps[0];
      if (i == 0) continue;
      step = {"scan", {1, 0}, {0}, {{"consts", 1.0}, {"carries", 1.0}, {"length", 1.0}, {"reverse", false}}};
      step.regions = {i - 1};
    }
    program.outputs = {};
    program.steps = {{"scan", {5, 1}, {2}, {{"consts", 1.0}, {"carries", 1.0}, {"length", 2.0}, {"reverse", false}}}};
    program.steps[0].regions = {depth - 1};
    dlc_session *session = nullptr;
    CHECK(runtime.load(plan, &session) == (depth > 16 ? DLC_BAD_PLAN : DLC_OK));
    dlc_session_destroy(session);
  }
}

TEST("mutated loops end in a status, whatever they do") {
  Runtime runtime;
  std::mt19937 random(7);
  const auto pick = [&](size_t count) { return random() % count; };
  int loaded = 0;
  for (int round = 0; round < 4000; ++round) {
    WPlan plan = looping_plan();
    WProgram &program = plan.programs[0];
    for (size_t change = 0; change < 1 + pick(3); ++change) {
      WRegion &region = program.regions[pick(program.regions.size())];
      WTensor &tensor = region.tensors[pick(region.tensors.size())];
      WStep &step = pick(2) ? program.steps[pick(3)] : region.steps[pick(region.steps.size())];
      switch (pick(8)) {
        case 0:
          tensor.offset = pick(2) ? pick(6) : 64 * pick(6);
          break;
        case 1:
          tensor.space = static_cast<uint8_t>(pick(6));
          break;
        case 2:
          tensor.shape = {pick(4), pick(4)};
          break;
        case 3:
          if (!step.inputs.empty()) step.inputs[pick(step.inputs.size())] = static_cast<uint32_t>(pick(10));
          break;
        case 4:
          if (!step.outputs.empty()) step.outputs[pick(step.outputs.size())] = static_cast<uint32_t>(pick(10));
          break;
        case 5:
          step.workspace_offset = 64 * pick(18);
          break;
        case 6:
          for (auto &[key, value] : step.attrs)
            if (std::holds_alternative<double>(value) && pick(2)) value = static_cast<double>(pick(7)) - 1;
          break;
        default:
          if (!region.inputs.empty()) region.inputs[pick(region.inputs.size())] = static_cast<uint32_t>(pick(6));
      }
    }
    dlc_session *session = nullptr;
    if (runtime.load(plan, &session) != DLC_OK) continue;
    uint64_t bytes = 0;
    std::vector<std::vector<char>> memory;
    std::vector<const void *> inputs;
    for (uint32_t i = 0; dlc_session_input_bytes(session, 0, i, &bytes) == DLC_OK; ++i)
      inputs.push_back(memory.emplace_back(bytes + 1).data());
    std::vector<void *> outputs(program.outputs.size(), nullptr);
    dlc_session_run(session, 0, 1, inputs.data(), static_cast<uint32_t>(inputs.size()), outputs.data(),
                    static_cast<uint32_t>(outputs.size()), nullptr);
    dlc_session_trace(session, 0, inputs.data(), static_cast<uint32_t>(inputs.size()));
    dlc_session_destroy(session);
    ++loaded;
  }
  CHECK(loaded > 200);
}
