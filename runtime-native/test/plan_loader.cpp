// Plans are data and may be hostile: whatever the bytes are, loading and running them ends in a status.
#include <random>
#include <string>

#include "check.h"
#include "dlc.h"
#include "plan_writer.h"

using namespace dlc::test;

namespace {

class Runtime {
 public:
  Runtime() {
    const dlc_options options = {DLC_ABI_VERSION, 1, nullptr};
    CHECK(dlc_runtime_create(&options, &runtime_) == DLC_OK);
  }
  ~Runtime() { dlc_runtime_destroy(runtime_); }

  // Loads the blob and, if that succeeds, runs and traces every program on zeros of the size it asks for.
  dlc_status try_plan(const std::vector<std::byte> &blob) {
    dlc_session *session = nullptr;
    const dlc_status status = dlc_session_create(runtime_, blob.data(), blob.size(), &session);
    reason = dlc_runtime_error(runtime_);
    if (status != DLC_OK) return status;
    for (uint32_t program = 0; run_program(session, program); ++program) {
    }
    dlc_session_destroy(session);
    return status;
  }

  std::string reason;

 private:
  static bool run_program(dlc_session *session, uint32_t program) {
    std::vector<std::vector<char>> memory;
    std::vector<const void *> inputs;
    std::vector<void *> outputs;
    uint64_t bytes = 0;
    for (uint32_t i = 0; dlc_session_input_bytes(session, program, i, &bytes) == DLC_OK; ++i)
      inputs.push_back(memory.emplace_back(bytes + 1).data());
    for (uint32_t i = 0; dlc_session_output_bytes(session, program, i, &bytes) == DLC_OK; ++i)
      outputs.push_back(memory.emplace_back(bytes + 1).data());
    const auto ins = static_cast<uint32_t>(inputs.size()), outs = static_cast<uint32_t>(outputs.size());
    if (dlc_session_run(session, program, 1, inputs.data(), ins, outputs.data(), outs, nullptr) == DLC_INVALID_ARGUMENT)
      return false;
    dlc_session_trace(session, program, inputs.data(), ins);
    return true;
  }

  dlc_runtime *runtime_ = nullptr;
};

}  // namespace

TEST("the small plan loads") {
  Runtime runtime;
  CHECK(runtime.try_plan(PlanWriter().write(small_plan())) == DLC_OK);
}

TEST("headers are checked") {
  Runtime runtime;
  const std::vector<std::byte> good = PlanWriter().write(small_plan());
  const auto refused = [&](size_t at, std::byte value, const char *why) {
    std::vector<std::byte> bad = good;
    bad[at] = value;
    CHECK(runtime.try_plan(bad) == DLC_BAD_PLAN);
    if (!CHECK(runtime.reason.find(why) != std::string::npos)) std::printf("    %s\n", runtime.reason.c_str());
  };
  refused(0, std::byte{'X'}, "not a plan");
  refused(4, std::byte{9}, "version 9");
  refused(8, std::byte{1}, "truncated");
  refused(16, static_cast<std::byte>(~static_cast<unsigned>(good[16])), "checksum");
  refused(good.size() - 1, std::byte{77}, "checksum");
}

TEST("every truncation is refused") {
  Runtime runtime;
  const std::vector<std::byte> good = PlanWriter().write(small_plan());
  for (size_t size = 0; size < good.size(); ++size) {
    std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(runtime.try_plan(cut) == DLC_BAD_PLAN);
    if (size < 24) continue;
    PlanWriter::seal(cut);
    CHECK(runtime.try_plan(cut) == DLC_BAD_PLAN);
  }
}

TEST("ranges and indices outside their section are refused") {
  Runtime runtime;
  const auto refused = [&](auto change, const char *why) {
    WPlan plan = small_plan();
    change(plan, plan.programs[0]);
    CHECK(runtime.try_plan(PlanWriter().write(plan)) == DLC_BAD_PLAN);
    if (!CHECK(runtime.reason.find(why) != std::string::npos)) std::printf("    %s\n", runtime.reason.c_str());
  };
  using P = WPlan &;
  using Q = WProgram &;
  refused([](P, Q program) { program.tensors[0].offset = 256; }, "outside");
  refused([](P, Q program) { program.tensors[0].offset = 32; }, "aligned");
  refused([](P, Q program) { program.tensors[0].offset = UINT64_MAX - 63; }, "outside");
  refused([](P, Q program) { program.tensors[0].shape = {uint64_t{1} << 40, uint64_t{1} << 40}; }, "impossible");
  refused([](P, Q program) { program.tensors[0].shape = {0, UINT64_MAX, UINT64_MAX}; }, "impossible");
  refused([](P, Q program) { program.tensors[0].shape.assign(17, 1); }, "dimensions");
  refused([](P, Q program) { program.tensors[1].shape = {17}; }, "outside");
  refused([](P, Q program) { program.tensors[2].shape = {17}; }, "outside");
  refused([](P, Q program) { program.tensors[0].space = 3; }, "space");
  refused([](P, Q program) { program.tensors[0].dtype = static_cast<dlc_dtype>(7); }, "dtype");
  refused([](P plan, Q) { plan.states[0].offset = 64; }, "outside");
  refused([](P, Q program) { program.inputs[0].tensor = 6; }, "index");
  refused([](P, Q program) { program.inputs[0].tensor = 1; }, "arena");
  refused([](P, Q program) { program.outputs[0].tensor = 6; }, "index");
  refused([](P, Q program) { program.steps[0].inputs[0] = 0xffffffff; }, "index");
  refused([](P, Q program) { program.steps[0].outputs[0] = 6; }, "index");
  refused([](P, Q program) { program.steps[0].outputs[0] = 2; }, "constant");
  refused([](P, Q program) { program.steps[0].workspace_bytes = 257; }, "outside");
  refused([](P, Q program) { program.steps[0].workspace_offset = 8; }, "aligned");
  refused([](P, Q program) { program.arena_bytes = uint64_t{1} << 57; }, "impossible");
}

TEST("a program is prepared for by one that needs nothing itself") {
  Runtime runtime;
  CHECK(runtime.try_plan(PlanWriter().write(prepared_plan())) == DLC_OK);
  const auto refused = [&](auto change, const char *why) {
    WPlan plan = prepared_plan();
    change(plan.programs);
    CHECK(runtime.try_plan(PlanWriter().write(plan)) == DLC_BAD_PLAN);
    if (!CHECK(runtime.reason.find(why) != std::string::npos)) std::printf("    %s\n", runtime.reason.c_str());
  };
  using P = std::vector<WProgram> &;
  refused([](P programs) { programs[1].prepare = 3; }, "program index");
  refused([](P programs) { programs[1].prepare = 1; }, "needs something");
  refused(
      [](P programs) {
        programs[2].prepare = 0;
        programs[0].prepare = 2;
      },
      "needs something");
}

TEST("mutated plans end in a status, whatever they do") {
  Runtime runtime;
  const std::vector<std::byte> good = PlanWriter().write(small_plan());
  std::mt19937 random(2024);
  int loaded = 0;
  for (int round = 0; round < 6000; ++round) {
    std::vector<std::byte> blob = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) {
      const size_t at = 24 + random() % (blob.size() - 24);
      switch (random() % 5) {
        case 0:
          blob[at] = static_cast<std::byte>(random());
          break;
        case 1:
          blob[at] = static_cast<std::byte>(static_cast<unsigned>(blob[at]) + (random() % 2 ? 1u : 255u));
          break;
        case 2:
          blob.erase(blob.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 3:
          blob.insert(blob.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::byte>(random()));
          break;
        default:
          blob[at] = random() % 2 ? std::byte{0} : std::byte{0xff};
      }
    }
    PlanWriter::seal(blob);
    loaded += runtime.try_plan(blob) == DLC_OK;
  }
  // Some must get through, or the loader alone was tested.
  CHECK(loaded > 100);
}
