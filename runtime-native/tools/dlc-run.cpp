// dlc-run: runs one program of a compiled plan without Node, with tensors in .npy files. For machines that have no
// Node and for looking at the runtime by itself; it knows no model files and no HDF5.
#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bundle.h"
#include "cpu/convert.h"
#include "cuda/plan_source.h"
#include "dlc.h"
#include "files.h"
#include "npy.h"
#include "plan.h"
#include "suite.h"

using dlc::Fault;
using dlc::file_of;
using dlc::read_file;
using dlc::type_text;
using dlc::UsageError;

namespace {

constexpr const char *kUsage = R"(usage: dlc-run PLAN [options]
       dlc-run --suite DIR [--device cpu|cuda] [--threads N]

Runs a program of a plan (dlc compile MODEL --emit plan -o PLAN), or of a bundle, which brings its weights
(dlc compile MODEL --weights FILE.h5 -o PLAN.dlcb), and prints a line for each output.

  --suite DIR            run the cases in a folder and compare what they give with what they should
  --program NAME         which program; the plan's only one, or 'predict', unless given
  --steps N              how many steps (1)
  --device cpu|cuda      where to run (cpu)
  --threads N            0: one for each core (0)
  --weights DIR          read states from DIR/<state>.npy; without it the program 'init' draws them, where there is one
  --input NAME=FILE.npy  an input: one tensor for all steps, or as many as steps along a first axis
  --set NAME=V[,V...]    an input by its numbers
  --seed N               fills the input 'rng' with (N, step) where it is not given (1)
  --out DIR              write outputs to DIR/<output>.npy
  --save-weights DIR     write all states to DIR/<state>.npy afterwards
  --list                 print states and programs, run nothing
  --cuda-source FILE     write the CUDA C++ of the plan's kernels, run nothing

Exit codes: 0 fine, 1 the plan or the data are at fault, 2 usage, 3 the machine is at fault.
)";

struct Options {
  std::string plan;
  std::string program, device = "cpu";
  std::string weights, out, save_weights, cuda_source, suite;
  uint32_t steps = 1, threads = 0;
  int64_t seed = 1;
  bool list = false;
  std::map<std::string, std::string> files, numbers;
};

template <typename T>
T number_of(const std::string &text, const std::string &option) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw UsageError{option + " takes a number, not '" + text + "'"};
  return value;
}

Options parse(int argc, char **argv) {
  Options options;
  const auto assign = [](std::map<std::string, std::string> &into, const std::string &text, const std::string &option) {
    const size_t at = text.find('=');
    if (at == std::string::npos || at == 0) throw UsageError{option + " takes NAME=VALUE, not '" + text + "'"};
    into[text.substr(0, at)] = text.substr(at + 1);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&]() -> std::string {
      if (i + 1 >= argc) throw UsageError{word + " takes a value"};
      return argv[++i];
    };
    if (word == "--program")
      options.program = next();
    else if (word == "--steps")
      options.steps = number_of<uint32_t>(next(), word);
    else if (word == "--device")
      options.device = next();
    else if (word == "--threads")
      options.threads = number_of<uint32_t>(next(), word);
    else if (word == "--weights")
      options.weights = next();
    else if (word == "--input")
      assign(options.files, next(), word);
    else if (word == "--set")
      assign(options.numbers, next(), word);
    else if (word == "--seed")
      options.seed = number_of<int64_t>(next(), word);
    else if (word == "--out")
      options.out = next();
    else if (word == "--save-weights")
      options.save_weights = next();
    else if (word == "--suite")
      options.suite = next();
    else if (word == "--cuda-source")
      options.cuda_source = next();
    else if (word == "--list")
      options.list = true;
    else if (word.starts_with("-"))
      throw UsageError{"unknown option " + word};
    else if (options.plan.empty())
      options.plan = word;
    else
      throw UsageError{"one plan at a time: " + word};
  }
  if (options.plan.empty() == options.suite.empty()) throw UsageError{"give a plan, or a suite"};
  if (options.steps == 0) throw UsageError{"--steps takes a number from 1"};
  return options;
}

void save(const std::string &folder, std::string_view name, const dlc::NpyArray &array) {
  const std::filesystem::path path = file_of(folder, name);
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw Fault{3, path.parent_path().string() + ": " + error.message()};
  try {
    dlc::write_npy(path, array);
  } catch (const dlc::NpyError &failure) {
    throw Fault{3, failure.what()};
  }
}

void print_summary(std::string_view name, const dlc::PlanTensor &tensor, const std::vector<std::byte> &data) {
  double sum = 0, low = INFINITY, high = -INFINITY;
  dlc::with_type(tensor.dtype, [&](auto *type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T *values = reinterpret_cast<const T *>(data.data());
    for (size_t i = 0; i < data.size() / sizeof(T); ++i) {
      const auto value = dlc::convert<double>(values[i]);
      sum += value;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  });
  std::printf("%.*s: %s sum %.9g min %.9g max %.9g\n", static_cast<int>(name.size()), name.data(),
              type_text(tensor).c_str(), sum, low, high);
}

// Needs no card.
void write_cuda_source(const std::vector<std::byte> &file, const std::string &path) {
  std::span<const std::byte> constants;
  const dlc::Plan plan =
      dlc::load_plan(dlc::is_bundle(file) ? dlc::read_bundle(file).plan : std::span(file), constants);
  dlc::cuda::Shadow shadow;
  shadow.reserve(plan);
  dlc::ThreadPool checking(1);
  std::ofstream out(path, std::ios::binary);
  out << dlc::cuda::write_plan(plan, shadow, checking).source.text();
  out.close();
  if (!out) throw Fault{3, path + ": can't be written"};
}

class Runner {
 public:
  Runner(const Options &options, const std::vector<std::byte> &file) : options_(options) {
    const bool bundled = dlc::is_bundle(file);
    const dlc::Bundle bundle = bundled ? dlc::read_bundle(file) : dlc::Bundle{};
    const std::span<const std::byte> blob = bundled ? bundle.plan : std::span(file);
    std::span<const std::byte> constants;
    plan_ = dlc::load_plan(blob, constants);
    const dlc_options open = {DLC_ABI_VERSION, options.threads, options.device.c_str()};
    dlc_runtime *runtime = nullptr;
    const dlc_status opened = dlc_runtime_create(&open, &runtime);
    runtime_.reset(runtime);
    check(opened, dlc_runtime_error(runtime));
    dlc_session *session = nullptr;
    const dlc_status created = dlc_session_create(runtime, blob.data(), blob.size(), &session);
    session_.reset(session);
    check(created, dlc_runtime_error(runtime));
    if (bundled) fill_states(bundle.states);
  }

  void list() const {
    std::printf("plan %s\n", std::string(plan_.name).c_str());
    for (const dlc::PlanTensor &state : plan_.states)
      std::printf("state %s: %s\n", std::string(state.name).c_str(), type_text(state).c_str());
    for (const dlc::PlanProgram &program : plan_.programs) {
      std::printf("program %s: %zu kernels, arena %" PRIu64 " bytes\n", std::string(program.name).c_str(),
                  program.steps.size(), program.arena_bytes);
      for (const dlc::PlanPort &port : program.inputs)
        std::printf("  input %s: %s\n", std::string(port.name).c_str(),
                    type_text(program.tensors[port.tensor]).c_str());
      for (const dlc::PlanPort &port : program.outputs)
        std::printf("  output %s: %s\n", std::string(port.name).c_str(),
                    type_text(program.tensors[port.tensor]).c_str());
    }
  }

  void run() {
    const uint32_t program = choose();
    for (const auto *named : {&options_.files, &options_.numbers})
      for (const auto &[name, value] : *named) check_input(plan_.programs[program], name);
    if (!options_.weights.empty())
      load_states();
    else if (const auto init = find("init"); init != dlc::kNone && init != program)
      execute(init, 1, false);
    execute(program, options_.steps, true);
    if (!options_.save_weights.empty()) save_states();
  }

 private:
  void check(dlc_status status, const char *reason) const {
    if (status == DLC_OK) return;
    const bool machine =
        status == DLC_OUT_OF_MEMORY || status == DLC_UNSUPPORTED || status == DLC_INTERNAL || status == DLC_DEVICE_LOST;
    throw Fault{machine ? 3 : 1, std::string(dlc_status_name(status)) + ": " + reason};
  }

  uint32_t find(std::string_view name) const {
    for (size_t i = 0; i < plan_.programs.size(); ++i)
      if (plan_.programs[i].name == name) return static_cast<uint32_t>(i);
    return dlc::kNone;
  }

  // `train` means `train@64` where that is the only batch size.
  uint32_t find_any_batch(std::string_view name) const {
    if (const uint32_t exact = find(name); exact != dlc::kNone) return exact;
    uint32_t found = dlc::kNone;
    for (size_t i = 0; i < plan_.programs.size(); ++i) {
      const std::string_view full = plan_.programs[i].name;
      if (full.substr(0, full.find('@')) != name) continue;
      if (found != dlc::kNone) return dlc::kNone;
      found = static_cast<uint32_t>(i);
    }
    return found;
  }

  uint32_t choose() const {
    // What prepares for the only program is none to choose.
    const size_t alone = !plan_.programs.empty() && plan_.programs[0].prepare == 1 ? 2 : 1;
    if (options_.program.empty() && plan_.programs.size() == alone) return 0;
    const std::string name = options_.program.empty() ? "predict" : options_.program;
    if (const uint32_t found = find_any_batch(name); found != dlc::kNone) return found;
    std::string known;
    for (const dlc::PlanProgram &program : plan_.programs) known.append(known.empty() ? "" : ", ").append(program.name);
    throw UsageError{"the plan has no program '" + name + "'; it has " + known};
  }

  static void check_input(const dlc::PlanProgram &program, const std::string &name) {
    if (std::none_of(program.inputs.begin(), program.inputs.end(),
                     [&](const dlc::PlanPort &port) { return port.name == name; }))
      throw UsageError{"program '" + std::string(program.name) + "' has no input '" + name + "'"};
  }

  void write_state(uint32_t state, const void *data, uint64_t bytes) {
    check(dlc_session_write_state(session_.get(), state, data, bytes), dlc_session_error(session_.get()));
  }

  // As a bundle has them: one behind the other, each from a multiple of 64.
  void fill_states(std::span<const std::byte> bytes) {
    uint64_t offset = 0;
    for (uint32_t i = 0; i < plan_.states.size(); ++i) {
      const uint64_t size = plan_.states[i].bytes;
      if (size > bytes.size() || offset > bytes.size() - size)
        throw Fault{1, "bundle: the states are not those of the plan"};
      write_state(i, bytes.data() + offset, size);
      offset += (size + dlc::kAlignment - 1) / dlc::kAlignment * dlc::kAlignment;
    }
    if (offset != bytes.size()) throw Fault{1, "bundle: the states are not those of the plan"};
  }

  void load_states() {
    for (uint32_t i = 0; i < plan_.states.size(); ++i) {
      const dlc::PlanTensor &state = plan_.states[i];
      const dlc::NpyArray array = dlc::read_npy(file_of(options_.weights, state.name));
      if (array.dtype != state.dtype || array.shape != state.shape)
        throw Fault{
            1, "state '" + std::string(state.name) + "' is " + type_text(state) + ", its file holds something else"};
      write_state(i, array.data.data(), array.data.size());
    }
  }

  void save_states() {
    for (uint32_t i = 0; i < plan_.states.size(); ++i) {
      dlc::NpyArray array = {plan_.states[i].dtype, plan_.states[i].shape, {}};
      array.data.resize(plan_.states[i].bytes);
      check(dlc_session_read_state(session_.get(), i, array.data.data(), array.data.size()),
            dlc_session_error(session_.get()));
      save(options_.save_weights, plan_.states[i].name, array);
    }
  }

  // `steps` consecutive tensors of an input, from what the command line says of it.
  std::vector<std::byte> input_of(const dlc::PlanPort &port, const dlc::PlanTensor &tensor, uint32_t program,
                                  uint32_t steps) const {
    const std::string name(port.name);
    if (const auto file = options_.files.find(name); file != options_.files.end()) {
      dlc::NpyArray array = dlc::read_npy(file->second);
      std::vector<int64_t> all = tensor.shape;
      all.insert(all.begin(), steps);
      if (array.dtype == tensor.dtype && array.shape == all) return std::move(array.data);
      if (array.dtype == tensor.dtype && array.shape == tensor.shape) return repeat(array.data, steps);
      throw Fault{1, file->second + ": input '" + name + "' is " + type_text(tensor)};
    }
    std::vector<double> values;
    if (const auto set = options_.numbers.find(name); set != options_.numbers.end()) {
      for (size_t at = 0; at <= set->second.size();) {
        const size_t comma = std::min(set->second.find(',', at), set->second.size());
        values.push_back(number_of<double>(set->second.substr(at, comma - at), "--set " + name));
        at = comma + 1;
      }
      const std::vector<std::byte> one = tensor_of(values, tensor, name);
      return repeat(one, steps);
    }
    if (name == "rng" && tensor.dtype == DLC_I64 && tensor.bytes == 16) {
      // Initialization draws at step 0, steps count from 1.
      const int64_t first = plan_.programs[program].name == "init" ? 0 : 1;
      std::vector<std::byte> all(size_t{16} * steps);
      for (uint32_t step = 0; step < steps; ++step) {
        const int64_t pair[] = {options_.seed, first + step};
        std::memcpy(all.data() + size_t{16} * step, pair, 16);
      }
      return all;
    }
    throw UsageError{"program '" + std::string(plan_.programs[program].name) + "' needs --input " + name +
                     "=FILE.npy or --set " + name + "=...: " + type_text(tensor)};
  }

  static std::vector<std::byte> repeat(const std::vector<std::byte> &one, uint32_t times) {
    std::vector<std::byte> all;
    all.reserve(one.size() * times);
    for (uint32_t i = 0; i < times; ++i) all.insert(all.end(), one.begin(), one.end());
    return all;
  }

  static std::vector<std::byte> tensor_of(const std::vector<double> &values, const dlc::PlanTensor &tensor,
                                          const std::string &name) {
    std::vector<std::byte> bytes(tensor.bytes);
    dlc::with_type(tensor.dtype, [&](auto *type) {
      using T = std::remove_pointer_t<decltype(type)>;
      if (values.size() != 1 && values.size() != bytes.size() / sizeof(T))
        throw UsageError{"--set " + name + " takes one number or all of " + type_text(tensor)};
      for (size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
        const T value = dlc::convert<T>(values[values.size() == 1 ? 0 : i]);
        std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
      }
    });
    return bytes;
  }

  void execute(uint32_t index, uint32_t steps, bool show) {
    const dlc::PlanProgram &program = plan_.programs[index];
    std::vector<std::vector<std::byte>> inputs, outputs;
    std::vector<const void *> in;
    std::vector<void *> out;
    for (const dlc::PlanPort &port : program.inputs)
      in.push_back(inputs.emplace_back(input_of(port, program.tensors[port.tensor], index, steps)).data());
    for (const dlc::PlanPort &port : program.outputs)
      out.push_back(outputs.emplace_back(program.tensors[port.tensor].bytes * steps).data());
    check(dlc_session_run(session_.get(), index, steps, in.data(), static_cast<uint32_t>(in.size()), out.data(),
                          static_cast<uint32_t>(out.size()), nullptr),
          dlc_session_error(session_.get()));
    if (!show) return;
    for (size_t i = 0; i < outputs.size(); ++i) {
      dlc::PlanTensor tensor = program.tensors[program.outputs[i].tensor];
      if (steps > 1) tensor.shape.insert(tensor.shape.begin(), steps);
      print_summary(program.outputs[i].name, tensor, outputs[i]);
      if (!options_.out.empty())
        save(options_.out, program.outputs[i].name, {tensor.dtype, tensor.shape, std::move(outputs[i])});
    }
  }

  const Options &options_;
  dlc::Plan plan_;
  std::unique_ptr<dlc_runtime, decltype(&dlc_runtime_destroy)> runtime_{nullptr, dlc_runtime_destroy};
  std::unique_ptr<dlc_session, decltype(&dlc_session_destroy)> session_{nullptr, dlc_session_destroy};
};

}  // namespace

int main(int argc, char **argv) {
  try {
    if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
      std::fputs(kUsage, stdout);
      return 0;
    }
    const Options options = parse(argc, argv);
    if (!options.suite.empty()) return dlc::run_suite(options.suite, options.device, options.threads);
    if (!options.cuda_source.empty()) {
      write_cuda_source(read_file(options.plan), options.cuda_source);
      return 0;
    }
    Runner runner(options, read_file(options.plan));
    if (options.list)
      runner.list();
    else
      runner.run();
    return 0;
  } catch (const UsageError &error) {
    std::fprintf(stderr, "dlc-run: %s\ntry: dlc-run --help\n", error.message.c_str());
    return 2;
  } catch (const Fault &fault) {
    std::fprintf(stderr, "dlc-run: %s\n", fault.message.c_str());
    return fault.exit_code;
  } catch (const dlc::Failure &failure) {
    std::fprintf(stderr, "dlc-run: %s\n", failure.what());
    return failure.status() == DLC_UNSUPPORTED || failure.status() == DLC_OUT_OF_MEMORY ? 3 : 1;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "dlc-run: out of memory\n");
    return 3;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "dlc-run: %s\n", error.what());
    return 1;
  }
}
