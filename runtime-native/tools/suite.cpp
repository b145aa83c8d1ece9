// Runs the cases of a suite.
#include "suite.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "cpu/convert.h"
#include "dlc.h"
#include "files.h"
#include "npy.h"

namespace dlc {
namespace {

// Of bfloat16: what is rounded beside a kernel that sums in another order may fall on either side of a tie.
constexpr double kBfloat16Tolerance = 1e-2;

using Bytes = std::vector<std::byte>;
using RuntimeHandle = std::unique_ptr<dlc_runtime, decltype(&dlc_runtime_destroy)>;
using SessionHandle = std::unique_ptr<dlc_session, decltype(&dlc_session_destroy)>;

struct Skip {
  std::string reason;
};

struct Wanted {
  std::string program;
  uint32_t steps = 1;
  double tolerance = 1e-4;
};

std::vector<Wanted> read_cases(const std::string &path) {
  std::ifstream file(path);
  if (!file) throw Fault{1, path + ": can't be opened"};
  std::vector<Wanted> all;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Wanted wanted;
    if (!(words >> wanted.program >> wanted.steps >> wanted.tolerance) || wanted.steps == 0 || wanted.steps > 1000000)
      throw Fault{1, path + ": a line is NAME STEPS TOLERANCE, not '" + line + "'"};
    all.push_back(wanted);
  }
  return all;
}

// Empty where they agree.
std::string difference(const Bytes &found, const NpyArray &expected, double tolerance) {
  if (found.size() != expected.data.size()) return "is of another size";
  return with_type(expected.dtype, [&](auto *type) -> std::string {
    using T = std::remove_pointer_t<decltype(type)>;
    constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, Bf16>;
    const auto *const have = reinterpret_cast<const T *>(found.data());
    const auto *const want = reinterpret_cast<const T *>(expected.data.data());
    const size_t count = found.size() / sizeof(T);
    double largest = 1e-3;
    for (size_t i = 0; i < count; ++i)
      if (const auto value = std::fabs(convert<double>(want[i])); std::isfinite(value))
        largest = std::max(largest, value);
    if constexpr (std::is_same_v<T, Bf16>) tolerance = std::max(tolerance, kBfloat16Tolerance);
    for (size_t i = 0; i < count; ++i) {
      const auto a = convert<double>(have[i]), b = convert<double>(want[i]);
      const bool same = a == b || (std::isnan(a) && std::isnan(b));
      if (same || (is_float && std::fabs(a - b) <= tolerance * largest)) continue;
      char text[120];
      std::snprintf(text, sizeof text, "is %.9g at element %zu of %zu, not %.9g", a, i, count, b);
      return text;
    }
    return "";
  });
}

class Case {
 public:
  Case(const std::string &folder, dlc_runtime *runtime)
      : folder_(folder), blob_(read_file(folder + "/plan")), cases_(read_cases(folder + "/cases.txt")) {
    std::span<const std::byte> constants;
    plan_ = load_plan(blob_, constants);
    dlc_session *session = nullptr;
    const dlc_status status = dlc_session_create(runtime, blob_.data(), blob_.size(), &session);
    session_.reset(session);
    if (status == DLC_UNSUPPORTED) throw Skip{dlc_runtime_error(runtime)};
    if (status != DLC_OK) throw Fault{1, dlc_runtime_error(runtime)};
  }

  // Everything that the programs give and leave behind, and each difference from what they should.
  Bytes run(std::vector<std::string> &differences) {
    Bytes all;
    for (uint32_t i = 0; i < plan_.states.size(); ++i) {
      const PlanTensor &state = plan_.states[i];
      Bytes data(state.bytes);
      if (const auto path = file_of(folder_ + "/states", state.name); std::filesystem::exists(path))
        data = tensor_at(path, state, 1);
      check(dlc_session_write_state(session_.get(), i, data.data(), data.size()));
    }
    for (const Wanted &wanted : cases_) run_program(wanted, all, differences);
    return all;
  }

  size_t programs() const { return cases_.size(); }

 private:
  void check(dlc_status status) const {
    if (status != DLC_OK) throw Fault{1, dlc_session_error(session_.get())};
  }

  static Bytes tensor_at(const std::filesystem::path &path, const PlanTensor &tensor, uint32_t steps) {
    NpyArray array = read_npy(path);
    std::vector<int64_t> all = tensor.shape;
    all.insert(all.begin(), steps);
    if (array.dtype == tensor.dtype && array.shape == all) return std::move(array.data);
    if (array.dtype != tensor.dtype || array.shape != tensor.shape)
      throw Fault{1, path.string() + ": should be " + type_text(tensor)};
    Bytes repeated;
    for (uint32_t step = 0; step < steps; ++step) repeated.insert(repeated.end(), array.data.begin(), array.data.end());
    return repeated;
  }

  void compare(const std::string &folder, const std::string &program, std::string_view name, const Bytes &found,
               double tolerance, std::vector<std::string> &differences) const {
    const auto path = file_of(folder, name);
    if (!std::filesystem::exists(path)) return;
    if (const std::string text = difference(found, read_npy(path), tolerance); !text.empty())
      differences.push_back(program + ": '" + std::string(name) + "' " + text);
  }

  void run_program(const Wanted &wanted, Bytes &all, std::vector<std::string> &differences) {
    const auto at = std::find_if(plan_.programs.begin(), plan_.programs.end(),
                                 [&](const PlanProgram &program) { return program.name == wanted.program; });
    if (at == plan_.programs.end()) throw Fault{1, "the plan has no program '" + wanted.program + "'"};
    const std::string folder = folder_ + "/" + wanted.program;
    std::vector<Bytes> inputs, outputs;
    std::vector<const void *> in;
    std::vector<void *> out;
    for (const PlanPort &port : at->inputs)
      in.push_back(
          inputs.emplace_back(tensor_at(file_of(folder + "/inputs", port.name), at->tensors[port.tensor], wanted.steps))
              .data());
    for (const PlanPort &port : at->outputs)
      out.push_back(outputs.emplace_back(at->tensors[port.tensor].bytes * wanted.steps).data());
    check(dlc_session_run(session_.get(), static_cast<uint32_t>(at - plan_.programs.begin()), wanted.steps, in.data(),
                          static_cast<uint32_t>(in.size()), out.data(), static_cast<uint32_t>(out.size()), nullptr));
    for (size_t i = 0; i < outputs.size(); ++i) {
      compare(folder + "/outputs", wanted.program, at->outputs[i].name, outputs[i], wanted.tolerance, differences);
      all.insert(all.end(), outputs[i].begin(), outputs[i].end());
    }
    for (uint32_t i = 0; i < plan_.states.size(); ++i) {
      Bytes held(plan_.states[i].bytes);
      check(dlc_session_read_state(session_.get(), i, held.data(), held.size()));
      compare(folder + "/states", wanted.program, plan_.states[i].name, held, wanted.tolerance, differences);
      all.insert(all.end(), held.begin(), held.end());
    }
  }

  std::string folder_;
  Bytes blob_;
  std::vector<Wanted> cases_;
  Plan plan_;
  SessionHandle session_{nullptr, dlc_session_destroy};
};

}  // namespace

int run_suite(const std::string &folder, const std::string &device, uint32_t threads) {
  const dlc_options options = {DLC_ABI_VERSION, threads, device.c_str()};
  dlc_runtime *opened = nullptr;
  const dlc_status status = dlc_runtime_create(&options, &opened);
  const RuntimeHandle runtime(opened, dlc_runtime_destroy);
  if (status != DLC_OK) throw Fault{3, dlc_runtime_error(opened)};
  std::vector<std::string> names;
  std::error_code problem;
  for (const auto &entry : std::filesystem::directory_iterator(folder, problem))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  if (problem) throw Fault{1, folder + ": " + problem.message()};
  std::sort(names.begin(), names.end());
  size_t passed = 0, failed = 0, skipped = 0;
  for (const std::string &name : names) {
    std::vector<std::string> differences;
    try {
      Case one(folder + "/" + name, opened);
      const Bytes first = one.run(differences);
      if (std::vector<std::string> again; one.run(again) != first)
        differences.push_back("a second run gives other bytes");
      if (differences.empty()) std::printf("ok      %s (%zu programs)\n", name.c_str(), one.programs());
    } catch (const Skip &skip) {
      std::printf("SKIPPED %s: %s\n", name.c_str(), skip.reason.c_str());
      ++skipped;
      continue;
    } catch (const Fault &fault) {
      differences.push_back(fault.message);
    } catch (const std::exception &error) {
      differences.push_back(error.what());
    }
    ++(differences.empty() ? passed : failed);
    for (const std::string &text : differences) std::printf("FAIL    %s: %s\n", name.c_str(), text.c_str());
  }
  std::printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
  if (passed + failed == 0) return 3;
  return failed == 0 ? 0 : 1;
}

}  // namespace dlc
