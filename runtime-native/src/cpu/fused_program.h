// The text of a fused group (docs/architecture.md) as data, and the instructions it may use.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dlc {

// X(identifier, word, arity). The words from `mul_add` on are not in the language: fused_elementwise.cpp makes them of
// pairs that would otherwise pass through memory. `bf16` rounds to what bfloat16 can hold; `f32(x)`, which is in the
// language too, is x itself here: everything is float within a group.
#define DLC_INSTRUCTIONS(X)                  \
  X(neg, "neg", 1)                           \
  X(abs, "abs", 1)                           \
  X(sign, "sign", 1)                         \
  X(exp, "exp", 1)                           \
  X(expm1, "expm1", 1)                       \
  X(log, "log", 1)                           \
  X(log1p, "log1p", 1)                       \
  X(sqrt, "sqrt", 1)                         \
  X(rsqrt, "rsqrt", 1)                       \
  X(square, "square", 1)                     \
  X(reciprocal, "reciprocal", 1)             \
  X(floor, "floor", 1)                       \
  X(ceil, "ceil", 1)                         \
  X(round, "round", 1)                       \
  X(sigmoid, "sigmoid", 1)                   \
  X(tanh, "tanh", 1)                         \
  X(erf, "erf", 1)                           \
  X(relu, "relu", 1)                         \
  X(sin, "sin", 1)                           \
  X(cos, "cos", 1)                           \
  X(tan, "tan", 1)                           \
  X(asin, "asin", 1)                         \
  X(acos, "acos", 1)                         \
  X(atan, "atan", 1)                         \
  X(sinh, "sinh", 1)                         \
  X(cosh, "cosh", 1)                         \
  X(asinh, "asinh", 1)                       \
  X(acosh, "acosh", 1)                       \
  X(atanh, "atanh", 1)                       \
  X(is_nan, "is_nan", 1)                     \
  X(is_finite, "is_finite", 1)               \
  X(logical_not, "not", 1)                   \
  X(bf16, "bf16", 1)                         \
  X(add, "add", 2)                           \
  X(sub, "sub", 2)                           \
  X(mul, "mul", 2)                           \
  X(div, "div", 2)                           \
  X(maximum, "maximum", 2)                   \
  X(minimum, "minimum", 2)                   \
  X(pow, "pow", 2)                           \
  X(mod, "mod", 2)                           \
  X(atan2, "atan2", 2)                       \
  X(equal, "equal", 2)                       \
  X(not_equal, "not_equal", 2)               \
  X(less, "less", 2)                         \
  X(less_equal, "less_equal", 2)             \
  X(greater, "greater", 2)                   \
  X(greater_equal, "greater_equal", 2)       \
  X(logical_and, "and", 2)                   \
  X(logical_or, "or", 2)                     \
  X(where, "where", 3)                       \
  X(clamp, "clamp", 3)                       \
  X(mul_add, "", 3)      /* a b + c */       \
  X(mul_sub, "", 3)      /* a b - c */       \
  X(sub_mul, "", 3)      /* c - a b */       \
  X(select_equal, "", 4) /* a = b ? c : d */ \
  X(select_less, "", 4)                      \
  X(select_less_equal, "", 4)                \
  X(cube, "", 1) /* powers */                \
  X(root, "", 1)                             \
  X(inverse_root, "", 1)

enum class Instr : uint8_t {
#define DLC_ENUMERATE(id, word, arity) id,
  DLC_INSTRUCTIONS(DLC_ENUMERATE)
#undef DLC_ENUMERATE
};

int arity_of(Instr instr);

struct FusedArg {
  enum class Kind : uint8_t { input, value, literal } kind = Kind::literal;
  int32_t index = 0;   // of the input, or of the statement
  double literal = 0;  // of a literal
};

constexpr int kMostArgs = 4;

struct FusedStatement {
  Instr instr = Instr::neg;
  FusedArg args[kMostArgs];
};

struct FusedProgram {
  std::vector<FusedStatement> statements;
  std::vector<FusedArg> yields;
};

// Throws Failure(DLC_BAD_PLAN). Every index of the result is in range and points backwards.
FusedProgram parse_fused_program(std::string_view text, size_t inputs);

}  // namespace dlc
