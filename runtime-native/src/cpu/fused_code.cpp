// Compiles a fused program: combines pairs of instructions, sorts out single numbers, gives block buffers to values by
// their lifetimes.
#include "fused_code.h"

#include <algorithm>
#include <utility>

namespace dlc {
namespace {

using Kind = FusedArg::Kind;

// How often a value changes.
enum class Level : uint8_t { task, row, element };

bool is_value(const FusedArg &arg, Instr instr, const FusedProgram &program) {
  return arg.kind == Kind::value && program.statements[static_cast<size_t>(arg.index)].instr == instr;
}

class Compiler {
 public:
  Compiler(FusedProgram program, const std::vector<FusedInput> &inputs, const std::vector<FusedOutput> &outputs)
      : program_(std::move(program)), inputs_(inputs), outputs_(outputs) {}

  FusedCode compile() {
    for (FusedStatement &statement : program_.statements) simplify_power(statement);
    count_reads();
    count_uses();
    leave_rounding_to_stores();
    count_uses();
    for (FusedStatement &statement : program_.statements) combine(statement);
    count_uses();
    find_numbers();
    choose_outputs();
    emit();
    return std::move(code_);
  }

 private:
  size_t size() const { return program_.statements.size(); }

  // Reads of each value in the text, wanted or not.
  void count_reads() {
    reads_.assign(size(), 0);
    const auto read = [&](const FusedArg &arg) {
      if (arg.kind == Kind::value) ++reads_[static_cast<size_t>(arg.index)];
    };
    for (const FusedArg &yield : program_.yields) read(yield);
    for (const FusedStatement &at : program_.statements) std::for_each_n(at.args, arity_of(at.instr), read);
  }

  // Uses of each value: by statements that count themselves, and by yields that are wanted.
  void count_uses() {
    uses_.assign(size(), 0);
    const auto use = [&](const FusedArg &arg) {
      if (arg.kind == Kind::value) ++uses_[static_cast<size_t>(arg.index)];
    };
    for (size_t i = 0; i < program_.yields.size(); ++i)
      if (outputs_[i].wanted) use(program_.yields[i]);
    for (size_t i = size(); i-- > 0;) {
      if (uses_[i] == 0) continue;  // dead: its arguments gain nothing
      const FusedStatement &at = program_.statements[i];
      for (int a = 0; a < arity_of(at.instr); ++a) use(at.args[a]);
    }
  }

  // By the text alone: a product that becomes a part of a sum is rounded with it, and what a program gives may not
  // depend on which of its results are wanted.
  bool read_once(const FusedArg &arg) const { return reads_[static_cast<size_t>(arg.index)] == 1; }

  // What is rounded for nobody but outputs that round anyway is stored as it is.
  void leave_rounding_to_stores() {
    std::vector<int> stored(size(), 0);
    const auto each_rounded = [&](auto f) {
      for (size_t o = 0; o < outputs_.size(); ++o) {
        FusedArg &yield = program_.yields[o];
        if (outputs_[o].wanted && outputs_[o].rounds && is_value(yield, Instr::bf16, program_))
          f(yield, static_cast<size_t>(yield.index));
      }
    };
    each_rounded([&](const FusedArg &, size_t value) { ++stored[value]; });
    each_rounded([&](FusedArg &yield, size_t value) {
      if (stored[value] == uses_[value]) yield = program_.statements[value].args[0];
    });
  }

  // Powers that are cheaper by another name.
  static void simplify_power(FusedStatement &statement) {
    if (statement.instr != Instr::pow || statement.args[1].kind != Kind::literal) return;
    const double exponent = statement.args[1].literal;
    if (exponent == 2) statement.instr = Instr::square;
    if (exponent == -1) statement.instr = Instr::reciprocal;
    if (exponent == 3) statement.instr = Instr::cube;
    if (exponent == 0.5) statement.instr = Instr::root;
    if (exponent == -0.5) statement.instr = Instr::inverse_root;
  }

  // a * b + c and comparisons that only choose, in one pass over the block instead of two. The first of a pair stays in
  // the list without a use.
  void combine(FusedStatement &statement) {
    if (statement.instr == Instr::add || statement.instr == Instr::sub) {
      const bool add = statement.instr == Instr::add;
      for (const int side : {0, 1}) {
        const FusedArg product = statement.args[side], other = statement.args[1 - side];
        if (!is_value(product, Instr::mul, program_) || !read_once(product)) continue;
        const FusedStatement &mul = program_.statements[static_cast<size_t>(product.index)];
        statement = {add         ? Instr::mul_add
                     : side == 0 ? Instr::mul_sub
                                 : Instr::sub_mul,
                     {mul.args[0], mul.args[1], other, {}}};
        return;
      }
      return;
    }
    if (statement.instr != Instr::where || statement.args[0].kind != Kind::value || !read_once(statement.args[0]))
      return;
    const FusedStatement &test = program_.statements[static_cast<size_t>(statement.args[0].index)];
    const FusedArg yes = statement.args[1], no = statement.args[2];
    switch (test.instr) {
      case Instr::equal:
        statement = {Instr::select_equal, {test.args[0], test.args[1], yes, no}};
        break;
      case Instr::not_equal:
        statement = {Instr::select_equal, {test.args[0], test.args[1], no, yes}};
        break;
      case Instr::less:
        statement = {Instr::select_less, {test.args[0], test.args[1], yes, no}};
        break;
      case Instr::less_equal:
        statement = {Instr::select_less_equal, {test.args[0], test.args[1], yes, no}};
        break;
      case Instr::greater:
        statement = {Instr::select_less, {test.args[1], test.args[0], yes, no}};
        break;
      case Instr::greater_equal:
        statement = {Instr::select_less_equal, {test.args[1], test.args[0], yes, no}};
        break;
      default:
        break;
    }
  }

  Level level_of(const FusedArg &arg) const {
    switch (arg.kind) {
      case Kind::literal:
        return Level::task;
      case Kind::input: {
        const FusedInput &input = inputs_[static_cast<size_t>(arg.index)];
        return input.single ? Level::task : input.row ? Level::row : Level::element;
      }
      case Kind::value:
        break;
    }
    return level_[static_cast<size_t>(arg.index)];
  }

  // What depends on literals and single elements alone is computed once, not for each element.
  void find_numbers() {
    level_.assign(size(), Level::task);
    for (size_t i = 0; i < size(); ++i) {
      const FusedStatement &at = program_.statements[i];
      for (int a = 0; a < arity_of(at.instr); ++a) level_[i] = std::max(level_[i], level_of(at.args[a]));
    }
  }

  static bool overlap(const FusedInput &a, const FusedOutput &b) { return a.begin < b.end && b.begin < a.end; }

  // A value may be written straight into an output's memory unless something that is read later lies there.
  void choose_outputs() {
    home_.assign(size(), -1);
    for (size_t o = 0; o < outputs_.size(); ++o) {
      const FusedArg &yield = program_.yields[o];
      if (!outputs_[o].wanted || !outputs_[o].direct || yield.kind != Kind::value) continue;
      const auto value = static_cast<size_t>(yield.index);
      if (level_[value] != Level::element || home_[value] >= 0 || read_later(value, outputs_[o])) continue;
      home_[value] = static_cast<int32_t>(o);
    }
  }

  bool read_later(size_t value, const FusedOutput &output) const {
    const auto hits = [&](const FusedArg &arg) {
      return arg.kind == Kind::input && overlap(inputs_[static_cast<size_t>(arg.index)], output);
    };
    for (size_t i = value + 1; i < size(); ++i) {
      const FusedStatement &at = program_.statements[i];
      if (uses_[i] > 0 && std::any_of(at.args, at.args + arity_of(at.instr), hits)) return true;
    }
    return std::any_of(program_.yields.begin(), program_.yields.end(), hits);
  }

  int32_t new_number() { return code_.numbers++; }

  FusedPlace number_of(double literal) {
    code_.literals.push_back(literal);
    return {FusedPlace::Kind::number, literal_base_++};
  }

  int32_t take_slot() {
    if (free_.empty()) return code_.slots++;
    const int32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void emit() {
    // Literals first, so that they are the first numbers.
    for (size_t i = 0; i < size(); ++i)
      if (uses_[i] > 0)
        for (int a = 0; a < arity_of(program_.statements[i].instr); ++a)
          if (program_.statements[i].args[a].kind == Kind::literal) ++code_.numbers;
    for (size_t o = 0; o < outputs_.size(); ++o)
      if (outputs_[o].wanted && program_.yields[o].kind == Kind::literal) ++code_.numbers;

    find_last_reads();
    place_.assign(size(), {});
    input_place_.assign(inputs_.size(), {});
    input_ready_.assign(inputs_.size(), false);
    // An input that goes to an output while another output lies on it is read before anything is written.
    for (size_t o = 0; o < outputs_.size(); ++o)
      if (outputs_[o].wanted && program_.yields[o].kind == Kind::input) load_early(program_.yields[o].index, o);

    for (size_t i = 0; i < size(); ++i) {
      if (uses_[i] == 0) continue;
      const FusedStatement &at = program_.statements[i];
      FusedStep step;
      step.instr = at.instr;
      for (int a = 0; a < arity_of(at.instr); ++a) {
        step.args[a] = place_of(at.args[a]);
        if (step.args[a].kind == FusedPlace::Kind::number) step.mask |= 1u << a;
      }
      if (level_[i] != Level::element) {
        place_[i] = {FusedPlace::Kind::number, new_number()};
      } else {
        release(i);
        place_[i] = home_[i] >= 0 ? FusedPlace{FusedPlace::Kind::output, home_[i]}
                                  : FusedPlace{FusedPlace::Kind::slot, take_slot()};
      }
      step.dst = place_[i];
      (level_[i] == Level::task  ? code_.number_steps
       : level_[i] == Level::row ? code_.row_steps
                                 : code_.steps)
          .push_back(step);
    }

    for (size_t o = 0; o < outputs_.size(); ++o) {
      if (!outputs_[o].wanted) continue;
      const FusedPlace from = place_of(program_.yields[o]);
      if (from.kind == FusedPlace::Kind::output && from.index == static_cast<int32_t>(o)) continue;
      code_.stores.push_back({from, static_cast<int32_t>(o)});
    }
  }

  // The last statement that reads each value and each input; yields read after all of them.
  void find_last_reads() {
    last_read_.assign(size(), -1);
    const auto read = [&](const FusedArg &arg, int64_t when) {
      if (arg.kind == Kind::value) last_read_[static_cast<size_t>(arg.index)] = when;
    };
    for (size_t i = 0; i < size(); ++i)
      if (uses_[i] > 0)
        for (int a = 0; a < arity_of(program_.statements[i].instr); ++a)
          read(program_.statements[i].args[a], static_cast<int64_t>(i));
    for (const FusedArg &yield : program_.yields) read(yield, static_cast<int64_t>(size()));
  }

  // Buffers of the values that statement i reads for the last time serve again, i's own result included. Buffers of
  // inputs are kept: they are filled at the start of the block.
  void release(size_t i) {
    const FusedStatement &at = program_.statements[i];
    for (int a = 0; a < arity_of(at.instr); ++a) {
      if (at.args[a].kind != Kind::value) continue;
      const auto value = static_cast<size_t>(at.args[a].index);
      if (place_[value].kind != FusedPlace::Kind::slot || last_read_[value] != static_cast<int64_t>(i)) continue;
      if (std::find(free_.begin(), free_.end(), place_[value].index) == free_.end())
        free_.push_back(place_[value].index);
    }
  }

  void load_early(int32_t input, size_t own) {
    const auto at = static_cast<size_t>(input);
    if (inputs_[at].single || !inputs_[at].direct || input_ready_[at]) return;
    for (size_t o = 0; o < outputs_.size(); ++o)
      if (o != own && outputs_[o].wanted && overlap(inputs_[at], outputs_[o])) {
        input_place_[at] = {FusedPlace::Kind::slot, code_.slots++};
        code_.loads.push_back({input, input_place_[at].index});
        input_ready_[at] = true;
        return;
      }
  }

  FusedPlace place_of(const FusedArg &arg) {
    const auto index = static_cast<size_t>(arg.index);
    if (arg.kind == Kind::literal) return number_of(arg.literal);
    if (arg.kind == Kind::value) return place_[index];
    if (!input_ready_[index]) {
      input_ready_[index] = true;
      if (inputs_[index].single || inputs_[index].row) {
        input_place_[index] = {FusedPlace::Kind::number, new_number()};
        (inputs_[index].single ? code_.number_loads : code_.row_loads)
            .push_back({arg.index, input_place_[index].index});
      } else if (inputs_[index].direct) {
        input_place_[index] = {FusedPlace::Kind::input, arg.index};
      } else {
        // A buffer of its own from the block's start, never one that served before.
        input_place_[index] = {FusedPlace::Kind::slot, code_.slots++};
        code_.loads.push_back({arg.index, input_place_[index].index});
      }
    }
    return input_place_[index];
  }

  FusedProgram program_;
  const std::vector<FusedInput> &inputs_;
  const std::vector<FusedOutput> &outputs_;
  FusedCode code_;
  std::vector<int> reads_;
  std::vector<int> uses_;
  std::vector<Level> level_;
  std::vector<int32_t> home_;
  std::vector<int64_t> last_read_;
  std::vector<FusedPlace> place_;
  std::vector<FusedPlace> input_place_;
  std::vector<bool> input_ready_;
  std::vector<int32_t> free_;
  int32_t literal_base_ = 0;
};

}  // namespace

FusedCode compile_fused(FusedProgram program, const std::vector<FusedInput> &inputs,
                        const std::vector<FusedOutput> &outputs) {
  return Compiler(std::move(program), inputs, outputs).compile();
}

}  // namespace dlc
