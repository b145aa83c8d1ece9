// Element-wise steps: a fused group is written out as an expression for each of its statements.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>

#include "cpu/fused_program.h"
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

constexpr const char *kNames[] = {
#define DLC_NAME(id, word, arity) word,
    DLC_INSTRUCTIONS(DLC_NAME)
#undef DLC_NAME
};

std::string literal(double value, bool in_double) {
  const std::string type = in_double ? "double" : "float";
  if (std::isnan(value)) return "static_cast<" + type + ">(not_a_number())";
  if (std::isinf(value) || (!in_double && std::fabs(value) > static_cast<double>(FLT_MAX)))
    return std::string(value < 0 ? "-" : "") + "static_cast<" + type + ">(infinity())";
  char text[40];
  std::snprintf(text, sizeof text, "%.17e", value);
  return "static_cast<" + type + ">(" + text + ")";
}

std::string text_of(const FusedArg &arg, bool in_double) {
  switch (arg.kind) {
    case FusedArg::Kind::input:
      return "x" + std::to_string(arg.index);
    case FusedArg::Kind::value:
      return "v" + std::to_string(arg.index);
    case FusedArg::Kind::literal:
      break;
  }
  return literal(arg.literal, in_double);
}

// What float does not hold, or does not hold the products of.
bool is_wide(const Tensor &tensor) {
  return tensor.data && (tensor.dtype == DLC_F64 || tensor.dtype == DLC_I32 || tensor.dtype == DLC_I64);
}

// Strides of a tensor within a larger shape, 0 along the axes that it lacks or has once.
std::vector<int64_t> broadcast_strides(const std::vector<int64_t> &own, const std::vector<int64_t> &shape) {
  const std::vector<int64_t> dense = dense_strides(own);
  std::vector<int64_t> strides(shape.size(), 0);
  for (size_t i = 1; i <= own.size(); ++i)
    if (own[own.size() - i] != 1) strides[shape.size() - i] = dense[own.size() - i];
  return strides;
}

bool is_read(const FusedProgram &program, size_t input) {
  const auto reads = [&](const FusedArg &arg) {
    return arg.kind == FusedArg::Kind::input && static_cast<size_t>(arg.index) == input;
  };
  return std::any_of(program.yields.begin(), program.yields.end(), reads) ||
         std::any_of(program.statements.begin(), program.statements.end(), [&](const FusedStatement &statement) {
           return std::any_of(statement.args, statement.args + arity_of(statement.instr), reads);
         });
}

}  // namespace

void emit_fused_elementwise(const StepArgs &args, Writer &writer) {
  const auto wanted = std::find_if(args.outputs.begin(), args.outputs.end(), [](const Tensor &y) { return y.data; });
  if (wanted == args.outputs.end()) return;
  const FusedProgram program = parse_fused_program(args.attrs.string("program"), args.inputs.size());
  if (program.statements.empty() && args.outputs.size() == 1 && program.yields[0].kind == FusedArg::Kind::input) {
    const Tensor &x = args.inputs[static_cast<size_t>(program.yields[0].index)];
    if (x.dtype == wanted->dtype && x.shape == wanted->shape) {
      if (x.data != wanted->data) copy_strided(writer, x, *wanted, dense_strides(x.shape), 0);
      return;
    }
  }
  const bool in_double = std::any_of(args.inputs.begin(), args.inputs.end(), is_wide) ||
                         std::any_of(args.outputs.begin(), args.outputs.end(), is_wide);
  const std::string type = in_double ? "double" : "float";
  std::vector<Operand> operands(args.inputs.begin(), args.inputs.end());
  operands.insert(operands.end(), args.outputs.begin(), args.outputs.end());
  std::string body = "  const long long i = this_thread();\n  if (i >= " + argument(wanted->elements()) + ") return;\n";
  // All is read before anything is written: an output may lie on an input.
  for (size_t k = 0; k < args.inputs.size(); ++k) {
    if (!is_read(program, k)) {
      operands[k].data = nullptr;
      continue;
    }
    const Tensor &x = args.inputs[k];
    const std::string at =
        x.shape == wanted->shape
            ? "i"
            : offsets(writer, wanted->shape, broadcast_strides(x.shape, wanted->shape)) + "::offset(i)";
    body += "  const " + type + " x" + std::to_string(k) + " = load<" + type + ">(p" + std::to_string(k) + "[" + at +
            "]);\n";
  }
  for (size_t s = 0; s < program.statements.size(); ++s) {
    const FusedStatement &statement = program.statements[s];
    body +=
        "  const " + type + " v" + std::to_string(s) + " = op_" + kNames[static_cast<size_t>(statement.instr)] + "(";
    for (int a = 0; a < arity_of(statement.instr); ++a) body += (a ? ", " : "") + text_of(statement.args[a], in_double);
    body += ");\n";
  }
  // A value that nobody stores would be a warning.
  for (size_t s = 0; s < program.statements.size(); ++s) body += "  (void)v" + std::to_string(s) + ";\n";
  for (size_t k = 0; k < args.inputs.size(); ++k)
    if (operands[k].data) body += "  (void)x" + std::to_string(k) + ";\n";
  for (size_t k = 0; k < args.outputs.size(); ++k) {
    const Tensor &y = args.outputs[k];
    if (y.data)
      body += "  p" + std::to_string(args.inputs.size() + k) + "[i] = Store<" + c_type(y.dtype) + ">::of(" +
              text_of(program.yields[k], in_double) + ");\n";
  }
  writer.source().use("elementwise");
  writer.run("fused", body, operands, blocks_of(wanted->elements()));
}

void emit_cast(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (y.data) writer.call("elementwise", instance("cast", x.elements()), {x, y}, blocks_of(x.elements()));
}

void emit_accumulate(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[1], &y = args.outputs[0];
  if (y.data)
    writer.call("elementwise", instance("accumulate", x.elements()), {args.inputs[0], x, y}, blocks_of(x.elements()));
}

void emit_check_finite(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0];
  Operand y = args.outputs[0];
  if (!y.data) y.type = c_type(x.dtype);
  writer.call("elementwise", instance("check_finite", x.elements()), {x, y}, blocks_of(x.elements()), true);
}

}  // namespace dlc::cuda
