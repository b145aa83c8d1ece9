// Puts instances of kernels together.
#include "cuda/writer.h"

#include <bit>
#include <cinttypes>
#include <cstdio>

namespace dlc::cuda {
namespace {

constexpr int64_t kMostBlocks = INT32_MAX;

std::string replaced(const std::string &text, const std::string &name) {
  std::string made;
  for (const char c : text) {
    if (c == '@')
      made += name;
    else
      made += c;
  }
  return made;
}

}  // namespace

void Source::use(std::string_view family) {
  families_.emplace(family);
}

std::string Source::define(const std::string &begins, const std::string &text) {
  const auto [at, is_new] = names_.emplace(text, "");
  if (is_new) {
    at->second = begins + "_" + std::to_string(definitions_.size());
    definitions_.push_back(replaced(text, at->second));
  }
  return at->second;
}

std::string Source::text() const {
  std::string all(family_text("prelude"));
  for (const std::string &family : families_) all.append(family_text(family));
  for (const std::string &definition : definitions_) all += "\n" + definition;
  return all;
}

std::string c_type(dlc_dtype dtype) {
  switch (dtype) {
    case DLC_F32:
      return "float";
    case DLC_F64:
      return "double";
    case DLC_BF16:
      return "Bf16";
    case DLC_U8:
      return "unsigned char";
    case DLC_I32:
      return "int";
    case DLC_I64:
      return "long long";
    case DLC_BOOL:
      return "Bool";
  }
  return "float";
}

std::string moved_type(dlc_dtype dtype) {
  switch (size_of(dtype)) {
    case 1:
      return "unsigned char";
    case 2:
      return "unsigned short";
    case 4:
      return "unsigned";
    default:
      return "unsigned long long";
  }
}

Operand::Operand(const Tensor &tensor) : data(tensor.data), type(c_type(tensor.dtype)) {}

Operand absent(const char *type) {
  return {nullptr, type};
}

void Writer::call(std::string_view family, const std::string &function, const std::vector<Operand> &operands,
                  int64_t blocks, bool reports) {
  source_.use(family);
  std::string body = "  " + function + "(";
  const char *comma = "";
  if (reports) {
    body += "fault, step";
    comma = ", ";
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    body += comma + (operands[i].data ? "p" + std::to_string(i) : "static_cast<" + operands[i].type + " *>(nullptr)");
    comma = ", ";
  }
  run(function.substr(0, function.find('<')), body + ");\n", operands, blocks);
}

void Writer::run(const std::string &begins, const std::string &body, const std::vector<Operand> &operands,
                 int64_t blocks) {
  if (blocks == 0) return;
  if (blocks > kMostBlocks) unsupported(" with more elements than a launch can have");
  Launch launch;
  launch.blocks = static_cast<uint32_t>(blocks);
  launch.step = step_;
  launch.owner = owner_;
  std::string parameters;
  bool to_states = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].data) continue;
    parameters += ", " + operands[i].type + " *p" + std::to_string(i);
    launch.arguments.push_back(operands[i].data);
    const auto *const at = static_cast<const std::byte *>(operands[i].data);
    to_states |= at >= states_.data() && at < states_.data() + states_.size();
  }
  // After a stray value no state is written any more.
  const std::string guard = to_states ? "  if (fault->step != 0) return;\n" : "";
  const bool reports = body.find("fault, step") != std::string::npos;
  launch.kernel =
      source_.define(begins + "_kernel", "extern \"C\" __global__ void __launch_bounds__(kThreads) @(Fault *" +
                                             std::string(reports || to_states ? "fault" : "") + ", unsigned" +
                                             (reports ? " step" : "") + parameters + ") {\n" + guard + body + "}\n");
  launches_.push_back(std::move(launch));
}

void Writer::set_index(const Tensor &index, int64_t number, bool is_first) {
  call("moving", instance(is_first ? "set_index" : "move_index", number), {index}, 1);
}

std::string argument(const std::string &text) {
  return text;
}
std::string argument(const char *text) {
  return text;
}
std::string argument(bool value) {
  return value ? "true" : "false";
}
std::string argument(int64_t value) {
  return std::to_string(value) + "LL";
}

std::vector<int64_t> dense_strides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0; step *= shape[i]) strides[i] = step;
  return strides;
}

std::string offsets(Writer &writer, const std::vector<int64_t> &extents, const std::vector<int64_t> &strides,
                    int64_t base) {
  struct Axis {
    int64_t extent, stride;
  };
  std::vector<Axis> axes;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1) continue;
    if (!axes.empty() && axes.back().stride == strides[i] * extents[i])
      axes.back() = {axes.back().extent * extents[i], strides[i]};
    else
      axes.push_back({extents[i], strides[i]});
  }
  std::string sum = std::to_string(base) + "LL";
  int64_t below = 1;
  bool reads = false;
  for (size_t i = axes.size(); i-- > 0; below *= axes[i].extent) {
    if (axes[i].stride == 0) continue;
    reads = true;
    std::string at = below == 1 ? "i" : "i / " + argument(below);
    if (i > 0) at += " % " + argument(axes[i].extent);
    sum += " + " + at + " * " + argument(axes[i].stride);
  }
  return writer.source().define("Offset", std::string("struct @ {\n  __device__ static long long offset(long long") +
                                              (reads ? " i" : "") + ") { return " + sum + "; }\n};\n");
}

std::string float_bits(double value) {
  return "static_cast<int>(" + std::to_string(std::bit_cast<uint32_t>(static_cast<float>(value))) + "u)";
}

std::string double_bits(double value) {
  return std::to_string(std::bit_cast<uint64_t>(value)) + "ULL";
}

void unsupported(const std::string &what) {
  throw Failure(DLC_UNSUPPORTED, what);
}

}  // namespace dlc::cuda
