// Parser of fused programs: `name = instr(arg, ...); ...; yield name, ...`. It trusts nothing.
#include "fused_program.h"

#include <charconv>
#include <limits>
#include <string>
#include <unordered_map>

#include "status.h"

namespace dlc {
namespace {

constexpr size_t kMostStatements = 4096;

struct Word {
  std::string_view text;
  int arity;
};
constexpr Word kWords[] = {
#define DLC_WORD(id, word, arity) {word, arity},
    DLC_INSTRUCTIONS(DLC_WORD)
#undef DLC_WORD
};

[[noreturn]] void bad(const std::string &what) {
  throw Failure(DLC_BAD_PLAN, "program: " + what);
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, size_t inputs) : text_(text), inputs_(inputs) {}

  FusedProgram parse() {
    for (;;) {
      const std::string_view word = name();
      if (word == "yield") break;
      statement(word);
      expect(';');
    }
    do {
      program_.yields.push_back(argument());
    } while (accept(','));
    space();
    if (at_ != text_.size()) bad("text after the yield");
    return std::move(program_);
  }

 private:
  void space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad(std::string("'") + c + "' expected");
  }
  std::string_view name() {
    space();
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    if (at_ == begin) bad("a name expected");
    return text_.substr(begin, at_ - begin);
  }

  void statement(std::string_view target) {
    if (program_.statements.size() == kMostStatements) bad("too many statements");
    expect('=');
    FusedStatement made;
    const std::string_view word = name();
    if (word == "f32") {
      expect('(');
      define(target, argument());
      expect(')');
      return;
    }
    size_t instr = 0;
    while (instr < std::size(kWords) && kWords[instr].text != word) ++instr;
    if (instr == std::size(kWords)) bad("unknown instruction '" + std::string(word) + "'");
    made.instr = static_cast<Instr>(instr);
    expect('(');
    for (int i = 0; i < kWords[instr].arity; ++i) {
      if (i > 0) expect(',');
      made.args[i] = argument();
    }
    expect(')');
    define(target, {FusedArg::Kind::value, static_cast<int32_t>(program_.statements.size()), 0});
    program_.statements.push_back(made);
  }
  void define(std::string_view target, FusedArg what) {
    if (!values_.emplace(target, what).second) bad("'" + std::string(target) + "' is defined twice");
  }

  FusedArg argument() {
    if (accept('%')) {
      uint32_t index = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), index);
      if (error != std::errc() || index >= inputs_) bad("no such input");
      at_ = static_cast<size_t>(end - text_.data());
      return {FusedArg::Kind::input, static_cast<int32_t>(index), 0};
    }
    space();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (is_name_char(text_[at_]) || text_[at_] == '.' || text_[at_] == '+' || text_[at_] == '-'))
      ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (const auto value = values_.find(word); value != values_.end()) return value->second;
    constexpr double inf = std::numeric_limits<double>::infinity();
    if (word == "inf") return {FusedArg::Kind::literal, 0, inf};
    if (word == "-inf") return {FusedArg::Kind::literal, 0, -inf};
    if (word == "nan") return {FusedArg::Kind::literal, 0, std::numeric_limits<double>::quiet_NaN()};
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    // Out of range: too small is 0, as from_chars leaves it; too large does not occur in what the compiler prints.
    if ((error != std::errc() && error != std::errc::result_out_of_range) || end != word.data() + word.size())
      bad("'" + std::string(word) + "' is neither a value nor a number");
    return {FusedArg::Kind::literal, 0, number};
  }

  std::string_view text_;
  size_t inputs_;
  size_t at_ = 0;
  FusedProgram program_;
  std::unordered_map<std::string_view, FusedArg> values_;
};

}  // namespace

int arity_of(Instr instr) {
  return kWords[static_cast<size_t>(instr)].arity;
}

FusedProgram parse_fused_program(std::string_view text, size_t inputs) {
  return Parser(text, inputs).parse();
}

}  // namespace dlc
